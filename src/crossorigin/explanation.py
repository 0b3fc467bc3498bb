"""One request, explained: what the policy answers, what a browser makes of it, and what to change.

The policy and the model of the browser together, as an API and a page are. Nothing goes over a network, and no
framework has a part in it: what comes out is what every adapter would send.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from . import fetch
from .answer import Answer, Reason, Rules, preflight_reply, write
from .browser import Browser, Engine, HTTPRequest, HTTPResponse, Request, Verdict, run
from .browser.request import Credentials
from .browser.transcript import transcript
from .browser.verdicts import shortened
from .compose import AnyOf, ByPath
from .findings import PolicyError
from .policy import Policy

T = TypeVar("T")

# What somebody fetches who does not say what.
BASE = "https://api.example.com/"
# More mistakes than a request can have: of origin, credentials, method, headers.
_MOST_CHANGES = 6


@dataclass(frozen=True)
class Explanation:
    """What becomes of one request, and why. ``str()`` of it is made for reading.

    Attributes:
        origin: The page's.
        request: What the page asks for.
        verdict: What the browser makes of the policy's answers.
        reason: The policy's own word for its last answer; ``None`` if it was not asked, or leaves the path alone.
        advice: What to change, all of it, so that the request is allowed; empty where nothing has to change, or no
            change would help.
    """

    origin: str
    request: Request
    verdict: Verdict
    reason: Reason | None
    advice: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether the page gets the response."""
        return self.verdict.allowed

    def __str__(self) -> str:
        request = self.request
        asks = f"{request.method} {shortened(str(request.url))} from {shortened(self.origin)}"
        lines = [f"{asks}, credentials: {request.credentials}"]
        lines += [f"  the browser drops {name} in silence: no page can set it" for name, _ in request.dropped]
        exchanges = list(self.verdict.exchanges)
        for step in self.verdict.steps:
            lines.append(f"  {step}")
            if exchanges and step == shortened(str(exchanges[0].request)):
                lines += [f"    {line}" for line in transcript([exchanges.pop(0)])[1:]]
        if not self.allowed:
            lines.append(f"  ({self.verdict.code}; {self.verdict.clause})")
        match self.advice:
            case []:
                pass
            case [change]:
                lines += ["", f"To allow it: {change}"]
            case changes:
                lines += ["", "To allow it:", *(f"  - {change}" for change in changes)]
        return "\n".join(lines)


def explain(
    policy: Rules,
    *,
    origin: str,
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[str | tuple[str, str]] = (),
    credentials: bool | Credentials = False,
    url: str = BASE,
    engine: Engine = Engine.STANDARD,
) -> Explanation:
    """Play one request through *policy* and a model of the browser.

    Args:
        policy: A `Policy`, `AnyOf` or `ByPath`.
        origin: The page's origin, as a browser sends it.
        method: As the page writes it: ``fetch(url, {method: ...})``.
        headers: Those that the page sets: by name and value, or names alone, which stand for a value of ``1``. The
            value matters to a few safelisted names, such as ``Content-Type``.
        credentials: Whether the page asks for cookies to be sent and stored, ``credentials: "include"``; or the word
            for it: ``"omit"``, ``"same-origin"`` or ``"include"``.
        url: What the page fetches, absolute or a path. Only its path matters to a policy.
        engine: Whose differences from the standard apply.

    Raises:
        RequestError: If no page can make such a request.

    >>> from crossorigin import Policy
    >>> explain(Policy("https://app.example.com"), origin="https://app.example.com", method="DELETE").advice
    ("add 'DELETE' to allow_methods",)
    """
    if not isinstance(policy, Rules):
        raise TypeError(f"explain takes a Policy, AnyOf or ByPath, not {policy!r}")
    if isinstance(credentials, bool):
        credentials = "include" if credentials else "same-origin"
    request = Request.of(url, base=BASE, method=method, headers=_pairs(headers), credentials=credentials)
    server = _Server(policy)
    verdict = run(Browser(engine).fetch(request, origin=origin), server)
    reason = server.answer.reason if server.answer is not None else None
    return Explanation(origin, request, verdict, reason, tuple(_changes(policy, origin, request, engine)))


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

    def near_miss(self, origin: str) -> str | None:
        """Return what would have been allowed instead."""
        assert self.answer is not None
        return self.rules.near_miss(self.answer.reason, origin, self.path, self.method, self.headers)


