"""One request, explained: what the policy answers, what a browser makes of it, and what to change.

The policy and the model of the browser together, as an API and a page are. Nothing goes over a network, and no
framework has a part in it: what comes out is what every adapter would send.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import unquote

from . import fetch
from .answer import Answer, Reason, Rules, preflight_reply, write
from .browser import Browser, Engine, HTTPRequest, HTTPResponse, Request, Verdict, run
from .browser.request import Credentials
from .browser.transcript import transcript
from .browser.verdicts import shortened
from .compose import AnyOf, ByPath
from .files import PolicyFile
from .findings import PYTHON, PolicyError
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
        advice: What to change, one thing after the other, so that the request is allowed. It ends early where a change
            cannot be tried here, in an application's code say; empty where nothing has to change, or nothing helps.
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
    policy: Rules | PolicyFile,
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
        policy: A `Policy`, `AnyOf` or `ByPath`; or a file of them, in whose words the advice then is.
        origin: The page's origin, as a browser sends it.
        method: As the page writes it: ``fetch(url, {method: ...})``.
        headers: Those that the page sets: by name and value, or names alone, which stand for a value of ``1``. The
            value matters to a few safelisted names, such as ``Content-Type``.
        credentials: Whether the page asks for cookies to be sent and stored, ``credentials: "include"``; or the word
            for it: ``"omit"``, ``"same-origin"`` or ``"include"``.
        url: What the page fetches, absolute, or a path at ``https://api.example.com``. A policy goes by its path alone;
            a browser asks no policy where it is of the page's own origin.
        engine: Whose differences from the standard apply.

    Raises:
        RequestError: If no page can make such a request.

    >>> from crossorigin import Policy
    >>> explain(Policy("https://app.example.com"), origin="https://app.example.com", method="DELETE").advice
    ("add 'DELETE' to allow_methods",)
    """
    file = policy if isinstance(policy, PolicyFile) else None
    policy = policy.rules if isinstance(policy, PolicyFile) else policy
    if not isinstance(policy, Rules):
        raise TypeError(f"explain takes a Policy, AnyOf or ByPath, not {policy!r}")
    if not isinstance(origin, str):
        raise TypeError(f"an origin is text such as 'https://app.example.com', not {origin!r}")
    if not isinstance(engine, Engine):
        raise TypeError(f"an engine is Engine.CHROMIUM or another one of Engine's, not {engine!r}")
    if isinstance(credentials, bool):
        credentials = "include" if credentials else "same-origin"
    request = Request.of(url, base=BASE, method=method, headers=_pairs(headers), credentials=credentials)
    server = _Server(policy)
    verdict = run(Browser(engine).fetch(request, origin=origin), server)
    reason = server.answer.reason if server.answer is not None else None
    advisor = _Advisor(policy, origin, request, engine, file)
    return Explanation(origin, request, verdict, reason, tuple(advisor.changes()))


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


