"""FastAPI and Starlette: the API as one endpoint of an application that is set up with a policy."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import crossorigin.starlette
from crossorigin.answer import Rules

from .. import api

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def starlette_api(request: Request) -> Response:
    """The API as a Starlette or FastAPI endpoint for every path and method."""
    reply = api.answer(request.method, request.scope["path"])
    pieces = reply.pieces if request.method != "HEAD" else ()
    response: Response
    if len(pieces) > 1:
        response = StreamingResponse(_stream(pieces), reply.status)
    else:
        response = Response(b"".join(pieces), reply.status)
    response.raw_headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    return response


async def _stream(pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def serve_fastapi(policy: Rules, **options: Any) -> FastAPI:
    """Return the API as a FastAPI application behind *policy*."""
    app = FastAPI(openapi_url=None)
    crossorigin.starlette.setup(app, policy, **options)
    app.api_route("/{path:path}", methods=METHODS)(starlette_api)
    return app


def serve_starlette(policy: Rules, **options: Any) -> Starlette:
    """Return the API as a Starlette application behind *policy*."""
    app = Starlette(routes=[Route("/{path:path}", starlette_api, methods=METHODS)])
    crossorigin.starlette.setup(app, policy, **options)
    return app
