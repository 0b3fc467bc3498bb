"""Quart: the API as a Quart application, with the middleware around its ``asgi_app``."""

from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, Response, request, websocket
from werkzeug.datastructures import Headers

from crossorigin.answer import Rules
from crossorigin.asgi import CORSMiddleware

from .. import api
from .routes import LOCKED, METHODS, PATHS, is_locked


def serve_quart(policy: Rules, **options: Any) -> Quart:
    """Return the API as a Quart application behind *policy*."""
    app = Quart("conformance")
    for path in PATHS:
        app.add_url_rule(path, path, _view, methods=METHODS)
    app.add_websocket("/ws", "ws", view_func=_greet)
    app.before_request(_authenticate)
    app.asgi_app = CORSMiddleware(app.asgi_app, policy, **options)  # type: ignore[assignment, arg-type, method-assign]
    return app


async def _authenticate() -> Response | None:
    return Response(LOCKED, 401) if is_locked(request.path, request.authorization) else None


async def _view() -> Response:
    reply = api.answer(request.method, request.path)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece

    return Response(pieces(), reply.status, Headers(reply.headers))


async def _greet() -> None:
    await websocket.send("hello")
