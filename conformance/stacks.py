"""The stacks that situations are played on: how each serves the API behind a policy, and how it is asked in process.

Adding one is adding a line to `STACKS`.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from crossorigin.answer import Rules
from crossorigin.asgi import ASGIApp, Message, Receive, Scope, Send
from crossorigin.asgi import CORSMiddleware as ASGIMiddleware
from crossorigin.wsgi import CORSMiddleware as WSGIMiddleware

from . import api
from .messages import Request, Response


class Stack(NamedTuple):
    """One stack: *serve* returns an application behind a policy, *ask* plays one request on it in process."""

    name: str
    serve: Callable[..., Any]
    ask: Callable[[Any, Request], Response]


async def asgi_api(scope: Scope, receive: Receive, send: Send) -> None:
    """The API as a plain ASGI application."""
    reply = api.answer(scope["method"], scope["path"])
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    pieces = reply.pieces if scope["method"] != "HEAD" else ()
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def wsgi_api(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API as a plain WSGI application."""
    reply = api.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    start_response(f"{reply.status} Whatever", list(reply.headers))
    return list(reply.pieces) if environ["REQUEST_METHOD"] != "HEAD" else []


def serve_asgi(policy: Rules, **options: Any) -> ASGIApp:
    """Return the API as an ASGI application behind *policy*."""
    return ASGIMiddleware(asgi_api, policy, **options)


def serve_wsgi(policy: Rules, **options: Any) -> Callable[..., Iterable[bytes]]:
    """Return the API as a WSGI application behind *policy*."""
    return WSGIMiddleware(wsgi_api, policy, **options)


def ask_asgi(app: ASGIApp, request: Request) -> Response:
    """Play *request* on an ASGI application, as a server would."""
    return asyncio.run(ask_asgi_async(app, request))


async def ask_asgi_async(app: ASGIApp, request: Request) -> Response:
    """Play *request* on an ASGI application in the running event loop."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode("latin-1"),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"api.example.com"),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("api.example.com", 80),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    return _asgi_response(sent, await _error_of(app(scope, receive, send)))


async def _error_of(call: Awaitable[None]) -> Exception | None:
    try:
        await call
    except Exception as error:
        return error
    return None


def _asgi_response(sent: list[Message], error: Exception | None) -> Response:
    if not sent:
        raise AssertionError("the application sent no response") from error
    start, *bodies = sent
    assert start["type"] == "http.response.start", sent
    bodies = [message for message in bodies if message["type"] == "http.response.body"]
    assert bodies, sent
    assert not bodies[-1].get("more_body", False), sent
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Response(start["status"], headers, b"".join(message.get("body", b"") for message in bodies), error)


def environ_of(request: Request) -> dict[str, Any]:
    """Return the environment that a WSGI server makes of *request*: repeated headers are joined with a comma."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "api.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "api.example.com",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    return environ


def ask_wsgi(app: Callable[..., Iterable[bytes]], request: Request) -> Response:
    """Play *request* on a WSGI application, as a server would (PEP 3333)."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    sent: list[bytes] = []

    def write(data: bytes) -> None:
        assert started, "write() before start_response()"
        sent.append(data)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        assert type(headers) is list, "PEP 3333: a list of tuples"
        assert all(type(line) is tuple and len(line) == 2 for line in headers)
        if started:
            assert exc_info, "start_response() called twice without exc_info"
            if any(sent):
                raise exc_info[1].with_traceback(exc_info[2])
        started[:] = [(status, headers)]
        return write

    body: Iterable[bytes] = ()
    error = None
    try:
        body = app(environ_of(request), start_response)
        for data in body:
            assert started, "data before start_response()"
            write(data)
    except Exception as raised:
        error = raised
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    if not started or (error is not None and not any(sent)):
        raise AssertionError("the application sent no response") from error
    status, headers = started[0]
    return Response(int(status.split()[0]), tuple(headers), b"".join(sent), error)


STACKS = (
    Stack("asgi", serve_asgi, ask_asgi),
    Stack("wsgi", serve_wsgi, ask_wsgi),
)
