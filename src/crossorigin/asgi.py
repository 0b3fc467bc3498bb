"""The ASGI adapter: one policy in front of any ASGI application.

Carries only: reads a few request headers, asks the policy, writes the answer into the response's start event. What may
pass, and what an answer says, is the policy's business. ASGI is specified at https://asgi.readthedocs.io.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .adapter import Adapter, wrapped
from .answer import Rules, preflight_reply, write_wire

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# In the scope: a list that is empty until a middleware has written its policy's headers into the response (S11).
WRITERS = "crossorigin.writers"

_ERROR = b"Internal Server Error"
_ERROR_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_ERROR)).encode("ascii")),
]


class CORSMiddleware(Adapter):
    """Enforces a policy in front of an ASGI application.

    Preflights are answered here, before routing, authentication and redirects (S2). Every other response leaves with
    the policy's headers, an unhandled exception's too (S12).

    Args:
        app: The application. It gets scopes other than ``http`` untouched.
        policy: A `crossorigin.Policy`, or whatever composes policies.
        options: See `crossorigin.adapter.Adapter`, which also says what is raised.

    Example:
        >>> from crossorigin import Policy
        >>> async def app(scope, receive, send):
        ...     await send({"type": "http.response.start", "status": 200, "headers": []})
        ...     await send({"type": "http.response.body", "body": b"hello"})
        >>> app = CORSMiddleware(app, Policy("https://app.example.com"))
    """

    def __init__(self, app: ASGIApp, policy: Rules, *, preflight_status: int = 204) -> None:
        super().__init__(policy, preflight_status=preflight_status)
        self.app = app
        self._stands_back = any(isinstance(inner, CORSMiddleware) for inner in wrapped(app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        if scope["type"] != "http" or self._stands_back:
            await self.app(scope, receive, send)
            return
        origin = _value(scope, b"origin")
        if origin is not None and scope["method"] == "OPTIONS":
            method = _value(scope, b"access-control-request-method")
            if method is not None:  # S1: these three together are a preflight, and nothing else is
                await self._answer_preflight(scope, send, origin, method)
                return
        await self._answer_actual(scope, receive, send, origin)

    async def _answer_preflight(self, scope: Scope, send: Send, origin: str, method: str) -> None:
        path = scope["path"]
        asked = _values(scope, b"access-control-request-headers")
        private = _value(scope, b"access-control-request-private-network") == "true"
        if self.policy.is_async:
            answer = await self.policy.preflight_async(origin, path, method, asked, private)
        else:
            answer = self.policy.preflight(origin, path, method, asked, private)
        self._note_preflight(answer, origin, path, method, asked)
        status, headers, body = preflight_reply(answer, self.preflight_status)
        lines = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    async def _answer_actual(self, scope: Scope, receive: Receive, send: Send, origin: str | None) -> None:
        path = scope["path"]
        if self.policy.is_async:
            answer = await self.policy.actual_async(origin, path)
        else:
            answer = self.policy.actual(origin, path)
        if origin is not None and not answer.allowed:
            scheme = scope.get("scheme", "http")
            self._note_actual(answer, origin, path, scheme, _value(scope, b"host"), _value(scope, b"sec-fetch-site"))

        writers: list[CORSMiddleware] | None = scope.get(WRITERS)
        if writers is None:
            writers = []
            scope = {**scope, WRITERS: writers}
        started = False

        async def send_answered(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if not writers:
                    writers.append(self)
                    message = {**message, "headers": write_wire(message.get("headers", ()), answer)}
            await send(message)

        try:
            await self.app(scope, receive, send_answered)
        except Exception:
            if not started:
                await send_answered({"type": "http.response.start", "status": 500, "headers": _ERROR_HEADERS})
                await send_answered({"type": "http.response.body", "body": _ERROR})
            raise  # servers and error trackers still see it


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return the lines of the request header *name*."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _value(scope: Scope, name: bytes) -> str | None:
    """Return the request header *name*: its lines as one, joined as RFC 9110 §5.3 has it, or ``None``."""
    values = _values(scope, name)
    return ", ".join(values) if values else None
