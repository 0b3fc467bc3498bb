"""How a request is carried to an application in process, by ASGI and by WSGI.

A carrier makes requests ahead of time, each of fresh objects as a server's are, and then plays them one after another:
only the playing is measured. Knows nothing of CORS, and nothing of clocks.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from conformance.messages import Request

Batch = Callable[[], Awaitable[None]]  # plays some requests, one after another


class Carrier(Protocol):
    """How applications of one interface are asked."""

    async def batch(self, app: Any, requests: Sequence[Request]) -> Batch:
        """Return what plays *requests*, one after another, in the running event loop."""


class Asgi:
    """ASGI in a running event loop, to which an application that waits for nothing never comes back."""

    async def batch(self, app: Any, requests: Sequence[Request]) -> Batch:
        prepared = [(scope_of(request), receiving()) for request in requests]

        async def play() -> None:
            for scope, receive in prepared:
                await app(scope, receive, _send)

        return play


def scope_of(request: Request) -> dict[str, Any]:
    """Return a scope as uvicorn makes it, with header lines that share nothing with those of another request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": _fresh(request.method),
        "root_path": "",
        "path": _fresh(request.path),
        "raw_path": request.path.encode("latin-1"),
        "query_string": b"",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "state": {},
    }


def receiving() -> Callable[[], Awaitable[Any]]:
    """Return the ``receive`` of a request without a body, whose client stays until it has the response."""
    unread = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        return unread.pop() if unread else await asyncio.get_running_loop().create_future()

    return receive


async def _send(message: Any) -> None: ...


class Wsgi:
    """WSGI, with the body read to its end and closed."""

    async def batch(self, app: Any, requests: Sequence[Request]) -> Batch:
        prepared = [environ_of(request) for request in requests]

        async def play() -> None:
            for environ in prepared:
                body = app(environ, _start_response)
                for _ in body:
                    pass
                if hasattr(body, "close"):
                    body.close()

        return play


def environ_of(request: Request) -> dict[str, Any]:
    """Return an environment as waitress makes it, with values that share nothing with those of another request."""
    environ: dict[str, Any] = {
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_HOST": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "REQUEST_METHOD": _fresh(request.method),
        "SERVER_PORT": "8000",
        "SERVER_NAME": "api.example.com",
        "SERVER_SOFTWARE": "waitress",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "PATH_INFO": _fresh(request.path),
        "REQUEST_URI": _fresh(request.path),
        "QUERY_STRING": "",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.errors": _ERRORS,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
    }
    for name, value in request.headers:
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = _fresh(value)
    return environ


_ERRORS = io.StringIO()


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
    return _write


def _write(data: bytes) -> None: ...


def _fresh(value: str) -> str:
    # A string keeps its hash once that is computed; those of a server are new with each request.
    return "".join(list(value))
