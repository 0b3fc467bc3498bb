"""Litestar: the API as a Litestar application, with the middleware around all of it."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, WebSocket, route, websocket
from litestar.logging import LoggingConfig
from litestar.response import Stream

from crossorigin.answer import Rules
from crossorigin.asgi import ASGIApp, CORSMiddleware

from .. import api
from .routes import LOCKED, METHODS, PATHS, is_locked, merged


@route(list(PATHS), http_method=list(METHODS))  # type: ignore[arg-type]
async def _view(request: Request[Any, Any, Any]) -> Response[Any]:
    reply = api.answer(request.method, request.url.path)
    if len(reply.pieces) < 2:
        return Response(b"".join(reply.pieces), status_code=reply.status, headers=merged(reply))

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece

    return Stream(pieces(), status_code=reply.status, headers=merged(reply))


async def _authenticate(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    locked = is_locked(request.url.path, request.headers.get("Authorization"))
    return Response(LOCKED, status_code=401) if locked else None


@websocket("/ws")
async def _greet(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def serve_litestar(policy: Rules, **options: Any) -> ASGIApp:
    """Return the API as a Litestar application behind *policy*."""
    logging = LoggingConfig(configure_root_logger=False, log_exceptions="always")  # without "always", never
    app: Any = Litestar([_view, _greet], before_request=_authenticate, openapi_config=None, logging_config=logging)
    return CORSMiddleware(app, policy, **options)