class _Advisor:
    """Changes what has to change, one thing after the other, and plays the request again after each.

    A change that cannot be made here, in an application's code say, ends the list.
    """

    def __init__(self, rules: Rules, origin: str, request: Request, engine: Engine, file: PolicyFile | None) -> None:
        self.rules = rules
        self.origin = origin
        self.request = request
        self.engine = engine
        path = unquote(request.url.path)
        self.policy, self.where = _deciding(rules, origin, path)
        self.file = file
        self.spelling = PYTHON if file is None else file.spelling
        if file is not None:
            self.where = file.where(self.policy, path) if self.policy is not None else ""
        self.can_go_on = True

    def changes(self) -> Iterable[str]:
        """Yield what to change, in words."""
        for _ in range(_MOST_CHANGES):
            server = _Server(self.rules)
            verdict = run(Browser(self.engine).fetch(self.request, origin=self.origin), server)
            before = self.policy, self.request, self.origin
            words = None if verdict.allowed else self._change(verdict, server)
            if words is None:
                return
            yield words
            if not self.can_go_on or before == (self.policy, self.request, self.origin):
                return
            self.rules = self.policy or self.rules  # no other policy matters to this request

    def _change(self, verdict: Verdict, server: _Server) -> str | None:
        """Make the first change, and return it in words; ``None`` where nothing helps."""
        match verdict.code:
            case "origin-malformed":
                meant = verdict.details["meant"]
                if not isinstance(meant, str):
                    return None
                self.origin = meant
                return f"write the origin as a browser sends it, {shortened(meant)!r}"
            case "allow-origin-missing" | "allow-origin-other":
                return self._change_origin(server)
            case "allow-origin-wildcard" | "allow-credentials-missing" if self.origin == "null":
                self.request = replace(self.request, credentials="same-origin")
                return "fetch without 'include': a page whose origin is null never gets credentials"
            case "allow-origin-wildcard":
                words = f"name {self.origin!r} instead of '*' and {self._credentials()}"
                return self._set(
                    words, "; or fetch without 'include'", allow_origins=[self.origin], allow_credentials=True
                )
            case "allow-credentials-missing":
                return self._set(self._credentials(), "; or fetch without 'include'", allow_credentials=True)
            case "method-case" | "method-not-allowed" | "method-wildcard":
                return self._change_method(verdict)
            case "header-not-allowed" | "header-wildcard" | "authorization-wildcard":
                return self._change_headers(verdict, server)
            case _:
                return None

    def _change_origin(self, server: _Server) -> str | None:
        if server.answer is None:
            return self._end(f"ask the application: the policy leaves the path {shortened(server.path)} to it")
        near = server.near_miss(self.origin)
        because = f" ({near})" if near else ""
        reason = server.answer.reason
        if reason in ("origin-not-allowed", "check-refused"):
            # What a page on plain http may do, whoever is on the way may do, too.
            secure = self.origin.replace("http://", "https://", 1)
            if secure != self.origin and self._allows(secure):
                self.origin = secure
                return f"serve the page over https: the policy allows {secure!r}"
        match reason:
            case "origin-not-allowed":
                words = f"add {self.origin!r} to allow_origins"
                return self._set(words, f", if that page is yours{because}", allow_origins=[self.origin])
            case "check-refused" | "check-failed":
                mends = f"let allow_origin_check return True for {self.origin!r}"
                if reason == "check-failed":
                    mends = f"mend allow_origin_check, which raised {server.answer.error!r}"
                words = f"{mends}, or add {self.origin!r} to allow_origins"
                return self._set(words, because, allow_origins=[self.origin], allow_origin_check=None)
            case "origin-null":
                return self._end(f"give the page an origin{because}")
            case "path-uncovered":
                return self._end(self._cover(server.path))
            case "path-ambiguous":
                path = shortened(server.path)
                return self._end(f"ask for a path that reads in one way only: {path!r} can be taken for another")
            case "method-malformed":
                return self._end("use a method of at most 64 bytes")
            case _:
                return None

    def _credentials(self) -> str:
        return f"set {self.spelling.set('allow_credentials', True)}"

    def _cover(self, path: str) -> str:
        """Return how *path*, which no rule covers with a policy, comes to one."""
        if self.file is not None:
            return self.file.cover(shortened(path))
        prefix = _covering(self.rules, path)
        if prefix is not None:
            return f"put a policy into the rule of ByPath for {prefix!r}, which allows no origin"
        return f"give ByPath a rule for {shortened(path)}, or a default"

    def _change_method(self, verdict: Verdict) -> str:
        method = self.request.method
        upper = method.upper()
        in_page = f"write the method in upper case in the page, method: {upper!r}: browsers send {method!r} as it is"
        if upper != method:
            self.request = replace(self.request, method=upper)
        if upper != method and upper in _listed(verdict, fetch.ALLOW_METHODS):
            return in_page
        by_case = " (methods are compared with case)" if verdict.code == "method-case" and upper == method else ""
        also = "" if upper == method else f"; and {in_page}"
        return self._set(f"add {upper!r} to allow_methods", by_case + also, allow_methods=[upper])

    def _change_headers(self, verdict: Verdict, server: _Server) -> str:
        if server.answer is not None and server.answer.reason == "headers-malformed":
            return self._end("set fewer headers: lists of more than 128 names, or of more than 8 KiB, are not granted")
        listed = {fetch.lower_name(name) for name in _listed(verdict, fetch.ALLOW_HEADERS)}
        missing = [name for name in fetch.parse_list(server.headers) or [] if name not in listed]
        beside = ""
        if fetch.WILDCARD in listed:
            missing = [name for name in missing if name in fetch.NON_WILDCARD_REQUEST_HEADERS]
            beside = " beside '*', which does not cover it"
        *most, last = [repr("Authorization" if name == "authorization" else name) for name in missing]
        names = f"{', '.join(most)} and {last}" if most else last
        return self._set(f"add {names} to allow_headers", beside, allow_headers=missing)

    def _end(self, words: str) -> str:
        self.can_go_on = False
        return words

    def _allows(self, origin: str) -> bool:
        server = _Server(self.rules)
        run(Browser().fetch(Request.of(str(self.request.url)), origin=origin), server)
        return server.answer is not None and server.answer.origin_allowed

    def _set(self, words: str, more: str = "", /, **changes: Any) -> str:
        """Add to the policy's lists, or set, what *changes* has, and return the words, with the danger of it."""
        words += self.where
        if self.policy is None:
            return self._end(words + more)
        for name, value in changes.items():
            if isinstance(value, list):
                known = getattr(self.policy, name)
                changes[name] = [*(one for one in known if name != "allow_origins" or one != fetch.WILDCARD), *value]
        try:
            self.policy = self.policy.replace(**changes)
        except PolicyError as error:
            codes = {finding.code for finding in error.findings}
            dangers = sorted(finding.code for finding in error.findings if finding.severity == "danger")
            if codes != set(dangers):
                return self._end(words + more)
            accepted = [*self.policy.dangerously_allow, *dict.fromkeys(dangers)]
            self.policy = self.policy.replace(**changes, dangerously_allow=accepted)
            words += f" (a danger, to be accepted with {self.spelling.set('dangerously_allow', accepted)})"
        return words + more


