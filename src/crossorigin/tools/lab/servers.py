"""What serves the lab on loopback, and nowhere else: uvicorn, aiohttp's own server, waitress or the standard library's.

All but the WSGI server run in one event loop. Each is stopped by leaving its block.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.simple_server import make_server as make_plain_server

import uvicorn

LOOPBACK = "127.0.0.1"
LOOPBACK_6 = "::1"
_TRIES = 20
_HTTP = 80

# What they say of the handler that fails on purpose, of refusals and of requests, belongs on the page.
_TALKERS = ("aiohttp.access", "aiohttp.server", "crossorigin", "httpx", "uvicorn.error", "waitress")


def listeners(port: int) -> list[socket.socket]:
    """Return sockets that listen on *port* of loopback, over IPv4, and over IPv6 where the machine has it.

    Browsers ask ``localhost`` over IPv6 first: nobody else may have the same port there.

    Args:
        port: Which one; 0 for one that is free.

    Raises:
        OSError: If the port is in use.
    """
    for _ in range(_TRIES):
        first = _listener(socket.AF_INET, LOOPBACK, port)
        try:
            return [first, *_listeners_6(first.getsockname()[1])]
        except OSError:
            first.close()
            if port:
                raise
    raise OSError("there is no port that is free over IPv4 and IPv6")


def _listeners_6(port: int) -> list[socket.socket]:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tried:
            tried.bind((LOOPBACK_6, 0))
    except OSError:
        return []  # there is no IPv6 here
    return [_listener(socket.AF_INET6, LOOPBACK_6, port)]


def _listener(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # With the protocol named: else asyncio does not set TCP_NODELAY, and answers wait for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def port_of(listener: socket.socket) -> int:
    """Return the port that *listener* listens on."""
    port: int = listener.getsockname()[1]
    return port


def host_at(name: str, port: int) -> str:
    """Return how browsers write the host *name* at *port*: they leave out the port of http itself.

    >>> host_at("localhost", 8000), host_at("localhost", 80)
    ('localhost:8000', 'localhost')
    """
    return name if port == _HTTP else f"{name}:{port}"


def serve(kind: str, app: Any) -> AbstractAsyncContextManager[str]:
    """Serve *app*, of the *kind* that a stack names, on a free port, and yield its address."""
    return {"asgi": _asgi, "aiohttp": _aiohttp, "wsgi": _wsgi}[kind](app)


@asynccontextmanager
async def uvicorn_server(app: Any, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Serve an ASGI application with uvicorn on *sockets*, which are closed at the end."""
    # With h11, which takes every method that a page can send; httptools knows a list of them.
    config = uvicorn.Config(
        app, http="h11", log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with contextlib.ExitStack() as closing:
        for listener in sockets:
            closing.enter_context(listener)
        running = asyncio.create_task(server.serve(sockets=list(sockets)))
        try:
            yield
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def _asgi(app: Any) -> AsyncIterator[str]:
    listener = _listener(socket.AF_INET, LOOPBACK, 0)
    async with uvicorn_server(app, [listener]):
        yield f"http://{LOOPBACK}:{port_of(listener)}"


@asynccontextmanager
async def _aiohttp(app: Any) -> AsyncIterator[str]:
    web = import_module("aiohttp.web")
    listener = _listener(socket.AF_INET, LOOPBACK, 0)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1, access_log=None)
    with listener:
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield f"http://{LOOPBACK}:{port_of(listener)}"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def _wsgi(app: Any) -> AsyncIterator[str]:
    with _waitress(app) if find_spec("waitress") else _wsgiref(app) as port:
        yield f"http://{LOOPBACK}:{port}"


@contextmanager
def _waitress(app: Any) -> Iterator[int]:
    dispatchers: dict[int, Any] = {}
    server = import_module("waitress.server").create_server(app, host=LOOPBACK, port=0, threads=4, map=dispatchers)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        with suppress(OSError):  # the loop may be awake already, and close the trigger before this thread pulls it
            server.trigger.pull_trigger(lambda: [dispatcher.close() for dispatcher in list(dispatchers.values())])
        thread.join()
        server.task_dispatcher.shutdown()


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    address_family = socket.AF_INET


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""

    def get_stderr(self) -> Any:
        """Return where tracebacks go."""
        return _Nowhere()


class _Nowhere:
    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...


@contextmanager
def _wsgiref(app: Any) -> Iterator[int]:
    with make_plain_server(LOOPBACK, 0, app, _ThreadingServer, _SilentHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silenced() -> Iterator[None]:
    """Keep what the servers and the library log away from the terminal."""
    loggers = [logging.getLogger(name) for name in _TALKERS]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    return False
