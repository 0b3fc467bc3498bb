"""BlackSheep: the API as a BlackSheep application, with the middleware around all of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from blacksheep import Application, Content, Request, Response, StreamedContent, WebSocket
from blacksheep.server.routing import Router

from crossorigin.answer import Rules
from crossorigin.asgi import ASGIApp, CORSMiddleware

from .. import api
from .routes import LOCKED, METHODS, PATHS, is_locked


def serve_blacksheep(policy: Rules, **options: Any) -> ASGIApp:
    """Return the API as a BlackSheep application behind *policy*."""
    app = Application(router=Router())  # without it, all applications of a process share one
    for path in PATHS:
        for method in METHODS:
            app.router.add(method, path, _view)
    app.middlewares.append(_authenticate)
    app.router.add_ws("/ws", _greet)
    return CORSMiddleware(app, policy, **options)


async def _authenticate(request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
    if is_locked(request.url.path.decode("ascii"), request.get_first_header(b"authorization")):
        return Response(401, None, Content(b"text/plain", LOCKED))
    return await handler(request)


async def _view(request: Request) -> Response:
    reply = api.answer(request.method, request.url.path.decode("ascii"))
    lines = [(name.encode("ascii"), value.encode("ascii")) for name, value in reply.headers]
    headers = [line for line in lines if line[0] != b"Content-Type"]  # which BlackSheep writes for the content
    kind = dict(lines).get(b"Content-Type", b"")

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece

    content = StreamedContent(kind, pieces) if len(reply.pieces) > 1 else Content(kind, b"".join(reply.pieces))
    return Response(reply.status, headers, content if reply.pieces else None)


async def _greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()
