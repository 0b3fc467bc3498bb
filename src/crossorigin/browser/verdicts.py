"""What comes out of a fetch: allowed or blocked, by which rule, and what the page sees (B2).

`BLOCKS` is the whole list of ways to be blocked: for each a stable code, the step of the standard, and the sentence
that a developer would read in a browser's console.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .messages import Exchange, Header, get, values

Stage = Literal["request", "preflight", "redirect", "response"]
ResponseType = Literal["basic", "cors", "opaque", "opaqueredirect"]

# What a response's failure is about, to open a message with.
_STAGES: dict[Stage, str] = {
    "request": "",
    "preflight": "the preflight fails: ",
    "redirect": "the redirect fails: ",
    "response": "",
}
_LONGEST = 120


class Block(NamedTuple):
    """One way to be blocked.

    Attributes:
        clause: The algorithm of the Fetch standard, and its step.
        sentence: What is wrong; in braces what `Blocked.details` holds.
    """

    clause: str
    sentence: str


# fmt: off
BLOCKS: Mapping[str, Block] = {
    # Before anything is sent.
    "origin-malformed": Block("HTML, serialisation of an origin",
        "no page has the origin '{value}'{hint}"),
    "mode-same-origin": Block("Main fetch: request's mode is \"same-origin\"",
        "the request has mode 'same-origin', and {url} is of another origin"),
    "mode-no-cors-redirect": Block("Main fetch: request's mode is \"no-cors\", redirect mode",
        "a request in mode 'no-cors' to another origin must follow redirects, and this one has redirect='{redirect}'"),
    "scheme-not-http": Block("Main fetch: current URL's scheme is not an HTTP(S) scheme",
        "a page fetches from other origins over http and https only, not {scheme}"),
    # The network.
    "no-response": Block("HTTP-network fetch",
        "no response came: {reason}"),
    # The CORS check, of a preflight's response and of every other one.
    "allow-origin-missing": Block("CORS check, step 2",
        "no Access-Control-Allow-Origin header is present"),
    "allow-origin-wildcard": Block("CORS check, step 4",
        "Access-Control-Allow-Origin is '*', which never counts for a request whose credentials mode is 'include'"),
    "allow-origin-several": Block("CORS check, step 4",
        "Access-Control-Allow-Origin contains several values, '{value}', and only one is allowed"),
    "allow-origin-malformed": Block("CORS check, step 4",
        "Access-Control-Allow-Origin is '{value}', which is not the origin of any page"),
    "allow-origin-other": Block("CORS check, step 4",
        "Access-Control-Allow-Origin is '{value}', which is not the request's origin, '{origin}'"),
    "allow-credentials-missing": Block("CORS check, step 8",
        "no Access-Control-Allow-Credentials header is present, and the request's credentials mode is 'include'"),
    "allow-credentials-not-true": Block("CORS check, step 8",
        "Access-Control-Allow-Credentials is '{value}', and must be 'true', in lower case"),
    # The rest of a preflight.
    "preflight-redirect": Block("CORS-preflight fetch, step 7: ok status",
        "it is a redirect ({status}), and a preflight follows none"),
    "preflight-status": Block("CORS-preflight fetch, step 7: ok status",
        "its status is {status}, not an ok status (200 to 299)"),
    "allow-methods-malformed": Block("CORS-preflight fetch, step 7.3",
        "Access-Control-Allow-Methods is '{value}', which is not a list of methods, so that none of it counts"),
    "allow-headers-malformed": Block("CORS-preflight fetch, step 7.3",
        "Access-Control-Allow-Headers is '{value}', which is not a list of header names, so that none of it counts"),
    "method-not-allowed": Block("CORS-preflight fetch, step 7.5",
        "the method {method} is not allowed by Access-Control-Allow-Methods ({allowed})"),
    "method-case": Block("CORS-preflight fetch, step 7.5",
        "the method {method} is not allowed by Access-Control-Allow-Methods ({allowed}): methods are compared with "
        "case, and browsers upper-case only DELETE, GET, HEAD, OPTIONS, POST and PUT"),
    "method-wildcard": Block("CORS-preflight fetch, step 7.5",
        "the method {method} is not allowed by Access-Control-Allow-Methods ({allowed}): '*' never counts for a "
        "request whose credentials mode is 'include'"),
    "authorization-wildcard": Block("CORS-preflight fetch, step 7.6",
        "the header authorization is not allowed by Access-Control-Allow-Headers ({allowed}): '*' does not cover it"),
    "header-not-allowed": Block("CORS-preflight fetch, step 7.7",
        "the header {header} is not allowed by Access-Control-Allow-Headers ({allowed})"),
    "header-wildcard": Block("CORS-preflight fetch, step 7.7",
        "the header {header} is not allowed by Access-Control-Allow-Headers ({allowed}): '*' never counts for a "
        "request whose credentials mode is 'include'"),
    # Redirects.
    "redirect-error": Block("HTTP fetch: redirect mode \"error\"",
        "the response is a redirect ({status}), and the request has redirect='error'"),
    "redirect-location-malformed": Block("HTTP-redirect fetch: location URL is failure",
        "the redirect's Location, '{value}', is not a URL"),
    "redirect-scheme": Block("HTTP-redirect fetch: location URL's scheme",
        "the redirect leads to '{value}', which is neither http nor https"),
    "redirect-count": Block("HTTP-redirect fetch: redirect count",
        "there are more than 20 redirects"),
    "redirect-credentials": Block("HTTP-redirect fetch: location URL includes credentials",
        "the redirect leads to a URL with a user name in it, '{value}', which CORS forbids"),
    "redirect-streaming": Block("HTTP-redirect fetch: body's source is null",
        "the redirect ({status}) asks for the body again, and a stream cannot be sent twice"),
    # A response that is not for this page, though CORS was not asked for.
    "resource-policy": Block("HTTP fetch: cross-origin resource policy check",
        "Cross-Origin-Resource-Policy is '{value}', and the page is of another {scope}"),
}
# fmt: on


class Blocked(Exception):  # noqa: N818 - it is an outcome, not a mistake
    """How one step of the algorithm ends the fetch, inside of this package only."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class VisibleResponse:
    """The response as the page's script sees it (Fetch §2.2.6, filtered responses).

    Attributes:
        type: ``"basic"`` for the page's own origin, ``"cors"`` for another one; ``"opaque"`` and ``"opaqueredirect"``
            for responses of which the page sees nothing at all.
        url: Of the last redirect; empty where it is hidden.
        status: 0 where it is hidden.
        headers: Those that the page sees.
        body: What the page can read.
        redirected: Whether a redirect was followed.
        timing_allowed: Whether the page sees how long it took (Fetch §4.11 TAO check).
    """

    type: ResponseType
    url: str
    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    redirected: bool = False
    timing_allowed: bool = False

    def get(self, name: str) -> str | None:
        """Return the header *name*, its lines joined, or ``None``."""
        return get(self.headers, name)

    def values(self, name: str) -> list[str]:
        """Return every line of the header *name*."""
        return values(self.headers, name)


