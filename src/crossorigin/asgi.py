"""The ASGI adapter: one policy in front of any ASGI application.

Carries only: reads a few request headers, asks the policy, writes the answer into the response's start event. What may
pass, and what an answer says, is the policy's business. ASGI is specified at https://asgi.readthedocs.io.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .adapter import Adapter, wrapped
from .answer import Answer, Reply, Rules, preflight_reply, refusal_reply, write_wire
from .decisions import Observer

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
    the policy's headers, an unhandled exception's too (S12). WebSocket handshakes from foreign origins are refused.

    Args:
        app: The application. It gets scopes other than ``http`` and ``websocket`` untouched.
        policy: A `crossorigin.Policy`, or what is composed of policies.
        options: Those of `crossorigin.adapter.Adapter`, which also says what is raised.

    Example:
        >>> from crossorigin import Policy
        >>> async def app(scope, receive, send):
        ...     await send({"type": "http.response.start", "status": 200, "headers": []})
        ...     await send({"type": "http.response.body", "body": b"hello"})
        >>> app = CORSMiddleware(app, Policy("https://app.example.com"))
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: Rules,
        *,
        preflight_status: int = 204,
        enforce: bool = False,
        websockets: bool = True,
        observe: Observer | None = None,
    ) -> None:
        super().__init__(
            policy, preflight_status=preflight_status, enforce=enforce, websockets=websockets, observe=observe
        )
        self.app = app
        self._stands_back = any(isinstance(inner, CORSMiddleware) for inner in wrapped(app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        kind = scope["type"]
        if self._stands_back or kind not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        origin = _value(scope, b"origin")
        if kind == "websocket":
            await self._guard_websocket(scope, receive, send, origin)
            return
        if origin is not None and scope["method"] == "OPTIONS":
            method = _value(scope, b"access-control-request-method")
            if method is not None:  # S1: these three together are a preflight, and nothing else is
                await self._answer_preflight(scope, receive, send, origin, method)
                return
        await self._answer_actual(scope, receive, send, origin)

    def rules_for(self, scope: Scope, method: str) -> Rules:
        """Return the rules for a request with *method* (for a preflight, the one that it asks for)."""
        return self.policy

    async def _answer_preflight(self, scope: Scope, receive: Receive, send: Send, origin: str, method: str) -> None:
        rules, path = self.rules_for(scope, method), routed_path(scope)
        asked = _values(scope, b"access-control-request-headers")
        private = _value(scope, b"access-control-request-private-network") == "true"
        if rules.is_async:
            answer = await rules.preflight_async(origin, path, method, asked, private)
        else:
            answer = rules.preflight(origin, path, method, asked, private)
        if answer is None:
            await self.app(scope, receive, send)
            return
        self.note_preflight(rules, answer, origin, path, method, asked)
        await _send_reply(preflight_reply(answer, self.preflight_status), send)

    async def _answer_actual(self, scope: Scope, receive: Receive, send: Send, origin: str | None) -> None:
        rules, path = self.rules_for(scope, scope["method"]), routed_path(scope)
        answer = await rules.actual_async(origin, path) if rules.is_async else rules.actual(origin, path)
        if answer is None:
            await self.app(scope, receive, send)
            return
        writers: list[object] | None = scope.get(WRITERS)
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

        if origin is not None and not self._admits(scope, rules, answer, origin, path):
            await _send_reply(refusal_reply(answer), send_answered)
            return
        try:
            await self.app(scope, receive, send_answered)
        except Exception:
            if not started:
                await send_answered({"type": "http.response.start", "status": 500, "headers": _ERROR_HEADERS})
                await send_answered({"type": "http.response.body", "body": _ERROR})
            raise  # servers and error trackers still see it

    async def _guard_websocket(self, scope: Scope, receive: Receive, send: Send, origin: str | None) -> None:
        if origin is not None:  # whoever sends none is no browser
            rules, path = self.rules_for(scope, "GET"), routed_path(scope)
            answer = await rules.actual_async(origin, path) if rules.is_async else rules.actual(origin, path)
            if answer is not None and not self._admits(scope, rules, answer, origin, path):
                await _refuse_websocket(answer, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _admits(self, scope: Scope, rules: Rules, answer: Answer, origin: str, path: str) -> bool:
        return self.admits(
            "actual" if scope["type"] == "http" else "websocket",
            rules,
            answer,
            origin,
            scope.get("method", "GET"),
            path,
            scheme=scope.get("scheme", "http"),
            host=_value(scope, b"host"),
            fetch_site=_value(scope, b"sec-fetch-site"),
        )


def routed_path(scope: Scope) -> str:
    """Return the path that the application routes on: ``path`` less ``root_path`` (S19).

    >>> routed_path({"path": "/api/items", "root_path": "/api"})
    '/items'
    """
    path: str = scope["path"]
    root = scope.get("root_path", "")
    below = path.removeprefix(root)
    return below if root and below[:1] in ("", "/") else path


async def _send_reply(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _refuse_websocket(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a handshake before it is accepted: with the reason where the server can say it, else by closing."""
    if "websocket.http.response" in (scope.get("extensions") or {}):

        async def send_denial(message: Message) -> None:
            await send({**message, "type": message["type"].replace("http.", "websocket.http.", 1)})

        await _send_reply(refusal_reply(answer), send_denial)
        return
    await receive()  # ASGI, websocket: the first event is websocket.connect, and closing behind it refuses with 403
    await send({"type": "websocket.close", "code": 1008, "reason": ""})


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return the lines of the request header *name*."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _value(scope: Scope, name: bytes) -> str | None:
    """Return the request header *name*: its lines as one, joined as RFC 9110 §5.3 has it, or ``None``."""
    values = _values(scope, name)
    return ", ".join(values) if values else None