class _Change(NamedTuple):
    """One thing to change: in words, and what is then played again, if that can be tried here."""

    words: str
    policy: Policy | None = None
    request: Request | None = None


def _changes(rules: Rules, origin: str, request: Request, engine: Engine) -> Iterable[str]:
    """Yield what to change, one thing after the other: each is made, and the request played again."""
    policy, where = _deciding(rules, origin, unquote(request.url.path))
    for _ in range(_MOST_CHANGES):
        server = _Server(rules)
        verdict = run(Browser(engine).fetch(request, origin=origin), server)
        if verdict.allowed:
            return
        change = _change(policy, origin, request, verdict, server)
        if change is None:
            return
        yield change.words + (where if change.policy is not None else "")
        if change.policy is None and change.request is None:
            return
        policy = change.policy or policy
        rules = policy or rules  # no other policy matters to this request
        request = change.request or request


def _deciding(rules: Rules, origin: str, path: str) -> tuple[Policy | None, str]:
    """Return the policy that decides about *origin* at *path*, if there is one, and where it stands, in words."""
    match rules:
        case Policy():
            return rules, ""
        case ByPath():
            policy, where = _deciding(rules.at(path), origin, path)
            return policy, f"{where}, in the rule of ByPath for {path}"
        case AnyOf():
            for number, inner in enumerate(rules.policies, 1):
                policy, where = _deciding(inner, origin, path)
                asked = _Server(inner)
                run(Browser().fetch(Request.of(path, base=BASE), origin=origin), asked)
                if asked.answer is not None and asked.answer.origin_allowed:
                    return policy, f"{where}, in policy {number} of AnyOf, which decides about this origin"
    return None, ""


def _change(policy: Policy | None, origin: str, request: Request, verdict: Verdict, server: _Server) -> _Change | None:
    """Return the one thing to change first, or ``None`` where nothing helps."""
    details = verdict.details
    match verdict.code:
        case "origin-malformed":
            meant = details["meant"]
            return _Change(f"write the origin as a browser sends it, {meant!r}") if meant else None
        case "allow-origin-missing" | "allow-origin-other":
            return _origin_change(policy, origin, server)
        case "allow-origin-wildcard" | "allow-credentials-missing" if origin == "null":
            return _Change("fetch without 'include': a page whose origin is null never gets credentials")
        case "allow-origin-wildcard":
            words = f"name {origin!r} instead of '*' and set allow_credentials=True, or fetch without 'include'"
            return _changed(words, policy, allow_origins=[origin], allow_credentials=True)
        case "allow-credentials-missing":
            words = "set allow_credentials=True, or fetch without 'include'"
            return _changed(words, policy, allow_credentials=True)
        case "method-case":
            return _in_upper_case(request, "")
        case "method-not-allowed" | "method-wildcard":
            method = request.method
            change = _changed(f"add {method.upper()!r} to allow_methods", policy, allow_methods=[method.upper()])
            if method == method.upper():
                return change
            return _in_upper_case(request, f"{change.words}, and ")._replace(policy=change.policy)
        case "header-not-allowed" | "header-wildcard" | "authorization-wildcard":
            return _header_change(policy, verdict, server)
        case _:
            return None


