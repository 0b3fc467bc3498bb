"""What carries the model's requests: httpx to a server, or a call of an application in this process.

A transport carries one `HTTPRequest` and returns the `HTTPResponse`, as the server or the application wrote it, or says
why none came. It follows no redirect, keeps no cookie and adds no header that a browser would not: that is the model's
business. Plain and asynchronous ones are made of each other here; `applications` has those that call applications.
"""

import asyncio
import inspect
import ssl
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import httpx

from ..browser import URL, HTTPRequest, NoResponse
from ..browser.verdicts import shortened
from .applications import ToASGI, ToWSGI, WSGIApp
from .lifespan import ASGIApp
from .wire import Answer, Report, decoded, outgoing

_T = TypeVar("_T")
# Without it, httpx makes an Authorization header of a user name in the URL; ``fetch()`` never does (Fetch §4.6).
_NO_AUTH = httpx.Auth()


class Transport(Protocol):
    """What `BrowserClient` sends with."""

    def open(self) -> None:
        """Begin, if there is anything to begin."""

    def send(self, request: HTTPRequest, report: Report) -> Answer:
        """Carry *request*, and *report* what an application lets pass meanwhile."""

    def close(self) -> None:
        """End what was begun."""


class AsyncTransport(Protocol):
    """What `AsyncBrowserClient` sends with: as `Transport`."""

    async def open(self) -> None:
        """Begin, if there is anything to begin."""

    def send(self, request: HTTPRequest, report: Report) -> Coroutine[Any, Any, Answer]:
        """Carry *request*, and *report* what an application lets pass meanwhile."""

    async def close(self) -> None:
        """End what was begun."""


class OverNetwork:
    """Sends to whatever server a URL leads to."""

    def __init__(self, timeout: float | None, verify: bool | ssl.SSLContext) -> None:
        # A connection for each request: none is left open if nobody closes the client.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(trust_env=False, timeout=timeout, verify=verify, limits=limits)

    def open(self) -> None:
        """Begin nothing: a connection is made when there is something to send."""

    def send(self, request: HTTPRequest, report: Report) -> Answer:
        """Carry *request*."""
        try:
            response = self._client.send(outgoing(request), stream=True, auth=_NO_AUTH)
            try:
                return decoded(response.status_code, response.headers.raw, b"".join(response.iter_raw()))
            finally:
                response.close()
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return NoResponse(str(error) or type(error).__name__)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


class InLoop:
    """Makes an asynchronous transport a plain one, with one event loop for its whole life."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        # A client that nobody closes takes its loop along, without a warning.
        weakref.finalize(self, self._runner.get_loop().close)

    def open(self) -> None:
        """Begin, in the loop."""
        self._run(self._transport.open)

    def send(self, request: HTTPRequest, report: Report) -> Answer:
        """Carry *request*, in the loop."""
        return self._run(lambda: self._transport.send(request, report))

    def close(self) -> None:
        """End, and close the loop."""
        _refuse_in_loop()  # nor could the loop be closed
        try:
            self._run(self._transport.close)
        finally:
            self._runner.close()

    def _run(self, call: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        _refuse_in_loop()
        return self._runner.run(call())


class InThread:
    """Makes a plain transport an asynchronous one, that does not keep the event loop waiting."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def open(self) -> None:
        """Begin."""
        self._transport.open()

    async def send(self, request: HTTPRequest, report: Report) -> Answer:
        """Carry *request*, in a thread."""
        return await asyncio.to_thread(self._transport.send, request, report)

    async def close(self) -> None:
        """End."""
        self._transport.close()


# What leads to an application or a server by itself.
Direct: TypeAlias = OverNetwork | ToWSGI | ToASGI


def transport_to(app: object, base: URL, timeout: float | None, verify: bool | ssl.SSLContext) -> Direct:
    """Return what carries requests to *app*: a URL, or an application that is to be found at *base*.

    ASGI and WSGI are told apart by how many arguments the application takes.

    Raises:
        TypeError: It is none of these; the message says what to give instead.
    """
    if isinstance(app, str):
        return OverNetwork(timeout, verify)
    arity = _arity(app)
    if arity == 3:
        return ToASGI(cast(ASGIApp, app), base)
    if arity == 2:
        return ToWSGI(cast(WSGIApp, app), base)
    if any(kind.__module__.partition(".")[0] == "aiohttp" for kind in type(app).__mro__):
        raise TypeError(
            "an aiohttp application can only be tested as it is served: start it with aiohttp.test_utils.TestServer, "
            "and give AsyncBrowserClient the server's URL, str(server.make_url('/'))"
        )
    wrong = (
        f"{shortened(repr(app))} is neither a URL, nor an ASGI application, called with (scope, receive, send), nor a "
        "WSGI application, called with (environ, start_response)"
    )
    if not callable(app):
        raise TypeError(f"{wrong}: give one of these")
    raise TypeError(f"{wrong}: serve it and give its URL, or wrap it in a function that takes these arguments")


def _arity(app: object) -> int | None:
    """Return how many arguments *app* needs to be called with, or ``None`` if that cannot be told."""
    try:
        parameters = inspect.signature(cast(Callable[..., object], app)).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return 3 if _is_asynchronous(app) else None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is each.empty for each in parameters)


def _is_asynchronous(app: object) -> bool:
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004


def _refuse_in_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "BrowserClient runs an ASGI application in an event loop of its own, and this code runs in a loop already: use "
        "AsyncBrowserClient"
    )
