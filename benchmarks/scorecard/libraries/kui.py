"""Kui's own CORS, in a Kui application, on ASGI and on WSGI."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

import kui.asgi
import kui.wsgi

from conformance import api
from conformance.stacks.wsgi import ask_wsgi

from ..library import HTTP_ONLY, NO_LOG, NO_WEBSOCKETS_ON_WSGI, Library, NotOffered
from ..policies import ANY, PUBLIC, Neutral
from .asgi import ask
from .routes import FEED, LOCKED, PATHS, POST_ONLY, answer, is_locked, merged

Middleware = Callable[..., Any]


def asgi_application(feed: Middleware | None = None, **options: Any) -> kui.asgi.Kui:
    """Return the API as a Kui application on ASGI, with its lock; *feed* is middleware of the public feed alone."""
    routes = [_route(kui.asgi.HttpRoute(path, _view_asgi, path), feed) for path in PATHS]
    post_only = kui.asgi.HttpRoute(POST_ONLY, kui.asgi.required_method("POST")(_view_asgi), POST_ONLY)
    socket = kui.asgi.SocketRoute("/ws", _greet)
    return kui.asgi.Kui(routes=[*routes, post_only, socket], http_middlewares=[_lock_asgi], **options)


def wsgi_application(feed: Middleware | None = None, **options: Any) -> kui.wsgi.Kui:
    """Return the API as a Kui application on WSGI, with its lock; *feed* is middleware of the public feed alone."""
    routes = [_route(kui.wsgi.HttpRoute(path, _view_wsgi, path), feed) for path in PATHS]
    post_only = kui.wsgi.HttpRoute(POST_ONLY, kui.wsgi.required_method("POST")(_view_wsgi), POST_ONLY)
    return kui.wsgi.Kui(routes=[*routes, post_only], http_middlewares=[_lock_wsgi], **options)


def _route(route: Any, feed: Middleware | None) -> Any:
    return route @ feed if feed is not None and route.path == FEED else route


async def _view_asgi() -> Any:
    method = kui.asgi.request.method
    return _respond(kui.asgi, answer(method, kui.asgi.request["path"]), method, _stream_asgi)


def _view_wsgi() -> Any:
    method = kui.wsgi.request.method
    return _respond(kui.wsgi, answer(method, kui.wsgi.request["PATH_INFO"]), method, _stream_wsgi)


def _respond(side: Any, reply: api.Reply, method: str, stream: Callable[..., Any]) -> Any:
    headers = {name.lower(): value for name, value in merged(reply).items()}
    if not reply.pieces or method == "HEAD":
        return side.HttpResponse(reply.status, headers)
    if len(reply.pieces) > 1:
        return side.StreamResponse(stream(reply.pieces), reply.status, headers)
    return reply.pieces[0], reply.status, headers  # Kui makes a response of the three


async def _stream_asgi(pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _stream_wsgi(pieces: tuple[bytes, ...]) -> Iterator[bytes]:
    yield from pieces


def _lock_asgi(view: Callable[[], Any]) -> Callable[[], Any]:
    async def locked() -> Any:
        request = kui.asgi.request
        return (LOCKED, 401) if is_locked(request["path"], request.headers.get("authorization")) else await view()

    return locked


def _lock_wsgi(view: Callable[[], Any]) -> Callable[[], Any]:
    def locked() -> Any:
        request = kui.wsgi.request
        return (LOCKED, 401) if is_locked(request["PATH_INFO"], request.headers.get("authorization")) else view()

    return locked


async def _greet() -> None:
    await kui.asgi.websocket.accept()
    await kui.asgi.websocket.close()


def arguments(policy: Neutral) -> dict[str, Any]:
    """Return *policy* as a ``cors_config``."""
    if ANY in (policy.headers, policy.exposed):
        raise NotOffered("Its documentation has headers by name, and no `*` for them.")
    patterns = [_exactly(origin) for origin in policy.origins]
    if policy.subdomains_of:
        patterns.append(re.compile(rf"https://.*\.{re.escape(policy.subdomains_of)}"))
    given: dict[str, Any] = {
        "allow_origins": [re.compile(".*")] if policy.any_origin else patterns,
        "allow_headers": list(policy.headers),
        "expose_headers": list(policy.exposed),
        "allow_credentials": policy.credentials,
    }
    if policy.methods != ANY:  # without it, all that Kui knows
        given["allow_methods"] = list(policy.methods)
    return given if policy.max_age is None else {**given, "max_age": policy.max_age}


@cache  # for both sides: 41,000 of them take a while
def _exactly(origin: str) -> re.Pattern[str]:
    return re.compile(re.escape(origin))


def serve_asgi(policy: Neutral | None) -> kui.asgi.Kui:
    """Return the application on ASGI with Kui's CORS."""
    if policy is None:
        return asgi_application()
    feed = kui.asgi.allow_cors(**arguments(PUBLIC)) if policy.public else None
    return asgi_application(feed, cors_config=arguments(policy))


def serve_wsgi(policy: Neutral | None) -> kui.wsgi.Kui:
    """Return the application on WSGI with Kui's CORS."""
    if policy is None:
        return wsgi_application()
    feed = kui.wsgi.allow_cors(**arguments(PUBLIC)) if policy.public else None
    return wsgi_application(feed, cors_config=arguments(policy))


_SETUP = (
    "`Kui(..., cors_config={...})` with compiled patterns; subdomains by the pattern of its documentation, "
    "`https://.*\\.example\\.com`; a policy for a route by `@ allow_cors(...)`."
)
_PASSES = "Its documentation: where the origin does not match, the request passes through to the endpoint."
_ROUTES = "Its documentation applies CORS to all routes."
_EXCUSES = {"preflight-missing-path": _ROUTES, "preflight-slash": _ROUTES, "status-404": _ROUTES}
_LACKS = {"S18": _PASSES, "S20": NO_LOG}

LIBRARIES = (
    Library("kui-asgi", ("kui",), _SETUP, serve_asgi, ask, lacks={**_LACKS, "S17": HTTP_ONLY}, excuses=_EXCUSES),
    Library(
        "kui-wsgi",
        ("kui",),
        _SETUP,
        serve_wsgi,
        ask_wsgi,
        lacks={**_LACKS, "S17": NO_WEBSOCKETS_ON_WSGI},
        excuses=_EXCUSES,
    ),
)
