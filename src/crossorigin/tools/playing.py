"""One request, played: by a policy, by an application in this process, or by a server on the network.

The model of the browser asks, and whatever the target is answers. Knows how a target is reached, and neither how the
play is shown nor, but for policies, what to change.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .. import fetch
from ..answer import Rules
from ..browser import Browser, Engine, HTTPRequest, HTTPResponse, NoResponse, Request, RequestError, Verdict, run
from ..browser.messages import Header
from ..browser.request import Credentials
from ..browser.url import URL
from ..explanation import BASE, Explanation, explain
from ..files import PolicyFile
from ..testing.applications import ToASGI, ToWSGI
from ..testing.transports import InLoop, transport_to
from .applications import found_in, is_aiohttp, what_to_write
from .source import Address, Application, Target, guarded
from .terminal import WrongUse, last_line
from .waiting import BriefASGI, BriefWSGI, HeadersOnly, within

_SECONDS = 10.0  # for a server to answer; whoever sits at a terminal waits no longer
_HELD = "held"


@dataclass(frozen=True)
class Page:
    """What the page does.

    Attributes:
        origin: Its own.
        method: As it writes it.
        headers: Those that it sets.
        credentials: ``"omit"``, ``"same-origin"`` or ``"include"``.
        path: What it fetches, at the target; or a URL. ``None`` for the target's own URL, or ``"/"``.
        engine: The browser's.
    """

    origin: str
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    credentials: Credentials = "same-origin"
    path: str | None = None
    engine: Engine = Engine.STANDARD


@dataclass(frozen=True)
class Play:
    """How a request went.

    Attributes:
        page: What the page did.
        request: What it asked for.
        verdict: What the browser makes of the answers.
        held: Whether the request itself was held back, so that the verdict is about its preflight alone.
        explanation: For a policy, and for an application with one: what the policy says to the same request.
        raised: What an application raised meanwhile.
        app: The application, if it is one.
    """

    page: Page
    request: Request
    verdict: Verdict
    held: bool = False
    explanation: Explanation | None = None
    raised: Exception | None = None
    app: object = None

    @property
    def allowed(self) -> bool | None:
        """Whether the page gets the response; ``None`` where that is still open."""
        return None if self.held else self.verdict.allowed


def play(target: Target, page: Page, *, send: bool = False) -> Play:
    """Return how *page*'s request to *target* goes.

    Args:
        target: What answers.
        page: What the page does.
        send: Whether a server gets the request itself, and not its preflight alone.

    Raises:
        WrongUse: If no page can make such a request, or nothing answers.
    """
    try:
        match target:
            case Application(app, name):
                late = f"{name} does not answer"
                return within(_SECONDS, lambda: _play_application(app, name, page), late)
            case Address(url):
                return within(_SECONDS, lambda: _play_server(url, page, send), f"{url} does not answer")
            case rules:
                return _play_rules(rules, page)
    except RequestError as error:
        raise WrongUse(str(error)) from error


def _play_rules(rules: Rules | PolicyFile, page: Page) -> Play:
    explanation = _explained(rules, page, page.path or "/")
    return Play(page, explanation.request, explanation.verdict, explanation=explanation)


def _explained(rules: Rules | PolicyFile, page: Page, url: str) -> Explanation:
    return explain(
        rules,
        origin=page.origin,
        method=page.method,
        headers=page.headers,
        credentials=page.credentials,
        url=url,
        engine=page.engine,
    )


def _request(page: Page, base: str, path: str) -> Request:
    return Request.of(path, base=base, method=page.method, headers=page.headers, credentials=page.credentials)


def _play_application(app: object, name: str, page: Page) -> Play:
    with guarded(name):
        whole = next((found.rules for found in found_in(app) if not found.where), None)
    if is_aiohttp(app):  # it can only be served, so that its policy speaks for it
        if whole is None:
            raise WrongUse(what_to_write(app, name) + "; or serve it, and give its URL")
        return _play_rules(whole, page)
    request = _request(page, BASE, page.path or "/")
    base = URL.parse(request.url.origin)
    raised: list[Exception] = []
    verdict = _run_in_process(app, name, base, page, request, raised.append)
    explanation = None if whole is None else _explained(whole, page, str(request.url))
    return Play(page, request, verdict, explanation=explanation, raised=raised[-1] if raised else None, app=app)


def _run_in_process(
    app: object, name: str, base: URL, page: Page, request: Request, report: Callable[[Exception], None]
) -> Verdict:
    kind = transport_to(app, base, None, verify=True)
    transport: Any = ToWSGI(BriefWSGI(app), base)
    if isinstance(kind, ToASGI):
        transport = InLoop(ToASGI(BriefASGI(app), base))
    try:
        try:
            transport.open()
        except BaseException as error:
            raise WrongUse(f"{name} does not start: {last_line(error)}") from error
        fetching = Browser(page.engine).fetch(request, origin=page.origin)

        def carry(message: HTTPRequest) -> HTTPResponse | NoResponse:
            try:
                answer: HTTPResponse | NoResponse = transport.send(message, report)
            except BaseException as error:  # what is no answer at all, such as headers that no server can send
                raise WrongUse(f"{name} fails where a server would have to answer: {last_line(error)}") from error
            return answer

        return run(fetching, carry)
    finally:
        try:
            transport.close()
        except Exception as error:  # the answer is there already: a failing shutdown does not make it wrong
            report(error)
        except BaseException as error:  # nor does one that ends the process
            report(RuntimeError(last_line(error)))


def _play_server(url: str, page: Page, send: bool) -> Play:
    request = _request(page, url, url if page.path is None else page.path)
    network = HeadersOnly(_SECONDS)
    held: list[HTTPRequest] = []

    def carry(message: HTTPRequest) -> HTTPResponse | NoResponse:
        if not (send or message.is_preflight):
            held.append(message)
            return NoResponse(_HELD)
        return network.send(message)

    try:
        verdict = run(Browser(page.engine).fetch(request, origin=page.origin), carry)
    finally:
        network.close()
    if held:
        verdict = _without_last(verdict)
        if not verdict.exchanges:
            raise WrongUse(
                f"{request.method} {request.url} needs no preflight, so that nothing was sent: --send sends the "
                "request itself"
            )
    elif verdict.code == "no-response" and len(verdict.exchanges) == 1:
        raise WrongUse(f"{request.url} does not answer: {verdict.details['reason']}")
    return Play(page, request, verdict, held=bool(held))


def _without_last(verdict: Verdict) -> Verdict:
    """Return the verdict on the preflight alone: what came after it was held back."""
    return replace(
        verdict,
        allowed=True,
        code="preflight-passed",
        stage="preflight",
        clause="CORS-preflight fetch",
        message="the preflight passes, and the request itself was not sent",
        details={},
        steps=(*verdict.steps[:-2], "the request itself is not sent: --send sends it"),
        exchanges=verdict.exchanges[:-1],
    )


def asked_headers(verdict: Verdict) -> list[str]:
    """Return the names that the last preflight asked for."""
    preflights = verdict.preflights
    names = preflights[-1].request.get(fetch.REQUEST_HEADERS) if preflights else None
    return (fetch.parse_list([names]) or []) if names is not None else []
