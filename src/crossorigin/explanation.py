"""One request, explained: what the policy answers, what a browser makes of it, and what to change.

The policy and the model of the browser together, as a page and its API are. Nothing goes over a network, and no
framework has a part in it: what comes out is what every adapter would send.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from . import fetch
from .answer import Answer, Reason, Rules, preflight_reply, write
from .browser import Browser, Engine, HTTPRequest, HTTPResponse, Request, Verdict, run
from .browser.request import Credentials
from .browser.transcript import transcript
from .misspellings import diagnose, is_declarable

T = TypeVar("T")


@dataclass(frozen=True)
class Explanation:
    """What becomes of one request, and why. ``str()`` of it is made for reading.

    Attributes:
        origin: The page's.
        request: What the page asks for.
        verdict: What the browser makes of the policy's answers.
        reason: The policy's own word for its last answer; ``None`` if it was not asked, or leaves the path alone.
        advice: What to change so that the request is allowed; ``None`` where there is nothing to change.
    """

    origin: str
    request: Request
    verdict: Verdict
    reason: Reason | None
    advice: str | None

    @property
    def allowed(self) -> bool:
        """Whether the page gets the response."""
        return self.verdict.allowed

    def __str__(self) -> str:
        lines = [
            f"{self.request.method} {self.request.url} from {self.origin}, credentials: {self.request.credentials}"
        ]
        lines += [f"  the browser drops {name} in silence: no page can set it" for name, _ in self.request.dropped]
        exchanges = list(self.verdict.exchanges)
        for step in self.verdict.steps:
            lines.append(f"  {step}")
            if exchanges and step == str(exchanges[0].request):
                exchange = exchanges.pop(0)
                lines += [f"    {line}" for line in transcript([exchange])[1:]]
        if not self.allowed:
            lines.append(f"  ({self.verdict.code}; Fetch, {self.verdict.clause})")
        if self.advice is not None:
            lines += ["", f"To allow it: {self.advice}"]
        return "\n".join(lines)


def explain(
    policy: Rules,
    *,
    origin: str,
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[str] = (),
    credentials: bool | Credentials = False,
    url: str = "https://api.example.com/",
    engine: Engine = Engine.STANDARD,
) -> Explanation:
    """Play one request through *policy* and a model of the browser.

    Args:
        policy: A `Policy`, `AnyOf` or `ByPath`.
        origin: The page's origin, as a browser sends it.
        method: As the page writes it: ``fetch(url, {method: ...})``.
        headers: Those that the page sets: by name and value, or names alone.
        credentials: Whether the page asks for cookies to be sent and stored, ``credentials: "include"``; or the word
            for it: ``"omit"``, ``"same-origin"`` or ``"include"``.
        url: What the page fetches. Only its path matters to a policy.
        engine: Whose differences from the standard apply.

    Raises:
        RequestError: If no page can make such a request.

    >>> from crossorigin import Policy
    >>> print(explain(Policy("https://app.example.com"), origin="https://app.example.com", method="DELETE").advice)
    add 'DELETE' to allow_methods
    """
    if isinstance(credentials, bool):
        credentials = "include" if credentials else "same-origin"
    request = Request.of(
        url,
        method=method,
        headers=headers if isinstance(headers, Mapping) else [(name, "1") for name in _names(headers)],
        credentials=credentials,
    )
    server = _Server(policy)
    verdict = run(Browser(engine).fetch(request, origin=origin), server)
    reason = server.answer.reason if server.answer is not None else None
    return Explanation(origin, request, verdict, reason, _advice(policy, origin, verdict, server))


class _Server:
    """A policy in place of a server: answers as every adapter does, in front of an application that answers 200."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.answer: Answer | None = None
        self.path = "/"
        self.method = ""
        self.headers: list[str] = []

    def __call__(self, request: HTTPRequest) -> HTTPResponse:
        self.path = unquote("/" + request.url.split("://", 1)[1].partition("/")[2].partition("?")[0])
        origin = request.get(fetch.ORIGIN)
        if origin is not None and request.is_preflight:
            self.method = request.get(fetch.REQUEST_METHOD) or ""
            names = request.get(fetch.REQUEST_HEADERS)
            self.headers = [] if names is None else [names]
            if self.rules.is_async:
                self.answer = _awaited(self.rules.preflight_async(origin, self.path, self.method, self.headers))
            else:
                self.answer = self.rules.preflight(origin, self.path, self.method, self.headers)
            if self.answer is not None:
                reply = preflight_reply(self.answer, 204)
                return HTTPResponse(reply.status, tuple(reply.headers), reply.body)
        elif self.rules.is_async:
            self.answer = _awaited(self.rules.actual_async(origin, self.path))
        else:
            self.answer = self.rules.actual(origin, self.path)
        return HTTPResponse(200, () if self.answer is None else tuple(write((), self.answer)))


