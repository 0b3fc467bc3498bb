"""Bottle: the API as a Bottle application, with the middleware around all of it."""

from collections.abc import Callable, Iterable
from typing import Any

from bottle import Bottle, HTTPResponse, request  # type: ignore[import-untyped]

from crossorigin.answer import Rules
from crossorigin.wsgi import CORSMiddleware

from .. import api
from .routes import LOCKED, METHODS, PATHS, is_locked


def serve_bottle(policy: Rules, **options: Any) -> Callable[..., Iterable[bytes]]:
    """Return the API as a Bottle application behind *policy*."""
    app = Bottle()
    for path in PATHS:
        app.route(path, METHODS, _view)
    app.add_hook("before_request", _authenticate)
    return CORSMiddleware(app, policy, **options)


def _authenticate() -> None:
    if is_locked(request.path, request.get_header("Authorization")):
        raise HTTPResponse(LOCKED, 401)


def _view() -> Any:
    reply = api.answer(request.method, request.path)
    return HTTPResponse(iter(reply.pieces), reply.status, list(reply.headers))
