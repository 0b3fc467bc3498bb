"""The API behind every policy of the situations at once, as applications that any server can import and serve.

A request names the policy that it is for in ``X-Policy``, so that one server process is enough for all situations; the
header is the plumbing's, and is gone before the middleware sees the request. Besides the API there is ``/events``,
which streams server-sent events: a second one only when the client, having read the first, opens the gate whose port it
named in ``X-Gate``. Servers that run in a process of their own find the factories `asgi_app` and `wsgi_app` by name.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crossorigin import Policy
from crossorigin.asgi import ASGIApp, Message, Receive, Scope, Send
from crossorigin.asgi import CORSMiddleware as ASGIMiddleware
from crossorigin.wsgi import CORSMiddleware as WSGIMiddleware

from . import situations
from .stacks.asgi import asgi_api
from .stacks.wsgi import wsgi_api

POLICIES: dict[str, Policy] = {name: value for name, value in vars(situations).items() if isinstance(value, Policy)}
DEFAULT = "CREDENTIALED"
EVENTS = (b"data: one\n\n", b"data: two\n\n")


def asgi_app() -> ASGIApp:
    """Return the ASGI application."""
    behind = {name: ASGIMiddleware(_asgi_api_and_events, policy) for name, policy in POLICIES.items()}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        name = _value(scope, b"x-policy", DEFAULT)
        headers = [line for line in scope["headers"] if line[0] != b"x-policy"]
        await behind[name]({**scope, "headers": headers}, receive, send)

    return app


def wsgi_app() -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application."""
    behind = {name: WSGIMiddleware(_wsgi_api_and_events, policy) for name, policy in POLICIES.items()}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return behind[environ.pop("HTTP_X_POLICY", DEFAULT)](environ, start_response)

    return app


async def _asgi_api_and_events(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] != "/events":
        await asgi_api(scope, receive, send)
        return
    content = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": content})
    await send({"type": "http.response.body", "body": EVENTS[0], "more_body": True})
    reader, writer = await asyncio.open_connection("127.0.0.1", int(_value(scope, b"x-gate", "0")))
    await reader.read()
    writer.close()
    await send({"type": "http.response.body", "body": EVENTS[1]})


def _wsgi_api_and_events(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/events":
        return wsgi_api(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
    return _events(int(environ["HTTP_X_GATE"]))


def _events(gate: int) -> Iterator[bytes]:
    yield EVENTS[0]
    with socket.create_connection(("127.0.0.1", gate)) as connection:
        connection.recv(1)
    yield EVENTS[1]


def _value(scope: Scope, name: bytes, default: str) -> str:
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("ascii") if values else default


async def _live(receive: Receive, send: Send) -> None:
    """Answer the lifespan protocol, which some servers insist on."""
    message: Message = {}
    while message.get("type") != "lifespan.shutdown":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
