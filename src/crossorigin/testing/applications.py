"""Calling ASGI and WSGI applications in this process, as a server would call them.

What an application raises ends as it ends behind a server: while nothing is on its way, in a 500 without headers, and
then in what the application had sent by then. The exception is reported beside.
"""

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

import httpx

from ..browser import URL, HTTPRequest, NoResponse
from ..browser.url import DEFAULT_PORTS
from ..browser.verdicts import shortened
from .lifespan import ASGIApp, Lifespan, Message
from .wire import Answer, Line, Report, decoded, outgoing

WSGIApp: TypeAlias = Callable[[Any, Any], Iterable[bytes]]


_LEFT = "the redirect left the application, which is all there is in process: use redirect='manual', or verdict()"


class ToWSGI:
    """Calls a WSGI application (PEP 3333), in the caller's thread."""

    # Not httpx.WSGITransport: it raises what the application raises, refuses header values beyond ASCII, and expects
    # start_response to be called before the first chunk is asked for, which a generator does not do.

    def __init__(self, app: WSGIApp, base: URL) -> None:
        self._app = app
        self._base = base

    def open(self) -> None:
        """Begin nothing: WSGI has no startup."""

    def send(self, request: HTTPRequest, report: Report) -> Answer:
        """Call the application."""
        carried = _carried(request, self._base)
        if isinstance(carried, NoResponse):
            return carried
        started: list[tuple[int, list[Line]]] = []
        chunks: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            started.append((int(status[:3]), lines))
            return write

        def write(chunk: object) -> None:
            chunks.append(_bytes(chunk))

        try:
            result = self._app(_environ(carried), start_response)
            try:
                for chunk in result:
                    write(chunk)
            finally:
                getattr(result, "close", lambda: None)()
            if not started:
                raise RuntimeError(f"{self._app!r} never called start_response")
        except Exception as error:
            report(error)
            if not started or not any(chunks):
                return decoded(500, [], b"")
        return decoded(*started[-1], b"".join(chunks))

    def close(self) -> None:
        """End nothing."""


class ToASGI:
    """Calls an ASGI application, and runs its lifespan between `open` and `close`."""

    def __init__(self, app: ASGIApp, base: URL) -> None:
        self._app = app
        self._base = base
        self._lifespan: Lifespan | None = None

    async def open(self) -> None:
        """Run the application's startup."""
        self._lifespan = Lifespan(self._app)
        await self._lifespan.start()

    async def send(self, request: HTTPRequest, report: Report) -> Answer:
        """Call the application."""
        carried = _carried(request, self._base)
        if isinstance(carried, NoResponse):
            return carried

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if self._lifespan is not None:
                scope["state"] = self._lifespan.state.copy()
            try:
                await _call(self._app, scope, receive, send)
            except Exception as error:
                report(error)
                raise

        response = await httpx.ASGITransport(app, raise_app_exceptions=False).handle_async_request(carried)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return decoded(response.status_code, response.headers.raw, b"".join([chunk async for chunk in response.stream]))

    async def close(self) -> None:
        """Run the application's shutdown, if its startup was run."""
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.stop()


def is_at(url: URL, base: URL) -> bool:
    """Return whether an application that is to be found at *base* answers at *url*, over http and https alike.

    >>> base = URL.parse("https://api.example.com/v1/")
    >>> is_at(URL.parse("http://api.example.com/"), base), is_at(URL.parse("https://app.example.com/"), base)
    (True, False)
    """
    return (url.host, url.port) == (base.host, base.port)


def nothing_at(url: URL, base: URL) -> str:
    """Return why a page that asks for *url* in so many words gets no answer from the application at *base*."""
    at = shortened(base.origin)
    return f"nothing is at {shortened(url.origin)}: the application is at {at}, unless base_url says otherwise"


def _carried(request: HTTPRequest, base: URL) -> httpx.Request | NoResponse:
    url = URL.parse(request.url)
    if not is_at(url, base):
        # The client refuses such a URL from a test, so that a redirect led here.
        return NoResponse(_LEFT)
    try:
        return outgoing(request)
    except httpx.InvalidURL as error:
        return NoResponse(str(error))


async def _call(app: ASGIApp, scope: Any, receive: Any, send: Any) -> None:
    """Call *app*, and raise if it returns before its response is complete."""
    missing = "http.response.start"

    async def noting(message: Message) -> None:
        nonlocal missing
        is_body = message["type"] == "http.response.body"
        if is_body:
            message = {**message, "body": _bytes(message.get("body", b""))}
        is_last = is_body and not message.get("more_body")
        missing = "" if is_last else "http.response.body"
        await send(message)

    await app(scope, receive, noting)
    if missing:
        raise RuntimeError(f"{app!r} returned before it sent {missing!r} to the end")


def _bytes(chunk: object) -> bytes:
    """Return a part of a body, which servers take as bytes alone."""
    if not isinstance(chunk, bytes | bytearray | memoryview):
        raise TypeError(f"a body is made of bytes, and the application gave {shortened(repr(chunk))}")
    return bytes(chunk)


def _environ(request: httpx.Request) -> dict[str, Any]:
    path, _, query = request.url.raw_path.partition(b"?")
    scheme = request.url.scheme
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("ascii"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or DEFAULT_PORTS[scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(request.content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.raw:
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ
