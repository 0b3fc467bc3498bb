"""The libraries of aiohttp, over its own protocol: what they add is measured against the whole of its server."""

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp_cors
from aiohttp import web

import crossorigin.aiohttp
from conformance.messages import Request

from .carrying import Batch
from .kinds import BODY, CONTENT_TYPE, EXPOSED, HEADERS, MAX_AGE, METHODS, PATH, policy
from .libraries import BARE, LIMIT, Group, Library
from .plain import LINES


class Aiohttp:
    """aiohttp's own protocol and parser, over a connection in memory that is kept open for the whole batch."""

    def __init__(self) -> None:
        self._servers: WeakKeyDictionary[web.Application, web.Server] = WeakKeyDictionary()

    async def batch(self, app: web.Application, requests: Sequence[Request]) -> Batch:
        if app not in self._servers:
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            assert runner.server is not None
            self._servers[app] = runner.server
        prepared = [_wire(request) for request in requests]
        protocol = self._servers[app]()
        connection = _Connection()
        protocol.connection_made(connection)

        async def play() -> None:
            for data in prepared:
                connection.answered = asyncio.get_running_loop().create_future()
                protocol.data_received(data)
                await connection.answered
            protocol.connection_lost(None)

        return play


def _wire(request: Request) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    return f"{request.method} {request.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


class _Connection(asyncio.Transport):
    """The client's side of a connection: notices that a response came."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: asyncio.Future[None]

    def write(self, data: Any) -> None:
        if data[:5] == b"HTTP/":
            self.answered.set_result(None)

    def writelines(self, pieces: Any) -> None:
        for piece in pieces:
            self.write(piece)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...


async def _items(request: web.Request) -> web.Response:
    return web.Response(body=b"" if request.method == "OPTIONS" else BODY, content_type=CONTENT_TYPE)


def bare() -> web.Application:
    """Return an application with one resource."""
    app = web.Application()
    resource = app.router.add_resource(PATH)
    for method in ("GET", "OPTIONS", *METHODS):
        resource.add_route(method, _items)
    return app


async def _items_with_lines(request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type=CONTENT_TYPE, headers=LINES)


def bare_with_lines() -> web.Application:
    """Return an application that sends by itself what the policy gives to an allowed request."""
    app = web.Application()
    app.router.add_get(PATH, _items_with_lines)
    return app


def limit() -> web.Application:
    """Return an application with the signal that is sent for every response, which adds one fixed header."""
    app = bare()
    app.on_response_prepare.append(_add_header)
    return app


async def _add_header(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Vary"] = "Origin"


def with_crossorigin(origins: Sequence[str]) -> web.Application:
    """Return the application with crossorigin."""
    app = bare()
    crossorigin.aiohttp.setup(app, policy(origins))
    return app


def _aiohttp_cors(origins: Sequence[str]) -> web.Application:
    make: Any = aiohttp_cors.ResourceOptions  # which has no types
    options = make(
        allow_credentials=True,
        allow_methods=METHODS,
        allow_headers=HEADERS,
        expose_headers=[EXPOSED],
        max_age=MAX_AGE,
    )
    app = web.Application()
    cors: Any = aiohttp_cors.setup(app, defaults=dict.fromkeys(origins, options))
    resource = cors.add(app.router.add_resource(PATH))
    for method in ("GET", *METHODS):
        cors.add(resource.add_route(method, _items))
    return app


AIOHTTP = Group(
    "aiohttp",
    "aiohttp",
    "aiohttp",
    Aiohttp(),
    (
        Library(BARE, lambda origins: bare()),
        Library(LIMIT, lambda origins: limit()),
        Library("crossorigin.aiohttp", with_crossorigin),
        Library(
            "aiohttp-cors",
            _aiohttp_cors,
            "aiohttp-cors",
            note="names the method that a preflight asks for alone",
            lacks=("allow-methods",),
        ),
    ),
)

GROUPS = (AIOHTTP,)
