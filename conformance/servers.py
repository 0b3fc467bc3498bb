"""Real servers on loopback, started and stopped by the process that asks them, and real HTTP to ask them with."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from waitress.server import create_server

from .messages import Request, Response


@contextmanager
def uvicorn_server(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI application with uvicorn on a free port, and yield its address."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", **options)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Uvicorn sets its signal handlers in the main thread only, so that this process keeps its own.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def waitress_server(app: Any, **options: Any) -> Iterator[str]:
    """Serve a WSGI application with waitress on a free port, and yield its address."""
    dispatcher_map: dict[int, Any] = {}  # its own, so that several servers can run side by side
    server: Any = create_server(app, host="127.0.0.1", port=0, threads=4, map=dispatcher_map, **options)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(lambda: [handler.close() for handler in list(dispatcher_map.values())])
        thread.join()
        server.task_dispatcher.shutdown()


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
