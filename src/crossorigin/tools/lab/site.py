"""The lab over HTTP: the page, its files, the frames on other origins, and what the page asks of the bench.

Owns who may ask. The page is there for ``localhost`` alone, and only it may post: Host and Origin of each request are
checked, so that neither another website nor a name that somebody points at loopback gets an answer, and a token that
stands in the page must come along. The frames fetch from the stacks and from nowhere else (Content-Security-Policy).
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ...browser import ENGINES, Engine
from .bench import Bench
from .plays import Asked, InputError
from .servers import LOOPBACK, host_at
from .situations import HOSTS

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGE = files(__package__) / "page"

# How each engine names itself, in the order in which to look: all call themselves Mozilla, most call themselves WebKit.
_ENGINE_MARKS = (("Firefox/", "firefox"), ("Chrome/", "chromium"), ("AppleWebKit/", "webkit"))


def site(bench: Bench, port: int, other_port: int) -> ASGIApp:
    """Return the site's application.

    Args:
        bench: What it shows.
        port: The port of the page.
        other_port: The second port, where there are frames alone.
    """
    return _Site(bench, port, other_port).app


def engine_of(user_agent: str) -> Engine:
    """Return the engine that the header ``User-Agent`` names, or the standard.

    >>> engine_of("Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36")
    Engine.CHROMIUM
    """
    return next((ENGINES[name] for mark, name in _ENGINE_MARKS if mark in user_agent), Engine.STANDARD)


class _Site:
    def __init__(self, bench: Bench, port: int, other_port: int) -> None:
        self.bench = bench
        self.token = secrets.token_urlsafe(24)
        self.longest = 5 * bench.longest  # bytes of what is posted
        self.lab_hosts = (host_at("localhost", port), host_at(LOOPBACK, port))
        hosts = (*(host_at(host, one) for host, _ in HOSTS.values() for one in (port, other_port)), *self.lab_hosts)
        routes = [
            Route("/", self.page),
            Route("/frame", self.frame),
            Route("/files/{name}", self.file),
            Route("/api/check", self.posted(self.check), methods=["POST"]),
            Route("/api/prepare", self.posted(self.prepare), methods=["POST"]),
            Route("/api/report", self.posted(self.report), methods=["POST"]),
        ]
        self.app = _HostCheck(Starlette(routes=routes), frozenset(hosts), self.lab_hosts[0])
        labs = " ".join(f"http://{host}" for host in self.lab_hosts)
        frames = " ".join(sorted(set(bench.origins.values())))
        stacks = " ".join(bench.addresses.values())
        locked = "default-src 'none'; base-uri 'none'; form-action 'none'"
        self.page_policy = (
            f"{locked}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"frame-src {frames}; frame-ancestors 'none'"
        )
        # Not 'self': a sandboxed frame is of no origin at all.
        self.frame_policy = f"{locked}; script-src {frames}; connect-src {stacks}; frame-ancestors {labs}"
        self.labs = labs

    async def page(self, request: Request) -> Response:
        """The page itself, with what it needs to know."""
        if request.headers["host"] not in self.lab_hosts:
            return _refused(f"The lab is at http://{self.lab_hosts[0]}/", 404)
        setup = json.dumps({**self.bench.setup(), "token": self.token}).replace("<", "\\u003c")
        html = _text("index.html").replace("{{setup}}", setup)
        headers = {"content-security-policy": self.page_policy, "cross-origin-opener-policy": "same-origin"}
        return Response(html, media_type="text/html", headers={**_HEADERS, **headers, "x-frame-options": "DENY"})

    async def frame(self, request: Request) -> Response:
        """The page that fetches, on whatever origin it is asked for."""
        html = _text("frame.html").replace("{{labs}}", self.labs)
        headers = {"content-security-policy": self.frame_policy}
        return Response(html, media_type="text/html", headers={**_HEADERS, **headers})

    async def file(self, request: Request) -> Response:
        """One of the page's files."""
        name = request.path_params["name"]
        known = {entry.name for entry in _PAGE.iterdir()}
        suffix = name[name.rfind(".") :]
        if name not in known or suffix not in _TYPES or suffix == ".html":
            return _refused("There is no such file.", 404)
        return Response(_text(name), media_type=_TYPES[suffix], headers=_HEADERS)

    async def check(self, data: dict[str, Any], engine: Engine) -> dict[str, Any]:
        """Read a policy, and change nothing."""
        return (await self.bench.read(_policy(data))).as_data()

    async def prepare(self, data: dict[str, Any], engine: Engine) -> dict[str, Any]:
        """Put a policy in force, and let the model play."""
        match data.get("stacks"):
            case list(stacks) if stacks and all(isinstance(one, str) for one in stacks):
                return await self.bench.prepare(_policy(data), Asked.of(data.get("request")), stacks, engine)
        raise InputError("stacks is a list of words")

    async def report(self, data: dict[str, Any], engine: Engine) -> dict[str, Any]:
        """Lay beside it what the browser did."""
        return self.bench.report(str(data.get("id")), data.get("outcome"))

    def posted(
        self, answer: Callable[[dict[str, Any], Engine], Awaitable[dict[str, Any]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that hands on the JSON that the page itself posts, and nobody else's."""

        async def endpoint(request: Request) -> Response:
            host = request.headers["host"]
            if host not in self.lab_hosts or request.headers.get("origin") != f"http://{host}":
                return _refused("Only the lab's own page may ask this.")
            if not secrets.compare_digest(request.headers.get("x-lab-token", "").encode(), self.token.encode()):
                return _refused("This page is of an earlier lab: load it again.")
            if request.headers.get("content-type") != "application/json":
                return _refused("The lab takes application/json.", 415)
            body = b""
            async for piece in request.stream():
                body += piece
                if len(body) > self.longest:
                    return _refused(f"That is more than {self.longest} bytes.", 413)
            try:
                data = json.loads(body)
            except (ValueError, RecursionError):
                return _refused("That is not JSON.", 400)
            if not isinstance(data, dict):
                return _refused("The lab takes a JSON object.", 400)
            try:
                told = await answer(data, engine_of(request.headers.get("user-agent", "")))
            except InputError as error:
                return _refused(f"{error}.", 400)
            # In ASCII: what the page told of may hold half a surrogate pair, and comes back as it came.
            return Response(json.dumps(told), media_type="application/json", headers=_HEADERS)

        return endpoint


class _HostCheck:
    """Answers nobody who reached this server by another name than the lab's own: DNS rebinding ends here."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], lab: str) -> None:
        self.app = app
        self.hosts = {host.encode() for host in hosts}
        self.lab = lab

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = [value for name, value in scope["headers"] if name == b"host"]
        app = self.app
        if len(named) != 1 or named[0] not in self.hosts:
            app = _refused(f"This is no host of the lab's: it is at http://{self.lab}/", 421)
        await app(scope, receive, send)


_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _refused(sentence: str, status: int = 403) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers=_HEADERS)


def _policy(data: dict[str, Any]) -> str:
    match data:
        case {"policy": str(text)}:
            return text
    raise InputError("policy is text")


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
