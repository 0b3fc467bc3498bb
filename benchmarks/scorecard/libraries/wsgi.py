"""wsgicors, around a plain WSGI application."""

from collections.abc import Callable, Iterable
from typing import Any

import wsgicors

from conformance.stacks.wsgi import ask_wsgi, wsgi_api

from ..library import NO_GUARD, NO_LOG, NO_WEBSOCKETS_ON_WSGI, Library, NotOffered
from ..policies import ANY, Neutral
from .routes import LOCKED, is_locked

WSGIApp = Callable[..., Iterable[bytes]]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API as a plain WSGI application, with its lock."""
    if is_locked(environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION")):
        start_response("401 Unauthorized", [("Content-Type", "text/plain")])
        return [LOCKED]
    return wsgi_api(environ, start_response)


def serve(policy: Neutral | None) -> WSGIApp:
    """Return the application behind wsgicors."""
    if policy is None:
        return application
    if policy.public:
        raise NotOffered("Its README chooses a policy by origin and method, not by path.")
    origins = [*policy.origins, *([f"https://*.{policy.subdomains_of}"] if policy.subdomains_of else [])]
    anybody = "copy" if policy.credentials else "*"
    app: WSGIApp = wsgicors.CORS(
        application,
        origin=anybody if policy.any_origin else " ".join(origins),
        methods=_names(policy.methods),
        headers=_names(policy.headers),
        expose_headers=_names(policy.exposed),
        credentials="true" if policy.credentials else "false",
        maxage="" if policy.max_age is None else str(policy.max_age),
    )
    return app


def _names(names: tuple[str, ...] | str) -> str:
    return ANY if names == ANY else ", ".join(names)


LIBRARY = Library(
    "wsgicors",
    ("wsgicors",),
    '`CORS(app, origin="...", methods="...", headers="...")` around a plain WSGI application; any origin with '
    'credentials is `origin="copy"`.',
    serve,
    ask_wsgi,
    lacks={"S17": NO_WEBSOCKETS_ON_WSGI, "S18": NO_GUARD, "S20": NO_LOG},
)
