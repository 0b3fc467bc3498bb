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


def starlette_application(feed: Mount | None = None) -> Starlette:
    """Return the API as a Starlette application, with its lock; the public feed may be a mount."""
    return Starlette(routes=[*([feed] if feed else []), *_routes()], middleware=[Middleware(Lock)])


def _routes() -> list[BaseRoute]:
    routes = [Route(path, endpoint, methods=list(METHODS)) for path in PATHS]
    return [*routes, Route(POST_ONLY, endpoint, methods=["POST"]), WebSocketRoute("/ws", greet)]


def starlette_feed(middleware: Middleware) -> Mount:
    """Return the public feed as a mount with middleware of its own."""
    route = Route(FEED.removeprefix(PUBLIC_PATH), endpoint, methods=list(METHODS))
    return Mount(PUBLIC_PATH, routes=[route], middleware=[middleware])


def fastapi_application(feed: FastAPI | None = None) -> FastAPI:
    """Return the API as a FastAPI application; the public feed may be an application that is mounted."""
    app = FastAPI(openapi_url=None)
    if feed:
        app.mount(PUBLIC_PATH, feed)
    for path in PATHS:
        app.add_api_route(path, endpoint, methods=list(METHODS))
    app.add_api_route(POST_ONLY, endpoint, methods=["POST"])
    app.add_api_websocket_route("/ws", greet)
    app.add_middleware(Lock)
    return app


def fastapi_feed() -> FastAPI:
    """Return the public feed as a FastAPI application of its own."""
    app = FastAPI(openapi_url=None)
    app.add_api_route(FEED.removeprefix(PUBLIC_PATH), endpoint, methods=list(METHODS))
    return app


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
    if policy is None:
        return starlette_application()
    given = arguments(policy, "[a-zA-Z0-9-]+")
    if not policy.public:
        return CORSMiddleware(starlette_application(), **given)
    feed = starlette_feed(Middleware(CORSMiddleware, **arguments(PUBLIC, "")))
    if policy.nested:
        return CORSMiddleware(starlette_application(feed), **given)
    return Starlette(routes=[feed, Mount("", app=CORSMiddleware(starlette_application(), **given))])


def serve_fastapi(policy: Neutral | None) -> FastAPI:
    """Return the FastAPI application with the middleware added last."""
    if policy is None:
        return fastapi_application()
    feed = fastapi_feed() if policy.public else None
    if feed:
        feed.add_middleware(CORSMiddleware, **arguments(PUBLIC, ""))
    app = fastapi_application(feed if policy.nested else None)
    app.add_middleware(CORSMiddleware, **arguments(policy, ".*"))
    if not feed or policy.nested:
        return app
    both = FastAPI(openapi_url=None)
    both.mount(PUBLIC_PATH, feed)
    both.mount("", app)
    return both


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
        "`https://[a-zA-Z0-9-]+\\.example\\.com`; two policies as middleware of two `Mount`s beside each other, and "
        "nested ones as middleware of a `Mount` in the application.",
        serve_starlette,
        ask,
        lacks=_LACKS,
    ),
    Library(
        "fastapi",
        ("starlette", "fastapi"),
        "`app.add_middleware(CORSMiddleware, ...)`, after all other middleware; subdomains by the regular expression "
        "of FastAPI's documentation, `https://.*\\.example\\.com`; two policies on two applications that are mounted "
        "beside each other, and nested ones on an application that is mounted in the other.",
        serve_fastapi,
        ask,
        lacks=_LACKS,
    ),
)
