"""The ASGI adapter: one policy in front of any ASGI application.

Carries only: reads a few request headers, asks the policy, writes the answer into the response's start event. What may
pass, and what an answer says, is the policy's business. ASGI is specified at https://asgi.readthedocs.io.
"""

from __future__ import annotations  # else those of a function inside of another are worked out at each request

import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, MutableMapping, Sequence
from typing import Any

from .adapter import WRITTEN, Adapter, Asked, wrapped
from .answer import (
    WIRE_INITIALS,
    Answer,
    Reply,
    Rules,
    WireHeader,
    cors_wire_lines,
    error_reply,
    inner_answer,
    write_wire,
)
from .compose import NO_CORS
from .decisions import Kind, Observer
from .fetch import FETCH_SITE, HOST, REQUEST_NAMES
from .memory import Memory, Outcome, is_pure

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


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
        if hasattr(app, "wsgi_app"):
            raise TypeError(f"app is {app!r}, a WSGI application; import CORSMiddleware from crossorigin.wsgi")
        self._inner = app if isinstance(app, CORSMiddleware) else None
        # FastAPI(root_path=...) puts it into the scope by itself, behind us. Quart's root_path is a folder on the disk.
        roots = (getattr(layer, "root_path", "") for layer in wrapped(app) if hasattr(layer, "user_middleware"))
        self._root_path: str = next(filter(None, roots), "")
        is_plain = self._inner is None and not self.redefines(CORSMiddleware, "read rules_for reply quiet_until")
        self._memory: Memory[int, WireHeader] | None = Memory() if is_plain and is_pure(policy) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._guard(scope, receive, send)
            return
        memory = self._memory
        if memory is None:
            memory = self.memory_at(scope)
        outcome = None
        question: Hashable = None
        headers = scope.get("headers")
        if memory is not None and type(headers) is list:  # anything else may be there for one reading
            # The fast path (P1): what was decided when the same was asked in the very same words.
            for name, value in headers:
                if name == b"origin":
                    if question is not None or scope["method"] == "OPTIONS":
                        question = _words(scope)
                        break
                    question = value
            try:
                outcome = memory.get(question)
            except TypeError:  # words that are no bytes, and may change
                memory = None
            if outcome is not None and outcome.until is not None and outcome.until <= time.monotonic():
                outcome = None
        else:
            memory = None
        if outcome is None:
            outcome = await self._decide(scope, memory, question)
        app, answer, lines, reply = self.app, outcome.answer, outcome.lines, outcome.reply
        if reply is not None:
            if answer is None:
                await send({"type": "http.response.start", "status": reply[0], "headers": [*reply[1]]})
                await send({"type": "http.response.body", "body": reply[2]})
                return
            app = _sending(*reply)
        elif answer is None:
            await app(scope, receive, send)
            return
        written: list[tuple[WireHeader, ...]] | None = scope.get(WRITTEN)
        is_inner = written is not None
        inside = scope
        if written is None:
            inside = dict(scope)
            inside[WRITTEN] = written = []
        started = False

        # Hands on what `send` returns: to await it here would cost a coroutine for each message.
        def send_answered(message: Message) -> Awaitable[None]:
            nonlocal started
            if not started and message["type"] == "http.response.start":
                started = True
                headers = message.get("headers", ())
                if lines is not None and not written and type(headers) is list:
                    for name, _ in headers:
                        if not name or name[0] in WIRE_INITIALS:
                            break
                    else:  # there is nothing to replace or to merge with
                        headers = [*headers, *lines]
                        if is_inner:
                            written[:] = [cors_wire_lines(headers)]
                        message = dict(message)
                        message["headers"] = headers
                        return send(message)
                headers = _answered(headers, answer, written)
                if is_inner:
                    written[:] = [cors_wire_lines(headers)]
                message = {**message, "headers": headers}
            return send(message)

        try:
            await app(inside, receive, send_answered)
        except Exception:
            if not started and self.answers_exceptions(scope, answer):
                await sending(error_reply())(scope, receive, send_answered)
            raise  # servers and error trackers still see it

    async def _decide(
        self, scope: Scope, memory: Memory[int, WireHeader] | None, question: Hashable
    ) -> Outcome[int, WireHeader]:
        """Return what becomes of a request, and keep it in *memory* as what became of *question*."""
        asked = self.read(scope)
        rules = self.rules_for(scope, asked.method)
        answer = await asked.of_async(rules) if rules.is_async else asked.of(rules)
        if answer is None:
            return Outcome(None)
        reply = self.reply(rules, asked, answer)
        sent = None if reply is None else _on_the_wire(reply)
        until = self.quiet_until(asked, answer)
        if asked.kind == "preflight":
            outcome = Outcome(None, reply=sent, until=until)
        else:
            lines = None if answer.block.expose_all else tuple(write_wire((), answer))
            outcome = Outcome(answer, lines, sent, until)
        if memory is not None:
            memory.keep(question, outcome)
        return outcome

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection that is no request: a handshake goes to the application if it passes the guard (S17)."""
        if scope["type"] == "websocket":
            asked = self.read(scope)
            rules = self.rules_for(scope, asked.method)
            answer = await asked.of_async(rules)
            reply = None if answer is None else self.reply(rules, asked, answer)
            if reply is not None:
                await refuse_handshake(reply, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def memory_at(self, scope: Scope) -> Memory[int, WireHeader] | None:
        """Return what is remembered for the rules of *scope*, where there is no one memory for all requests."""
        return None

    def read(self, scope: Scope) -> Asked:
        """Return what the request of *scope* asks of the rules."""
        return read({**scope, "root_path": self._root_path} if self._root_path else scope)

    def answers_exceptions(self, scope: Scope, answer: Answer) -> bool:
        """Return whether the application's exception to a request with *answer* gets its 500 here, and not further out.

        True: whoever is around a middleware in the general case is a server, whose own 500 has no CORS headers.
        """
        return True

    def rules_for(self, scope: Scope, method: str) -> Rules:
        """Return the rules for a request with *method* (for a preflight, the one that it asks for).

        Directly around another `CORSMiddleware` they are that one's: the inner policy decides (S11).
        """
        return self.policy if self._inner is None else self._inner.rules_for(scope, method)


class Answering(CORSMiddleware):
    """Gives all responses of an application the one answer that somebody else got, and told of."""

    def __init__(self, app: ASGIApp, answer: Answer) -> None:
        super().__init__(app, NO_CORS)
        self._outcome: Outcome[int, WireHeader] = Outcome(answer)

    async def _decide(
        self, scope: Scope, memory: Memory[int, WireHeader] | None, question: Hashable
    ) -> Outcome[int, WireHeader]:
        return self._outcome


def _answered(headers: Iterable[WireHeader], answer: Answer, written: list[tuple[WireHeader, ...]]) -> list[WireHeader]:
    """Return *headers* with *answer* written into them, unless an inner adapter, by what is *written*, did that."""
    headers = list(headers)
    if written and not answer.block.keep and cors_wire_lines(headers) == written[0]:
        return write_wire(headers, inner_answer(answer)) if not written[0] else headers
    return write_wire(headers, answer)


def sending(reply: Reply) -> ASGIApp:
    """Return an application whose response is *reply*."""
    return _sending(*_on_the_wire(reply))


def _sending(status: int, headers: tuple[WireHeader, ...], body: bytes) -> ASGIApp:
    async def send_reply(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})

    return send_reply


def _on_the_wire(reply: Reply) -> tuple[int, tuple[WireHeader, ...], bytes]:
    headers = tuple((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in reply.headers)
    return reply.status, headers, reply.body


async def refuse_handshake(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a handshake before it is accepted: with *reply* where the server can say it, else by closing (S17)."""
    if "websocket.http.response" in (scope.get("extensions") or {}):

        async def send_denial(message: Message) -> None:
            await send({**message, "type": message["type"].replace("http.", "websocket.http.", 1)})

        await sending(reply)(scope, receive, send_denial)
        return
    await receive()  # ASGI, websocket: the first event is websocket.connect, and closing behind it refuses with 403
    await send({"type": "websocket.close", "code": 1008, "reason": ""})


