"""The drop-in for asgi-cors 1.0.1: hosts, globs and a callback as one policy in front of an ASGI application.

The original leaves preflights to the application, and puts what answers them on every response. So does this: each
request counts as an actual one, and is told what a preflight would be told.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial, wraps
from inspect import isawaitable
from typing import Any

from ..adapter import Asked
from ..answer import Answer
from ..asgi import ASGIApp, CORSMiddleware, Receive, Scope, Send
from ..origins import ANY
from . import DropIn, translated
from .globs import origins_of

__all__ = ["asgi_cors", "asgi_cors_decorator"]

Texts = Iterable[str | bytes] | None
Callback = Callable[[Any], object] | None


def asgi_cors(
    app: ASGIApp, allow_all: bool = False, hosts: Texts = None, host_wildcards: Texts = None, callback: Callback = None,
    headers: Texts = None, methods: Texts = None, max_age: int | None = None
) -> ASGIApp:  # fmt: skip
    """Return *app* with CORS headers on its responses; it still answers preflights itself.

    *callback*, plain or ``async``, is asked about well-formed origins that nothing else allows. It gets ``bytes`` that
    also equal the ``str`` of the same text; if that raises `TypeError` or `AttributeError`, it gets the ``str``.

    Raises:
        AssertionError: If an origin ends in a slash.

    >>> async def app(scope, receive, send): ...
    >>> app = asgi_cors(app, hosts=["https://www.example.com"], methods=["PUT"])
    """
    return asgi_cors_decorator(allow_all, hosts, host_wildcards, callback, headers, methods, max_age)(app)


def asgi_cors_decorator(
    allow_all: bool = False, hosts: Texts = None, host_wildcards: Texts = None, callback: Callback = None,
    headers: Texts = None, methods: Texts = None, max_age: int | None = None
) -> Callable[[ASGIApp], ASGIApp]:  # fmt: skip
    """Return a decorator that does what `asgi_cors` does, with its arguments."""
    exact, globs = _texts(hosts), _texts(host_wildcards)
    if any(text.endswith("/") for text in (*exact, *globs)):
        raise AssertionError("Error: CORS origin rules should never end in a /")
    # A star alone sends the origin back, as the original does, so that an application may add its credentials line.
    patterns = (re.compile(".+") if set(text) == {ANY} else origins_of(text) for text in globs)
    policy = translated(
        "asgi_cors",
        literal=0 if allow_all else len(exact),
        allow_origins=[ANY] if allow_all else [*exact, *patterns],
        allow_origin_check=partial(_check, callback) if callable(callback) else callback,
        allow_headers=[name.strip() for text in _texts(headers) for name in text.split(",")],
        allow_methods=[name.strip() for text in _texts(methods) for name in text.split(",")],
        max_age=max_age or None,
    )

    def decorate(app: ASGIApp) -> ASGIApp:
        answering = _Middleware(app, _Everywhere(policy), websockets=False)

        @wraps(app)
        async def app_behind_cors(scope: Scope, receive: Receive, send: Send) -> None:
            await (answering if scope["type"] == "http" else app)(scope, receive, send)

        return app_behind_cors

    return decorate


def _texts(given: Texts) -> list[str]:
    entries = [given] if isinstance(given, (str, bytes)) else given or ()
    return [entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry for entry in entries if entry]


async def _check(callback: Callable[[Any], object], origin: str) -> bool:
    try:
        result = callback(_Origin(origin.encode()))
        return bool(await result if isawaitable(result) else result)
    except (TypeError, AttributeError):
        result = callback(origin)
        return bool(await result if isawaitable(result) else result)


class _Origin(bytes):
    """An origin as the original passes it, that also equals its text: Python hashes ASCII text and its bytes alike."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other.encode("utf-8", "replace") if isinstance(other, str) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other


class _Everywhere(DropIn):  # nobody's preflight, where there is no origin
    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        return (answer := self.rules.preflight(origin or "", path, "GET")) and self.actual_reply(answer)

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        return (answer := await self.rules.preflight_async(origin or "", path, "GET")) and self.actual_reply(answer)


class _Middleware(CORSMiddleware):
    _inner = property(lambda self: None, lambda self, inner: None)  # whatever is inside, the application's lines stay

    def read(self, scope: Scope) -> Asked:
        return super().read(scope)._replace(kind="actual")

    def answers_exceptions(self, scope: Scope, answer: Answer) -> bool:
        return "app" not in scope  # a framework around it has pages for exceptions