def _advice(rules: Rules, origin: str, verdict: Verdict, server: _Server) -> str | None:
    if verdict.allowed:
        return None
    details = verdict.details
    match verdict.code:
        case "allow-origin-missing" | "allow-origin-other":
            return _origin_advice(rules, origin, server)
        case "allow-origin-wildcard":
            return (
                "name the origins instead of '*' and set allow_credentials=True, "
                "or fetch without credentials: 'include'"
            )
        case "allow-credentials-missing":
            if origin == "null":
                return "fetch without credentials: 'include'; a page whose origin is null never gets any"
            return "set allow_credentials=True, or fetch without credentials: 'include'"
        case "method-case":
            name = str(details["method"])
            return (
                f"write the method in upper case in the page, method: {name.upper()!r}: browsers send {name!r} as it is"
            )
        case "method-not-allowed" | "method-wildcard":
            return f"add {details['method']!r} to allow_methods"
        case "header-not-allowed" | "header-wildcard":
            return f"add {' and '.join(map(repr, _missing_headers(verdict)))} to allow_headers"
        case "authorization-wildcard":
            return "name Authorization beside '*': allow_headers=['*', 'Authorization']"
        case _:
            return None


def _origin_advice(rules: Rules, origin: str, server: _Server) -> str | None:
    if server.answer is None:
        return f"ask the application: the policy leaves the path {server.path} to it"
    reason = server.answer.reason
    near = rules.near_miss(reason, origin, server.path, server.method, server.headers)
    because = f" ({near})" if near else ""
    match reason:
        case "origin-not-allowed":
            return f"add {origin!r} to allow_origins, if that page is yours{because}"
        case "origin-null":
            return f"give the page an origin{because}"
        case "origin-malformed":
            fixes = {found.fix for found in diagnose(origin, "origin") if isinstance(found.fix, str)}
            meant = next((fix for fix in fixes if is_declarable(fix)), None)
            return f"no browser sends this Origin{f': it sends {meant!r}' if meant else ''}"
        case "check-refused":
            return f"let allow_origin_check return True for {origin!r}, or add it to allow_origins{because}"
        case "check-failed":
            return f"mend allow_origin_check, which raised {server.answer.error!r}"
        case "path-uncovered":
            return f"give ByPath a rule for {server.path}, or a default"
        case "path-ambiguous":
            return f"ask for a path that reads in one way only: {server.path!r} can be taken for another one"
        case "method-malformed":
            return f"use a method of at most 64 bytes, not {server.method[:64]!r}..."
        case _:
            return None


def _missing_headers(verdict: Verdict) -> list[str]:
    """Return the names that the last preflight asked for and the policy does not list."""
    preflight, answer = verdict.exchanges[-1].request, verdict.exchanges[-1].response
    assert isinstance(answer, HTTPResponse)
    asked = fetch.parse_list([preflight.get(fetch.REQUEST_HEADERS) or ""]) or []
    listed = {fetch.lower_name(name) for name in fetch.parse_list(answer.values(fetch.ALLOW_HEADERS)) or []}
    return [name for name in asked if name not in listed]


def _awaited(answer: Coroutine[Any, Any, T]) -> T:
    """Return what *answer* comes to, whether or not an event loop runs in this thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, answer).result()


def _names(headers: Iterable[str]) -> Iterable[str]:
    return [headers] if isinstance(headers, str) else headers