def _deciding(rules: Rules, origin: str, path: str) -> tuple[Policy | None, str]:
    """Return the policy that decides about *origin* at *path*, or would, and where it stands, in words."""
    match rules:
        case Policy():
            return rules, ""
        case ByPath():
            policy, where = _deciding(rules.at(path), origin, path)
            prefix = _covering(rules, path)
            return policy, where + (" in the default of ByPath" if prefix is None else f" in the rule for {prefix!r}")
        case AnyOf():
            found = [(*_deciding(inner, origin, path), number) for number, inner in enumerate(rules.policies, 1)]
            best = max(found, key=lambda one: _closeness(rules.policies[one[2] - 1], origin, path))
            return best[0], f"{best[1]} in policy {best[2]} of AnyOf"
    return None, ""


def _closeness(rules: Rules, origin: str, path: str) -> int:
    """Return 2 if *rules* allow the origin, 1 if they nearly do, else 0."""
    server = _Server(rules)
    run(Browser().fetch(Request.of(path, base=BASE), origin=origin), server)
    if server.answer is None:
        return 0
    return 2 if server.answer.origin_allowed else 1 if server.near_miss(origin) else 0


def _covering(rules: Rules, path: str) -> str | None:
    """Return the path of the rule of *rules* that covers *path*, if they go by paths."""
    prefixes = [prefix for prefix, _ in rules.by_prefix] if isinstance(rules, ByPath) else []
    return next((prefix or "/" for prefix in prefixes if path == prefix or path.startswith(f"{prefix}/")), None)


def _listed(verdict: Verdict, name: str) -> list[str]:
    """Return the list that the last answer has in the header *name*."""
    answer = verdict.exchanges[-1].response
    assert isinstance(answer, HTTPResponse)  # a policy always answers
    return fetch.parse_list(answer.values(name)) or []


def _awaited(answer: Coroutine[Any, Any, T]) -> T:
    """Return what *answer* comes to, whether or not an event loop runs in this thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, answer).result()


def _pairs(headers: Mapping[str, str] | Iterable[str | tuple[str, str]]) -> list[tuple[str, str]]:
    if isinstance(headers, Mapping):
        return list(headers.items())
    return [(one, "1") if isinstance(one, str) else one for one in ([headers] if isinstance(headers, str) else headers)]