@dataclass(frozen=True)
class Verdict:
    """How a fetch ended.

    Attributes:
        allowed: Whether ``fetch()`` gives the page a response, be it an opaque one.
        code: ``"allowed"``, or a stable word for the way in which it was blocked: a key of `BLOCKS`.
        stage: What was blocked: the request itself, its preflight, a redirect, or the response.
        clause: The algorithm of the standard and the step in it.
        message: A sentence for the developer.
        details: What the sentence is about, by name: ``method``, ``header``, ``value``, ...
        steps: What happened, one sentence each.
        exchanges: What the network carried, in order.
        response: What the page sees; ``None`` if blocked.
    """

    allowed: bool
    code: str
    stage: Stage
    clause: str
    message: str
    details: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    response: VisibleResponse | None = None

    @property
    def preflights(self) -> tuple[Exchange, ...]:
        """The preflights among the exchanges."""
        return tuple(exchange for exchange in self.exchanges if exchange.request.is_preflight)


def sentence(blocked: Blocked, stage: Stage) -> str:
    """Return what is wrong, in words.

    >>> sentence(Blocked("preflight-status", status=404), "preflight")
    'the preflight fails: its status is 404, not an ok status (200 to 299)'
    """
    shown = {name: shortened(value) if isinstance(value, str) else value for name, value in blocked.details.items()}
    return _STAGES[stage] + BLOCKS[blocked.code].sentence.format_map(shown)


def shortened(text: str) -> str:
    """Return *text* without control characters and not longer than a line, for a message.

    >>> shortened("a" * 200) == "a" * 117 + "..."
    True
    """
    printable = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return printable if len(printable) <= _LONGEST else f"{printable[: _LONGEST - 3]}..."
