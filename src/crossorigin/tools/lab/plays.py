"""One request to one stack: what a page asks for, what must come of it, and what a browser did otherwise.

Owns the comparison of the three: the policy's own word, the model of the browser in front of the running stack, and a
real browser's outcome with what the server saw. Carries nothing and keeps nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...browser import Verdict
from ...browser.messages import Exchange, Header, HTTPResponse
from ...explanation import Explanation
from .journal import Seen
from .situations import HOSTS, SANDBOX, Situation

# The headers of the API's own that a page sees or does not see: those of servers differ, and prove nothing.
_COMPARED = ("content-type", "etag", "x-total-count")
_CREDENTIALS = ("omit", "same-origin", "include")
# What servers answer to requests that they do not take: Bad Request, Method Not Allowed, Not Implemented.
_REFUSALS = (400, 405, 501)

# What a page may ask for here, in characters. The path is one as URLs write it (RFC 3986 §3.3).
_PATH = re.compile(r"/(?!/)(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_LONGEST_PATH, _LONGEST_METHOD, _LONGEST_HEADER, _MOST_HEADERS = 500, 100, 2000, 30


class InputError(ValueError):
    """What the page sent is not what the lab takes; the message says what it takes."""


@dataclass(frozen=True)
class Asked:
    """What a page is to fetch.

    Attributes:
        page: Which one.
        method: As the page writes it.
        headers: Those that it sets.
        credentials: The credentials mode.
        path: The path of the API.
    """

    page: str
    method: str
    headers: tuple[Header, ...]
    credentials: Any
    path: str

    @classmethod
    def of(cls, data: object) -> "Asked":
        """Return what *data*, which came from the page, says.

        Raises:
            InputError: If it says something else.

        >>> Asked.of({"page": "app", "method": "PUT", "headers": [], "credentials": "omit", "path": "/items"}).method
        'PUT'
        """
        match data:
            case {
                "page": str(page),
                "method": str(method),
                "headers": list(headers),
                "credentials": str(credentials),
                "path": str(path),
            } if all(_is_header(one) for one in headers):
                pass
            case _:
                raise InputError("a request has page, method, headers (pairs of name and value), credentials and path")
        if page not in (*HOSTS, SANDBOX):
            raise InputError(f"the pages are {', '.join(HOSTS)} and {SANDBOX}, not {page!r:.40}")
        if credentials not in _CREDENTIALS:
            raise InputError(f"credentials are {', '.join(_CREDENTIALS)}, not {credentials!r:.40}")
        if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path):
            raise InputError(
                f"a path begins with one '/', is written as in a URL, has no query, and is at most {_LONGEST_PATH} "
                f"characters long, not {path!r:.40}"
            )
        if len(method) > _LONGEST_METHOD or not _is_text(method):
            raise InputError(f"a method has at most {_LONGEST_METHOD} characters, not {method!r:.40}")
        if len(headers) > _MOST_HEADERS or any(sum(map(len, one)) > _LONGEST_HEADER for one in headers):
            raise InputError(f"a page sets at most {_MOST_HEADERS} headers of {_LONGEST_HEADER} characters")
        if not all(_is_text(part) for one in headers for part in one):
            raise InputError("a header is text without lone surrogates")
        return cls(page, method, tuple((name, value) for name, value in headers), credentials, path)


def _is_header(data: object) -> bool:
    return isinstance(data, list) and len(data) == 2 and all(isinstance(part, str) for part in data)


def _is_text(text: str) -> bool:
    """Return whether *text* can be written: JSON can hold half a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


@dataclass(frozen=True)
class Play:
    """One request to one stack, with what must come of it.

    Attributes:
        identity: By which the server's journal has it.
        stack: Which stack.
        url: What the page fetches.
        verdict: The model's; ``None`` if no page can make the request.
        explanation: The policy's own answers, played through the same model.
        seen: What the stack saw of the model's requests.
        impossible: Why no page can make the request.
    """

    identity: str
    stack: str
    url: str
    verdict: Verdict | None = None
    explanation: Explanation | None = None
    seen: tuple[Seen, ...] = ()
    impossible: str = ""

    @property
    def code(self) -> str:
        """The model's word for what must happen."""
        return "request-impossible" if self.verdict is None else self.verdict.code

    @property
    def is_declared(self) -> bool:
        """Whether the running stack did what the policy says, or was not asked."""
        same = self.explanation is not None and self.explanation.verdict.code == self.code
        return self.verdict is None or same or self.is_refused_by_server

    @property
    def is_refused_by_server(self) -> bool:
        """Whether the server refused the last request by itself, so that neither stack nor policy saw it.

        Servers know only so many methods, some of them.
        """
        if self.verdict is None or len(self.seen) != len(self.verdict.exchanges) - 1:
            return False
        response = self.verdict.exchanges[-1].response
        return isinstance(response, HTTPResponse) and response.status in _REFUSALS


def asked_of(situation: Situation) -> Asked:
    """Return what the page of *situation* fetches."""
    return Asked.of(situation.request())


def disagreements(play: Play, outcome: Mapping[str, Any], seen: Sequence[Seen]) -> list[str]:
    """Return, in words, where policy, model and browser do not agree.

    Args:
        play: What was played.
        outcome: What the page got.
        seen: What the server saw.
    """
    found = [] if play.is_declared else ["the stack does not do what the policy says"]
    visible = None if play.verdict is None else play.verdict.response
    if visible is None and "error" not in outcome:
        found.append(f"the model blocks it ({play.code}), and this browser gave the page the response")
    elif visible is not None and "error" in outcome:
        found.append(f"the model lets the page have the response, and this browser blocked it: {outcome['error']:.200}")
    elif visible is not None:
        if visible.status != outcome["status"]:
            found.append(f"the model shows the page status {visible.status}, this browser {outcome['status']}")
        model, real = _compared(visible.headers), _compared(outcome["headers"].items())
        if model != real:
            found.append(f"the model shows the page the headers {sorted(model)}, this browser {sorted(real)}")
    exchanges = () if play.verdict is None else play.verdict.exchanges
    if play.is_refused_by_server:
        exchanges = exchanges[:-1]
    sent, came = [_asks(one) for one in exchanges], [(one.method, *one.asks_for) for one in seen]
    if sent != came:
        found.append(f"the model sends {_listed(sent)}, and the server saw {_listed(came)}")
    return found


def _compared(headers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lower(): value for name, value in headers if name.lower() in _COMPARED}


def _asks(exchange: Exchange) -> tuple[str, str | None, str | None]:
    request = exchange.request
    return request.method, request.get("Access-Control-Request-Method"), request.get("Access-Control-Request-Headers")


def _listed(requests: Iterable[tuple[str, str | None, str | None]]) -> str:
    return ", ".join(" ".join(filter(None, parts)) for parts in requests) or "nothing"