def read(scope: Scope) -> Asked:
    """Return what the request of *scope* asks of the rules."""
    found: dict[str, list[str]] = {}
    for wire, value in scope.get("headers") or ():
        if wire in _WIRE_NAMES:
            found.setdefault(_WIRE_NAMES[wire], []).append(value.decode("latin-1"))

    def lines(name: str) -> Sequence[str]:
        return found.get(name, ())

    kind: Kind = "actual" if scope["type"] == "http" else "websocket"
    return Asked.read(kind, scope.get("method", "GET"), routed_path(scope), scope.get("scheme", "http"), lines)


_WIRE_NAMES = {name.lower().encode("ascii"): name for name in REQUEST_NAMES}
_ASKED = frozenset(wire for wire, name in _WIRE_NAMES.items() if name not in (HOST, FETCH_SITE))


def _words(scope: Scope) -> Hashable:
    """Return all that the rules look at in the request of *scope*, where that is more than one origin, or none."""
    return scope["method"], *[(name, value) for name, value in scope["headers"] if name in _ASKED]


def question_of(scope: Scope) -> Hashable:
    """Return the question that the request of *scope* asks; ``None`` where its words may change, or be gone by then.

    >>> question_of({"method": "GET", "headers": [(b"host", b"a.example"), (b"origin", b"https://app.example.com")]})
    ('GET', (b'origin', b'https://app.example.com'))
    """
    try:
        question = _words(scope) if type(scope["headers"]) is list else None
        hash(question)
    except TypeError:
        return None
    return question


def routed_path(scope: Scope) -> str:
    """Return the path that the application routes on: ``path`` less ``root_path`` (S19).

    >>> routed_path({"path": "/api/items", "root_path": "/api"})
    '/items'
    """
    path: str = scope["path"]
    root = scope.get("root_path", "")
    if not root:
        return path
    below = path.removeprefix(root)
    if below != path:
        return below if below[:1] in ("", "/") else path
    # Some frameworks cut the root path out wherever it stands: two readings, which rules by path must refuse.
    return f"/{path}" if root in path else path
