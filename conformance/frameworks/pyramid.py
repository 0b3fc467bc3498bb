"""Pyramid: the API as a Pyramid application, with the middleware around what ``make_wsgi_app`` returns."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from crossorigin.answer import Rules
from crossorigin.wsgi import CORSMiddleware

from .. import api
from .routes import LOCKED, METHODS, PATHS, is_locked

with warnings.catch_warnings():
    # WebOb, which Pyramid is built on, imports `cgi`. Python 3.11 and 3.12 warn of that at the import; nobody else can
    # mend it, and it says nothing of this package.
    warnings.filterwarnings("ignore", "'cgi' is deprecated", DeprecationWarning)
    from pyramid.config import Configurator  # type: ignore[import-untyped]
    from pyramid.response import Response  # type: ignore[import-untyped]


def serve_pyramid(policy: Rules, **options: Any) -> Callable[..., Iterable[bytes]]:
    """Return the API as a Pyramid application behind *policy*."""
    config = Configurator()
    config.add_tween(f"{__name__}.authentication")
    for path in PATHS:
        config.add_route(path, path)
        config.add_view(_view, route_name=path, request_method=METHODS)
    return CORSMiddleware(config.make_wsgi_app(), policy, **options)


def authentication(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return Pyramid's *handler* behind the lock: a tween, which Pyramid finds by its name."""

    def tween(request: Any) -> Any:
        if is_locked(request.path, request.authorization):
            return Response(LOCKED, 401)
        return handler(request)

    return tween


def _view(request: Any) -> Any:
    reply = api.answer(request.method, request.path)
    return Response(status=reply.status, headerlist=list(reply.headers), app_iter=iter(reply.pieces))
