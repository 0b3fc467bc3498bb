"""Flask: the API as a Flask application, with the middleware around its ``wsgi_app``."""

from typing import Any

from flask import Flask, Response, request

from crossorigin.answer import Rules
from crossorigin.wsgi import CORSMiddleware

from .. import api
from .routes import LOCKED, METHODS, PATHS, is_locked


def serve_flask(policy: Rules, **options: Any) -> Flask:
    """Return the API as a Flask application behind *policy*."""
    app = Flask("conformance")
    for path in PATHS:
        app.add_url_rule(path, path, _view, methods=METHODS)
    app.before_request(_authenticate)
    app.wsgi_app = CORSMiddleware(app.wsgi_app, policy, **options)  # type: ignore[method-assign]
    return app


def _authenticate() -> Response | None:
    return Response(LOCKED, 401) if is_locked(request.path, request.authorization) else None


def _view() -> Response:
    reply = api.answer(request.method, request.path)
    return Response(iter(reply.pieces), reply.status, list(reply.headers))
