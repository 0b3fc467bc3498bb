"""Plain ASGI: the API behind `crossorigin.asgi.CORSMiddleware`, and what tells the journal for every ASGI stack."""

from collections.abc import Iterable

from ....answer import Rules
from ....asgi import ASGIApp, CORSMiddleware, Message, Receive, Scope, Send
from ....browser.messages import Header
from .. import api
from ..journal import Journal, play_of
from ..rules import PLAY


def build(rules: Rules, journal: Journal) -> ASGIApp:
    """Return the application."""
    return told(CORSMiddleware(_serve, rules), journal)


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    await _reply(send, scope["method"], api.answer(scope["path"], scope["query_string"].decode("latin-1")))


async def _reply(send: Send, method: str, reply: api.Reply) -> None:
    body = b"" if method == "HEAD" else reply.body
    headers = [*reply.wire_headers, (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def told(app: ASGIApp, journal: Journal) -> ASGIApp:
    """Return *app* for the lab's own hosts, with *journal* told of each request as soon as its response leaves."""

    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        request = _decoded(scope["headers"])

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = _decoded(message["headers"])
                journal.note(scope["method"], scope["path"], query, request, message["status"], response)
            await send(message)

        PLAY.set(play_of(query))
        hosts, origins = ([value for key, value in request if key == name] for name in ("host", "origin"))
        if api.is_own(hosts, origins):
            await app(scope, receive, send_told)
        else:
            await _reply(send, scope["method"], api.MISDIRECTED)

    return tell


def _decoded(lines: Iterable[tuple[bytes, bytes]]) -> list[Header]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines]
