"""Kui, on ASGI and on WSGI: the API as an application behind the policy, and as one route that carries it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import kui.asgi
import kui.wsgi
from kui.asgi import HTTPException

from crossorigin.answer import Rules
from crossorigin.kui import cors, setup

from .. import api

ANYWHERE = "/{path:any}"


def _headers(reply: api.Reply) -> dict[str, str]:
    # Kui keeps one line a header, in lower case; RFC 9110 §5.3 says how two become one.
    headers: dict[str, str] = {}
    for name, value in reply.headers:
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers


def _respond(side: Any, reply: api.Reply, method: str, stream: Any) -> Any:
    if reply.status in (403, 404) and method != "HEAD":
        raise HTTPException(reply.status, _headers(reply), b"".join(reply.pieces))
    if not reply.pieces or method == "HEAD":
        return side.HttpResponse(reply.status, _headers(reply))
    if len(reply.pieces) > 1:
        return side.StreamResponse(stream(reply.pieces), reply.status, _headers(reply))
    return reply.pieces[0], reply.status, _headers(reply)  # Kui makes a response of the three


async def _stream_asgi(pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _stream_wsgi(pieces: tuple[bytes, ...]) -> Iterator[bytes]:
    yield from pieces


async def view_asgi() -> Any:
    """The API as a view on ASGI."""
    method, path = kui.asgi.request.method, kui.asgi.request["path"]
    return _respond(kui.asgi, api.answer(method, path), method, _stream_asgi)


def view_wsgi() -> Any:
    """The API as a view on WSGI."""
    method, path = kui.wsgi.request.method, kui.wsgi.request["PATH_INFO"]
    return _respond(kui.wsgi, api.answer(method, path), method, _stream_wsgi)


async def _missing_asgi(error: HTTPException[Any]) -> tuple[bytes, int]:
    return api.MISSING.pieces[0], 404


def _missing_wsgi(error: HTTPException[Any]) -> tuple[bytes, int]:
    return api.MISSING.pieces[0], 404


# The router's own 404 where nothing is routed, as every application has it.
PATHS = (*api.REPLIES, "/fails")


def serve_kui_asgi(policy: Rules | None, **options: Any) -> kui.asgi.Kui:
    """Return the API as a Kui application on ASGI, set up with *policy*."""
    routes = [kui.asgi.HttpRoute(path, view_asgi, path) for path in PATHS]
    app = kui.asgi.Kui(routes=routes, exception_handlers={404: _missing_asgi})
    return setup(app, policy, **options)


def serve_kui_wsgi(policy: Rules | None, **options: Any) -> kui.wsgi.Kui:
    """Return the API as a Kui application on WSGI, set up with *policy*."""
    routes = [kui.wsgi.HttpRoute(path, view_wsgi, path) for path in PATHS]
    app = kui.wsgi.Kui(routes=routes, exception_handlers={404: _missing_wsgi})
    return setup(app, policy, **options)


def serve_kui_asgi_route(policy: Rules | None, **options: Any) -> kui.asgi.Kui:
    """Return the API as one route of a Kui application on ASGI, which carries *policy*."""
    return kui.asgi.Kui(routes=[kui.asgi.HttpRoute(ANYWHERE, view_asgi) @ cors(policy, **options)])


def serve_kui_wsgi_route(policy: Rules | None, **options: Any) -> kui.wsgi.Kui:
    """Return the API as one route of a Kui application on WSGI, which carries *policy*."""
    return kui.wsgi.Kui(routes=[kui.wsgi.HttpRoute(ANYWHERE, view_wsgi) @ cors(policy, **options)])
