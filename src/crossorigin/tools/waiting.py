"""How long a command waits for what it asks, and how little it reads of an answer: the headers, and hardly a body.

Whoever answers is a stranger: a server that never ends its answer, or an application in this process that never begins
one. Knows nothing of CORS.
"""

import asyncio
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from ..browser import HTTPRequest, HTTPResponse, NoResponse
from ..testing.wire import outgoing
from .terminal import WrongUse

_T = TypeVar("_T")
_NAME = "crossorigin waits"
_MOMENT = 1.0  # seconds from the begin of an answer to the first part of its body


def within(seconds: float, call: Callable[[], _T], late: str) -> _T:
    """Return what *call* returns, in a thread that is left alone when the time is over.

    Raises:
        WrongUse: *late*, when it is.

    >>> within(5, lambda: 3, "it does not answer")
    3
    """
    results: list[_T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # raised again, where somebody waits for it
            errors.append(error)

    thread = threading.Thread(target=work, name=_NAME, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise WrongUse(f"{late} within {seconds:g} seconds")
    return results[0]


def is_left_alone() -> bool:
    """Return whether something still runs for which nobody waits, and which might keep the process from ending."""
    return any(thread.name == _NAME for thread in threading.enumerate())


class HeadersOnly:
    """Sends to a server, and closes the connection when the headers of its answer are there."""

    def __init__(self, seconds: float) -> None:
        # Of a user's environment the certificates alone count: a proxy would answer in the server's place.
        own = any(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
        verify = ssl.create_default_context() if own else True
        self._client = httpx.Client(trust_env=False, timeout=seconds, verify=verify)

    def send(self, request: HTTPRequest) -> HTTPResponse | NoResponse:
        """Carry *request*."""
        try:
            # An authentication that does nothing: httpx would make one of a user name in the URL.
            response = self._client.send(_to_loopback(outgoing(request)), stream=True, auth=httpx.Auth())
        except (httpx.TransportError, httpx.InvalidURL) as error:
            untrusted = "certificate verify failed" in str(error)
            hint = "; SSL_CERT_FILE names a file of certificates to trust instead" * untrusted
            return NoResponse((str(error) or type(error).__name__) + hint)
        response.close()
        lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        return HTTPResponse(response.status_code, lines, b"")

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def _to_loopback(request: httpx.Request) -> httpx.Request:
    """Return *request*, on its way to this machine if it is for a name below ``localhost``, as browsers have it.

    RFC 6761 §6.3 has it so too, and many a resolver has not. The headers are made already, and keep the name.
    """
    if request.url.host.endswith(".localhost"):
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host="localhost")
    return request


class BriefASGI:
    """An ASGI application with a client that reads the first part of a body, and goes away: there may be no end to it.

    An answer that has begun gets a moment for that part, of which there may be none, either.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        enough = asyncio.Event()
        moments: list[asyncio.TimerHandle] = []

        async def send_first(message: Any) -> None:
            is_body = message["type"] == "http.response.body"
            more = is_body and message.get("more_body")
            await send({**message, "more_body": False} if more else message)
            for moment in moments:
                moment.cancel()
            if more:
                enough.set()
                await asyncio.Event().wait()  # nobody reads any further
            if not is_body:
                moments.append(asyncio.get_running_loop().call_later(_MOMENT, enough.set))

        running = asyncio.ensure_future(self._app(scope, receive, send_first))
        leaving = asyncio.ensure_future(enough.wait())
        await asyncio.wait([running, leaving], return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if running.done():
            await running
            return
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)  # whoever is cut off may raise what he likes
        if moments and not moments[-1].cancelled():  # no body came
            await send({"type": "http.response.body"})

    def __repr__(self) -> str:
        return repr(self._app)


class BriefWSGI:
    """A WSGI application of whose body the first part is read that is not empty, and no other."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: Any, start_response: Any) -> Iterator[bytes]:
        """Call the application."""
        result = self._app(environ, start_response)
        try:
            for chunk in result:
                yield chunk
                if chunk:
                    return
        finally:
            getattr(result, "close", lambda: None)()

    def __repr__(self) -> str:
        return repr(self._app)
