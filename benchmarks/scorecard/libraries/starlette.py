"""Starlette's ``CORSMiddleware``: around a Starlette application, and added to a FastAPI application."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from crossorigin.asgi import ASGIApp

from ..library import NO_LOG, Library, NotOffered
from ..policies import ANY, PUBLIC, PUBLIC_PATH, Neutral
from .asgi import Lock, ask
from .routes import FEED, METHODS, PATHS, POST_ONLY, answer


async def endpoint(request: Request) -> Response:
    """The API as an endpoint."""
    reply = answer(request.method, request.scope["path"])
    response: Response
    if len(reply.pieces) > 1:
        response = StreamingResponse(_stream(reply.pieces), reply.status)
    else:
        response = Response(b"".join(reply.pieces) if request.method != "HEAD" else b"", reply.status)
    response.raw_headers += [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in reply.headers]
    return response


async def _stream(pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def greet(websocket: WebSocket) -> None:
    """Accept, and say goodbye."""
    await websocket.accept()
    await websocket.close()


def starlette_application(feed: bool = True) -> Starlette:
    """Return the API as a Starlette application, with its lock; without the public feed, if it goes elsewhere."""
    return Starlette(routes=_routes(feed), middleware=[Middleware(Lock)])


def fastapi_application(feed: bool = True) -> FastAPI:
    """Return the same as a FastAPI application."""
    app = FastAPI(openapi_url=None)
    for path in _paths(feed):
        app.add_api_route(path, endpoint, methods=list(METHODS))
    app.add_api_route(POST_ONLY, endpoint, methods=["POST"])
    app.add_api_websocket_route("/ws", greet)
    app.add_middleware(Lock)
    return app


def _paths(feed: bool) -> list[str]:
    return [path for path in PATHS if feed or path != FEED]


def _routes(feed: bool) -> list[BaseRoute]:
    routes = [Route(path, endpoint, methods=list(METHODS)) for path in _paths(feed)]
    return [*routes, Route(POST_ONLY, endpoint, methods=["POST"]), WebSocketRoute("/ws", greet)]


def arguments(policy: Neutral, regex: str) -> dict[str, Any]:
    """Return *policy* as the arguments of the middleware; *regex* is for a label of a subdomain."""
    if policy.credentials and (policy.any_origin or ANY in (policy.methods, policy.headers)):
        raise NotOffered(
            "Its documentation says that with `allow_credentials` none of `allow_origins`, `allow_methods` and "
            "`allow_headers` can be `['*']`."
        )
    if policy.exposed == ANY:
        raise NotOffered("Its documentation has no `*` for `expose_headers`.")
    given: dict[str, Any] = {
        "allow_origins": [ANY] if policy.any_origin else list(policy.origins),
        "allow_methods": list(policy.methods),
        "allow_headers": list(policy.headers),
        "allow_credentials": policy.credentials,
        "expose_headers": list(policy.exposed),
    }
    if policy.subdomains_of:
        given["allow_origin_regex"] = rf"https://{regex}\.{policy.subdomains_of.replace('.', chr(92) + '.')}"
    return given if policy.max_age is None else {**given, "max_age": policy.max_age}


def serve_starlette(policy: Neutral | None) -> ASGIApp:
    """Return the Starlette application with the middleware around it."""
    app = starlette_application(feed=policy is None or not policy.public)
    if policy is None:
        return app
    if policy.public:
        inner = [Middleware(CORSMiddleware, **arguments(PUBLIC, ""))]
        feed = [Route(FEED.removeprefix(PUBLIC_PATH), endpoint, methods=list(METHODS))]
        app.router.routes.insert(0, Mount(PUBLIC_PATH, routes=feed, middleware=inner))
    return CORSMiddleware(app, **arguments(policy, "[a-zA-Z0-9-]+"))


def serve_fastapi(policy: Neutral | None) -> FastAPI:
    """Return the FastAPI application with the middleware added last."""
    app = fastapi_application(feed=policy is None or not policy.public)
    if policy is None:
        return app
    if policy.public:
        below = FastAPI(openapi_url=None)
        below.add_api_route(FEED.removeprefix(PUBLIC_PATH), endpoint, methods=list(METHODS))
        below.add_middleware(CORSMiddleware, **arguments(PUBLIC, ""))
        app.mount(PUBLIC_PATH, below)
    app.add_middleware(CORSMiddleware, **arguments(policy, ".*"))
    return app


_LACKS = {
    "S17": "Its documentation: the middleware responds to two particular types of HTTP request.",
    "S18": "Its documentation: the middleware passes a request with an Origin through as normal.",
    "S20": NO_LOG,
}
LIBRARIES = (
    Library(
        "starlette",
        ("starlette",),
        "`CORSMiddleware(app, ...)` around the whole Starlette application, which its documentation recommends as "
        "global enforcement; subdomains by the regular expression of its documentation, "
        "`https://[a-zA-Z0-9-]+\\.example\\.com`; a policy for a path as middleware of a `Mount`.",
        serve_starlette,
        ask,
        lacks=_LACKS,
    ),
    Library(
        "fastapi",
        ("starlette", "fastapi"),
        "`app.add_middleware(CORSMiddleware, ...)`, after all other middleware; subdomains by the regular expression "
        "of FastAPI's documentation, `https://.*\\.example\\.com`; a policy for a path on a mounted application.",
        serve_fastapi,
        ask,
        lacks=_LACKS,
    ),
)
