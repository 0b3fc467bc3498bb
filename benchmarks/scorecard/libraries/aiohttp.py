"""aiohttp-cors, in an aiohttp application."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import aiohttp_cors
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from conformance.messages import Response
from conformance.stacks.aiohttp import aiohttp_server, ask_aiohttp

from ..library import HTTP_ONLY, NO_GUARD, NO_LOG, Library, NotOffered
from ..policies import ANY, PUBLIC, Neutral
from .routes import FEED, METHODS, PATHS, POST_ONLY, answer, is_locked

UPGRADE = {
    "Host": "api.example.com",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def application() -> web.Application:
    """Return the API as an aiohttp application, with its lock."""
    app = web.Application(middlewares=[_authenticate])
    for path in PATHS:
        resource = app.router.add_resource(path)
        for method in METHODS:
            resource.add_route(method, _handle)
    app.router.add_post(POST_ONLY, _handle)
    app.router.add_get("/ws", _greet)
    return app


@web.middleware
async def _authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    if is_locked(request.path, request.headers.get("Authorization")):
        raise web.HTTPUnauthorized
    return await handler(request)


async def _handle(request: web.Request) -> web.StreamResponse:
    reply = answer(request.method, request.path)
    headers = CIMultiDict(reply.headers)
    if len(reply.pieces) < 2:
        return web.Response(status=reply.status, headers=headers, body=b"".join(reply.pieces))
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    for piece in reply.pieces:
        await response.write(piece)
    return response


async def _greet(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return socket


def open_websocket(app: web.Application, origin: str | None) -> Response:
    """Play a WebSocket's handshake on *app*, over loopback: only aiohttp's own parser knows an upgrade."""
    with aiohttp_server(app) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        try:
            connection.request("GET", "/ws", headers=UPGRADE if origin is None else {**UPGRADE, "Origin": origin})
            response = connection.getresponse()
            return Response(response.status, tuple(response.getheaders()))
        finally:
            connection.close()


def serve(policy: Neutral | None) -> web.Application:
    """Return the application with aiohttp-cors on every resource."""
    app = application()
    if policy is None:
        return app
    cors = aiohttp_cors.setup(app, defaults=defaults(policy))
    for resource in list(app.router.resources()):
        if resource.canonical != "/ws":
            public = policy.public and resource.canonical == FEED
            cors.add(resource, defaults(PUBLIC) if public else {})
    return app


def defaults(policy: Neutral) -> dict[str, Any]:
    """Return *policy* as a mapping from origins to options."""
    if policy.subdomains_of:
        raise NotOffered("Its README lists origins, and has no patterns for them.")
    options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call]
        allow_credentials=policy.credentials,
        expose_headers=policy.exposed,
        allow_headers=policy.headers,
        allow_methods=policy.methods,
        max_age=policy.max_age,
    )
    return dict.fromkeys((ANY,) if policy.any_origin else policy.origins, options)


_ADDED = "Its README: CORS will be enabled only on the resources added to `CorsConfig`."

LIBRARY = Library(
    "aiohttp-cors",
    ("aiohttp-cors", "aiohttp"),
    "`aiohttp_cors.setup(app, defaults={origin: ResourceOptions(...)})`, and `cors.add(resource)` for every resource.",
    serve,
    ask_aiohttp,
    lacks={"S17": HTTP_ONLY, "S18": NO_GUARD, "S20": NO_LOG},
    excuses={"preflight-missing-path": _ADDED, "preflight-slash": _ADDED, "status-404": _ADDED, "status-405": _ADDED},
)
