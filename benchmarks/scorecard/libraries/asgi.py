"""asgi-cors, around a plain ASGI application; and how every ASGI application here is asked."""

import asyncio
from typing import Any

import asgi_cors

from conformance.messages import Request, Response
from conformance.stacks.asgi import asgi_api, ask_asgi
from crossorigin.asgi import ASGIApp, Message, Receive, Scope, Send

from ..library import HTTP_ONLY, NO_GUARD, NO_LOG, Library, NotOffered
from ..policies import ANY, Neutral
from .routes import LOCKED, is_locked


class Lock:
    """Authentication as ASGI middleware: without ``Authorization``, the locked path is 401."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        if scope["type"] == "http" and is_locked(scope["path"], dict(scope["headers"]).get(b"authorization")):
            await send({"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": LOCKED})
            return
        await self.app(scope, receive, send)


async def _api(scope: Scope, receive: Receive, send: Send) -> None:
    async def send_lower(message: Message) -> None:
        # ASGI has header names in lower case; what a middleware makes of others is not its fault.
        lines = [(name.lower(), value) for name, value in message.get("headers", ())]
        await send({**message, "headers": lines} if lines else message)

    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    await asgi_api(scope, receive, send_lower)


APPLICATION = Lock(_api)
_CREDENTIALS = "Its README has no option for credentials."


def ask(app: ASGIApp, request: Request) -> Response:
    """Play *request* on *app* as a server that insists on bytes in headers, as the specification of ASGI does."""

    async def strict(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_bytes(message: Message) -> None:
            for name, value in message.get("headers", ()):
                if not isinstance(value, bytes):
                    raise TypeError(f"ASGI has bytes in headers, and the value of {name.decode()} is {value!r}")
            await send(message)

        await app(scope, receive, send_bytes)

    return ask_asgi(strict, request)


def open_websocket(app: ASGIApp, origin: str | None) -> Response:
    """Play a WebSocket's handshake on *app*: 101 if it is accepted, else what the refusal says, 403 by default."""
    lines = [(b"host", b"api.example.com"), *([] if origin is None else [(b"origin", origin.encode())])]
    scope: Scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": "/ws",
        "raw_path": b"/ws",
        "query_string": b"",
        "root_path": "",
        "scheme": "ws",
        "headers": lines,
        "client": ("127.0.0.1", 1),
        "server": ("api.example.com", 80),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    sent: list[Message] = []
    events: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        return events.pop() if events else {"type": "websocket.disconnect", "code": 1005}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(_call(app, scope, receive, send))
    first: dict[str, Any] = dict(sent[0]) if sent else {"type": "nothing"}
    statuses = {"websocket.accept": 101, "websocket.http.response.start": first.get("status", 0)}
    return Response(statuses.get(first["type"], 403))


async def _call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


def serve(policy: Neutral | None) -> ASGIApp:
    """Return the application behind asgi-cors."""
    if policy is None:
        return APPLICATION
    if policy.credentials:
        raise NotOffered(_CREDENTIALS)
    if policy.exposed:
        raise NotOffered("Its README has no option for exposed headers.")
    if policy.public:
        raise NotOffered("Its README has one policy for an application.")
    if ANY in (policy.methods, policy.headers):
        raise NotOffered("Its README names methods and headers, and no * for them.")
    wildcards = [f"https://*.{policy.subdomains_of}"] if policy.subdomains_of else []
    app: ASGIApp = asgi_cors.asgi_cors(
        APPLICATION,
        allow_all=policy.any_origin,
        hosts=policy.origins,
        host_wildcards=wildcards,
        headers=list(policy.headers),
        methods=list(policy.methods),
        max_age=policy.max_age,
    )
    return app


_OPTIONS = "Its README adds headers to the application's responses; a preflight is the application's own to answer."

LIBRARY = Library(
    "asgi-cors",
    ("asgi-cors",),
    "`asgi_cors(app, hosts=[...], methods=[...], headers=[...])` around a plain ASGI application.",
    serve,
    ask,
    lacks={"S2": _OPTIONS, "S17": HTTP_ONLY, "S18": NO_GUARD, "S20": NO_LOG},
    excuses={"own-mixed": _CREDENTIALS, "exception": "Its README adds headers to the application's responses."},
)
