"""Falcon: the API as a Falcon application, with the middleware around all of it."""

from collections.abc import Callable, Iterable
from typing import Any

import falcon

from crossorigin.answer import Rules
from crossorigin.wsgi import CORSMiddleware

from .. import api
from .routes import LOCKED, PATHS, is_locked


class _Resource:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        reply = api.answer(req.method, req.path)
        resp.status = str(reply.status)
        for name, value in reply.headers:
            resp.append_header(name, value)
        resp.stream = iter(reply.pieces)

    on_head = on_post = on_options = on_get


class _Authentication:
    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if is_locked(req.path, req.auth):
            resp.status, resp.data, resp.complete = falcon.HTTP_401, LOCKED, True


def serve_falcon(policy: Rules, **options: Any) -> Callable[..., Iterable[bytes]]:
    """Return the API as a Falcon application behind *policy*."""
    app = falcon.App(middleware=_Authentication())
    for path in PATHS:
        app.add_route(path, _Resource())
    return CORSMiddleware(app, policy, **options)