def _origin_change(policy: Policy | None, origin: str, server: _Server) -> _Change | None:
    if server.answer is None:
        return _Change(f"ask the application: the policy leaves the path {shortened(server.path)} to it")
    near = server.near_miss(origin)
    because = f" ({near})" if near else ""
    match server.answer.reason:
        case "origin-not-allowed":
            # What a page on plain http may do with credentials, whoever is on the way may do, too.
            secure = origin.replace("http://", "https://", 1)
            asked = policy is not None and origin != secure and not policy.is_async
            if asked and policy is not None and policy.actual(secure).allowed:
                return _Change(f"serve the page over https: the policy allows {secure!r}")
            words = f"add {origin!r} to allow_origins, if that page is yours{because}"
            return _changed(words, policy, allow_origins=[origin])
        case "origin-null":
            return _Change(f"give the page an origin{because}")
        case "check-refused":
            return _Change(f"let allow_origin_check return True for {origin!r}, or add it to allow_origins{because}")
        case "check-failed":
            return _Change(f"mend allow_origin_check, which raised {server.answer.error!r}")
        case "path-uncovered":
            return _Change(f"give ByPath a rule for {shortened(server.path)}, or a default")
        case "path-ambiguous":
            return _Change(
                f"ask for a path that reads in one way only: {shortened(server.path)!r} can be taken for another"
            )
        case "method-malformed":
            return _Change("use a method of at most 64 bytes")
        case _:
            return None


def _header_change(policy: Policy | None, verdict: Verdict, server: _Server) -> _Change:
    if server.answer is not None and server.answer.reason == "headers-malformed":
        return _Change("set fewer headers: lists of more than 128 names, or of more than 8 KiB, are not granted")
    answer = verdict.exchanges[-1].response
    assert isinstance(answer, HTTPResponse)  # a policy always answers
    listed = {fetch.lower_name(name) for name in fetch.parse_list(answer.values(fetch.ALLOW_HEADERS)) or []}
    missing = [name for name in (fetch.parse_list(server.headers) or []) if name not in listed]
    if fetch.WILDCARD in listed:
        missing = [name for name in missing if name in fetch.NON_WILDCARD_REQUEST_HEADERS]
    shown = [repr(name.title() if name == "authorization" else name) for name in missing]
    beside = " beside '*', which does not cover it" if fetch.WILDCARD in listed else ""
    words = f"add {shortened(' and '.join(shown))} to allow_headers{beside}"
    return _changed(words, policy, allow_headers=missing)


def _in_upper_case(request: Request, also: str) -> _Change:
    upper = request.method.upper()
    words = f"write the method in upper case in the page, method: {upper!r}: browsers send {request.method!r} as it is"
    return _Change(also + words, request=replace(request, method=upper))


def _changed(words: str, policy: Policy | None, **changes: Any) -> _Change:
    """Return the change that adds to lists, or sets, what *changes* has; with the dangers that go with it."""
    if policy is None:
        return _Change(words)
    for name, value in changes.items():
        if isinstance(value, list):
            known = getattr(policy, name)
            changes[name] = [*(one for one in known if name != "allow_origins" or one != fetch.WILDCARD), *value]
    try:
        return _Change(words, policy.replace(**changes))
    except PolicyError as error:
        dangers = sorted({finding.code for finding in error.findings if finding.severity == "danger"})
        if len(dangers) < len({finding.code for finding in error.findings}):
            return _Change(words)
        accepted = [*policy.dangerously_allow, *dangers]
        words += f"; that is a danger, to be accepted with dangerously_allow={accepted}"
        return _Change(words, policy.replace(**changes, dangerously_allow=accepted))


def _awaited(answer: Coroutine[Any, Any, T]) -> T:
    """Return what *answer* comes to, whether or not an event loop runs in this thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, answer).result()


def _pairs(headers: Mapping[str, str] | Iterable[str | tuple[str, str]]) -> list[tuple[str, str]]:
    if isinstance(headers, Mapping):
        return list(headers.items())
    return [(one, "1") if isinstance(one, str) else one for one in ([headers] if isinstance(headers, str) else headers)]
