"""aiohttp: the API behind a catch-all route, asked through aiohttp's own protocol class over a connection in memory."""

import asyncio
import atexit
import http.client
import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import crossorigin.aiohttp
from crossorigin.answer import Rules

from .. import api
from ..messages import Request, Response


async def aiohttp_api(request: web.Request) -> web.StreamResponse:
    """The API as an aiohttp handler for every path and method."""
    reply = api.answer(request.method, request.path)
    headers = CIMultiDict(reply.headers)
    if len(reply.pieces) < 2:
        return web.Response(status=reply.status, headers=headers, body=b"".join(reply.pieces))
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    if request.method != "HEAD":
        for piece in reply.pieces:
            await response.write(piece)
    return response


def serve_aiohttp(policy: Rules, **options: Any) -> web.Application:
    """Return the API as an aiohttp application behind *policy*."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", aiohttp_api)
    crossorigin.aiohttp.setup(app, policy, **options)
    return app


def ask_aiohttp(app: web.Application, request: Request) -> Response:
    """Play *request* on an aiohttp application, as its server does with a request that it has parsed.

    Nothing of aiohttp is left out but the parser of requests, which refuses the malformed ones that some situations
    consist of.
    """
    return asyncio.run_coroutine_threadsafe(_ask(app, request), _loop()).result()


@contextmanager
def aiohttp_server(app: web.Application, **options: Any) -> Iterator[str]:
    """Serve an aiohttp application with aiohttp's own runner on a free port of loopback, and yield its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(app, shutdown_timeout=1, **options)

    async def start() -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return "http://{}:{}".format(*runner.addresses[0])

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


_starting = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []
_servers: dict[web.Application, asyncio.Task[web.Server]] = {}


def _loop() -> asyncio.AbstractEventLoop:
    """Return the one event loop that all is asked in, from whichever thread: an application cannot change its loop."""
    with _starting:
        if not _loops:
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, daemon=True)
            thread.start()
            _loops.append(loop)
            atexit.register(_stop, loop, thread)
    return _loops[0]


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _start(app: web.Application) -> web.Server:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    return runner.server


async def _ask(app: web.Application, request: Request) -> Response:
    if app not in _servers:
        _servers[app] = asyncio.create_task(_start(app))
    protocol = (await _servers[app])()
    protocol.logger = log = _Log()
    protocol._messages.append((_message(request), _payload(request, protocol)))
    connection = _Connection()
    protocol.connection_made(connection)
    await connection.closed.wait()
    protocol.connection_lost(None)
    return _response(request, b"".join(connection.sent), next(iter(log.errors), None))


def _message(request: Request) -> RawRequestMessage:
    headers = CIMultiDict((("Host", "api.example.com"), *request.headers))
    raw = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())
    url = URL.build(path=request.path, encoded=True)  # as the parser does
    arguments: Any = (True, None, False, False, url)  # should_close, compression, upgrade, chunked
    return RawRequestMessage(request.method, request.path, HttpVersion11, CIMultiDictProxy(headers), raw, *arguments)


def _payload(request: Request, protocol: Any) -> StreamReader:
    payload = StreamReader(protocol, 2**16, loop=asyncio.get_running_loop())
    payload.feed_data(request.body)
    payload.feed_eof()
    return payload


def _response(request: Request, sent: bytes, error: Exception | None) -> Response:
    if not sent:
        raise AssertionError("the application sent no response") from error
    parsed = http.client.HTTPResponse(_Received(sent), method=request.method)  # type: ignore[arg-type]
    parsed.begin()
    return Response(parsed.status, tuple(parsed.getheaders()), parsed.read(), error)


class _Received:
    """As much of a socket as `http.client` needs."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


class _Connection(asyncio.Transport):
    """The client's side of a connection, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = asyncio.Event()

    def write(self, data: Any) -> None:
        self.sent.append(bytes(data))

    def writelines(self, pieces: Any) -> None:
        self.sent += map(bytes, pieces)

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()


class _Log(logging.Logger):
    """The server's log, which is where an exception that no handler expects must get to."""

    def __init__(self) -> None:
        super().__init__("aiohttp.server")
        self.errors: list[Exception] = []

    def handle(self, record: logging.LogRecord) -> None:
        error = record.exc_info and record.exc_info[1]
        if isinstance(error, Exception):
            self.errors.append(error)
