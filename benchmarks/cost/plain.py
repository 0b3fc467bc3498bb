"""Applications of no framework, ASGI and WSGI: bare, with the right lines, behind the limit, and behind crossorigin.

The *limit* wraps the response and adds one fixed header, written as well as one can.
"""

from __future__ import annotations  # Python would evaluate the annotations of an inner function at each request

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from crossorigin import asgi, wsgi

from .kinds import BODY, CONTENT_TYPE, ORIGIN, policy

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

    from crossorigin.asgi import ASGIApp, Message, Receive, Scope, Send

LINES = (*policy().actual(ORIGIN).headers, ("Vary", "Origin"))  # what the policy gives to what is allowed
WIRE_LINES = tuple((name.lower().encode(), value.encode()) for name, value in LINES)
LINE = ("Vary", "Origin")
WIRE_LINE = (b"vary", b"Origin")


async def bare_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once."""
    body = b"" if scope["method"] == "OPTIONS" else BODY
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def bare_asgi_with_lines(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, with the lines that the policy gives to an allowed request."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY)), *WIRE_LINES]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


class AsgiLimit:
    """Adds one fixed header to every response, and does nothing else."""

    __slots__ = ("app",)

    def __init__(self, app: Any) -> None:  # frameworks have types of their own for the same
        self.app: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        # ASGI wants something that can be awaited: handing on what send returns costs less than awaiting it.
        def send_with_line(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                # Neither the message nor its list is ours to change: an application may send the same ones again.
                message = {**message, "headers": [*message["headers"], WIRE_LINE]}
            return send(message)

        await self.app(scope, receive, send_with_line)


def with_crossorigin_asgi(app: Any, origins: Sequence[str] = (ORIGIN,)) -> ASGIApp:
    """Return *app* behind crossorigin, which allows *origins*."""
    return asgi.CORSMiddleware(app, policy(origins))


def bare_wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer at once."""
    body = b"" if environ["REQUEST_METHOD"] == "OPTIONS" else BODY
    start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))])
    return [body]


def bare_wsgi_with_lines(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer at once, with the lines that the policy gives to an allowed request."""
    start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(BODY))), *LINES])
    return [BODY]


class WsgiLimit:
    """Adds one fixed header to every response, and does nothing else."""

    __slots__ = ("app",)

    def __init__(self, app: Any) -> None:
        self.app: WSGIApplication = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            headers.append(LINE)  # PEP 3333: a list, which whoever gets it may change
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        return self.app(environ, start)


def with_crossorigin_wsgi(app: Any, origins: Sequence[str] = (ORIGIN,)) -> WSGIApplication:
    """Return *app* behind crossorigin, which allows *origins*."""
    return wsgi.CORSMiddleware(app, policy(origins))
