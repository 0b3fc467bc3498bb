"""Real servers on loopback, started and stopped by the process that asks them, and real HTTP to ask them with.

Uvicorn, hypercorn, waitress and aiohttp's own server run in a thread and are given an application. Gunicorn and granian
run as processes of their own and are given where to import one from: a module and a factory in it. Each is stopped by
whoever started it, also when what happens in between fails.
"""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from waitress.server import create_server

from .messages import Request, Response

LOOPBACK = "127.0.0.1"
PATIENCE = 30.0  # seconds for a server to start, to answer and to stop
ROOT = Path(__file__).parent.parent  # where processes import the package from


@contextmanager
def uvicorn_server(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI application with uvicorn on a free port, and yield its address."""
    config = uvicorn.Config(app, **{"log_config": None, "lifespan": "off", **options})
    server = uvicorn.Server(config)
    with _listener() as listener:
        # Uvicorn sets its signal handlers in the main thread only, so that this process keeps its own.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def hypercorn_server(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI application with hypercorn on a free port, and yield its address."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    listener = _listener()
    address = address_of(listener)
    config = Config.from_mapping(bind=[f"fd://{listener.detach()}"], graceful_timeout=1, **options)  # which closes it

    async def main(stop: asyncio.Event) -> None:
        await serve(app, config, shutdown_trigger=stop.wait, mode="asgi")

    with _event_loop(main):
        yield address


@contextmanager
def aiohttp_server(app: Any, **options: Any) -> Iterator[str]:
    """Serve an `aiohttp.web.Application` with aiohttp's own runner on a free port, and yield its address."""
    from aiohttp import web

    listener = _listener()

    async def main(stop: asyncio.Event) -> None:
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1, **options)
        with listener:  # whoever asks a server that could not start is turned away at once
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                await stop.wait()
            finally:
                await runner.cleanup()

    address = address_of(listener)
    with _event_loop(main):
        yield address


@contextmanager
def waitress_server(app: Any, **options: Any) -> Iterator[str]:
    """Serve a WSGI application with waitress on a free port, and yield its address."""
    dispatcher_map: dict[int, Any] = {}  # its own, so that several servers can run side by side
    server: Any = create_server(app, host=LOOPBACK, port=0, threads=4, map=dispatcher_map, **options)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.effective_port}"
    finally:
        # The loop may be awake already, and close the trigger before this thread has written to it.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: [handler.close() for handler in list(dispatcher_map.values())])
        thread.join()
        server.task_dispatcher.shutdown()


