"""How long a command waits for what it asks, and what it reads of a server's answer: the headers, and no body.

Whoever answers is a stranger: a server that never ends its answer, or an application in this process that never begins
one. Knows nothing of CORS.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

import httpx

from ..browser import HTTPRequest, HTTPResponse, NoResponse
from ..testing.wire import outgoing
from .terminal import WrongUse

_T = TypeVar("_T")
_NAME = "crossorigin waits"


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
        self._client = httpx.Client(trust_env=False, timeout=seconds)

    def send(self, request: HTTPRequest) -> HTTPResponse | NoResponse:
        """Carry *request*."""
        try:
            # An authentication that does nothing: httpx would make one of a user name in the URL.
            response = self._client.send(outgoing(request), stream=True, auth=httpx.Auth())
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return NoResponse(str(error) or type(error).__name__)
        response.close()
        lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        return HTTPResponse(response.status_code, lines, b"")

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
