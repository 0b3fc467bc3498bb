"""quart-cors, in a Quart application."""

import re
from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, Response, request, websocket
from quart_cors import cors, route_cors
from werkzeug.datastructures import Headers

from ..library import NO_GUARD, NO_LOG, Library, NotOffered
from ..policies import ANY, PUBLIC, Neutral
from .asgi import ask, open_websocket
from .routes import FEED, LOCKED, METHODS, PATHS, POST_ONLY, answer, is_locked


def application(public: Neutral | None = None) -> Quart:
    """Return the API as a Quart application, with its lock; the feed with the policy *public*, if there is one."""
    app = Quart("scorecard")
    app.logger.disabled = True  # it reports exceptions on the terminal
    for path in PATHS:
        view = route_cors(**arguments(public))(_feed) if public and path == FEED else _view
        app.add_url_rule(path, path, view, methods=list(METHODS))
    app.add_url_rule(POST_ONLY, POST_ONLY, _view, methods=["POST"])
    app.add_websocket("/ws", "ws", view_func=_greet)
    app.before_request(_authenticate)
    return app


async def _authenticate() -> Response | None:
    return Response(LOCKED, 401) if is_locked(request.path, request.authorization) else None


async def _view() -> Response:
    reply = answer(request.method, request.path)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece

    return Response(pieces(), reply.status, Headers(reply.headers))


async def _feed() -> Response:
    return await _view()


async def _greet() -> None:
    await websocket.accept()


def arguments(policy: Neutral) -> dict[str, Any]:
    """Return *policy* as the arguments of `cors`."""
    if policy.any_origin and policy.credentials:
        raise NotOffered("Its documentation on `allow_credentials`: this does not work with a wildcard origin.")
    if policy.exposed == ANY:
        raise NotOffered("Its README has no `*` for `expose_headers`.")
    given: dict[str, Any] = {
        "allow_origin": [ANY] if policy.any_origin else list(policy.origins),
        "allow_credentials": policy.credentials,
        "expose_headers": list(policy.exposed) or None,
        "max_age": policy.max_age,
    }
    if policy.subdomains_of:
        given["allow_origin"] = re.compile(rf"https:\/\/.*\.{re.escape(policy.subdomains_of)}")
    # Without them, it allows all headers, and all methods that it knows.
    for argument, names in (("allow_methods", policy.methods), ("allow_headers", policy.headers)):
        if names != ANY:
            given[argument] = list(names)
    return given


def serve(policy: Neutral | None) -> Quart:
    """Return the application with quart-cors."""
    if policy is None:
        return application()
    return cors(application(PUBLIC if policy.public else None), **arguments(policy))


_ROUTES = "Its README applies CORS to the routes of an application."

LIBRARY = Library(
    "quart-cors",
    ("quart-cors", "quart"),
    "`cors(app, allow_origin=[...], ...)`; subdomains by a regular expression after the example of its README for "
    r'`route_cors`, `re.compile(r"https:\/\/.*\.example\.com")`; a policy for a route by `route_cors`.',
    serve,
    ask,
    open_websocket,
    lacks={"S18": NO_GUARD, "S20": NO_LOG},
    excuses={"preflight-missing-path": _ROUTES, "preflight-slash": _ROUTES},
)