@contextmanager
def gunicorn_server(
    factory: str, *arguments: str, worker: str = "sync", environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve what *factory* returns with gunicorn on a free port, and yield its address.

    Args:
        factory: Where the WSGI application is made, as ``"package.module:factory"``.
        arguments: Further ones for gunicorn's command line.
        worker: The kind of worker: ``"sync"`` or ``"gthread"``.
        environment: Variables to set besides those of this process.

    Raises:
        RuntimeError: If the server ends, or keeps silent, before it answers. Its output goes where this process's goes.
    """
    with _listener() as listener:
        command = ["-m", "gunicorn", "--worker-class", worker, "--threads", "1" if worker == "sync" else "4"]
        command += ["--bind", f"fd://{listener.fileno()}", "--graceful-timeout", "1", "--no-control-socket"]
        command += ["--worker-tmp-dir", "/dev/shm"] if Path("/dev/shm").is_dir() else []
        address = address_of(listener)
        with _process([*command, *arguments, f"{factory}()"], address, environment, pass_fds=[listener.fileno()]):
            yield address


@contextmanager
def granian_server(
    factory: str, *arguments: str, interface: str = "asgi", environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve what *factory* returns with granian on a free port, and yield its address.

    Args:
        factory: Where the application is made, as ``"package.module:factory"``.
        arguments: Further ones for granian's command line.
        interface: ``"asgi"`` or ``"wsgi"``.
        environment: Variables to set besides those of this process.

    Raises:
        RuntimeError: If the server ends, or keeps silent, before it answers. Its output goes where this process's goes.
    """
    with socket.socket() as holder:
        # Granian binds by itself, with SO_REUSEPORT. Holding the port in the same way, without listening, keeps
        # everybody else from getting it in between.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((LOOPBACK, 0))
        command = [
            "-m",
            "granian",
            "--host",
            LOOPBACK,
            "--port",
            str(holder.getsockname()[1]),
            "--interface",
            interface,
        ]
        address = address_of(holder)
        try:
            with _process([*command, "--factory", *arguments, factory], address, environment):
                yield address
        finally:
            _wait_until_it_refuses(address)  # a worker that had to be killed holds the port for a moment longer


@contextmanager
def script_server(script: Path) -> Iterator[str]:
    """Run *script*, which serves on the port that it is given, and yield its address.

    Raises:
        RuntimeError: If it ends, or keeps silent, before it answers. Its output goes where this process's goes.
    """
    with _listener() as holder:
        address = address_of(holder)
    with _process([str(script), address.rpartition(":")[2]], address, None):
        yield address


def address_of(listener: socket.socket) -> str:
    """Return the address of an HTTP server at *listener*."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def ask_server(address: str, request: Request) -> Response:
    """Send *request* to the server at *address* over a connection of its own."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        response = client.request(
            request.method,
            address + request.path,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
            content=request.body or None,
        )
    return Response(response.status_code, tuple(response.headers.multi_items()), response.content)


@contextmanager
def connect(address: str) -> Iterator[http.client.HTTPConnection]:
    """Yield one connection to the server at *address*, kept open as long as the server keeps it.

    The client of the standard library lets more through than httpx does: of the situations' header values, all but
    those with a line end.
    """
    connection = http.client.HTTPConnection(*_host_and_port(address), timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


def ask_over(connection: http.client.HTTPConnection, request: Request) -> Response:
    """Send *request* over *connection*, which opens itself again where the server has announced to close it."""
    response = begin_over(connection, request)
    return Response(response.status, tuple(response.getheaders()), response.read())


def begin_over(connection: http.client.HTTPConnection, request: Request) -> http.client.HTTPResponse:
    """Send *request* over *connection*, and return the response as soon as its headers are there."""
    connection.putrequest(request.method, request.path, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    if request.body:
        connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body or None)
    return connection.getresponse()


def _listener() -> socket.socket:
    # Not socket.create_server: asyncio sets TCP_NODELAY only where the protocol is named, and every response over a
    # connection that is kept open would wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((LOOPBACK, 0))
    listener.listen(1024)
    return listener


@contextmanager
def _event_loop(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Run *main* in a thread with an event loop of its own, and set the event that it was given at the end."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main(stop))

    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(run)
        try:
            yield
        finally:
            if not running.done():
                loop.call_soon_threadsafe(stop.set)
            running.result()  # raises what the server did, if it could not start


@contextmanager
def _process(
    arguments: Sequence[str], address: str, environment: Mapping[str, str] | None, pass_fds: Sequence[int] = ()
) -> Iterator[None]:
    """Run a server of Python's, and its workers, in a session of their own until the end."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        pass_fds=pass_fds,
        start_new_session=True,
    )
    with process:
        try:
            if not _answers(process, address):
                raise RuntimeError(f"{' '.join(arguments[:2])} did not start; what it printed says why")
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE / 3)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what is left of the session, made for this server alone


def _answers(process: "subprocess.Popen[bytes]", address: str) -> bool:
    """Return whether the server at *address* answers at last, rather than end or keep silent."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(_host_and_port(address), timeout=1) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if connection.recv(1):
                    return True
        except OSError:
            pass  # it does not listen yet, or listens and does not answer yet
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


def _wait_until_it_refuses(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    with suppress(ConnectionError):
        while time.monotonic() < deadline:
            socket.create_connection(_host_and_port(address), timeout=1).close()


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("http://").partition(":")
    return host, int(port)
