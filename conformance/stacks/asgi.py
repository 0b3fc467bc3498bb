"""Plain ASGI: the API as an application, behind the policy, and asked as a server asks."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from crossorigin.answer import Rules
from crossorigin.asgi import ASGIApp, CORSMiddleware, Message, Receive, Scope, Send

from .. import api
from ..messages import Request, Response


async def asgi_api(scope: Scope, receive: Receive, send: Send) -> None:
    """The API as a plain ASGI application."""
    reply = api.answer(scope["method"], scope["path"])
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    pieces = reply.pieces if scope["method"] != "HEAD" else ()
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def serve_asgi(policy: Rules, **options: Any) -> ASGIApp:
    """Return the API as an ASGI application behind *policy*."""
    return CORSMiddleware(asgi_api, policy, **options)


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

    unread = [{"type": "http.request", "body": request.body, "more_body": False}]
    finished = asyncio.Event()

    async def receive() -> Message:
        if unread:
            return unread.pop()
        await finished.wait()  # a client stays until it has the whole response
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            finished.set()

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
