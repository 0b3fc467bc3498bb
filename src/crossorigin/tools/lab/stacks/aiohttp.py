"""aiohttp: the API as one handler, set up with `crossorigin.aiohttp`."""

from aiohttp import web
from aiohttp.typedefs import Handler

from .... import aiohttp
from ....answer import Rules
from .. import api
from ..journal import Journal, play_of
from ..rules import PLAY


def build(rules: Rules, journal: Journal) -> web.Application:
    """Return the application."""
    app = web.Application()
    aiohttp.setup(app, rules)

    async def note(request: web.Request, response: web.StreamResponse) -> None:
        lines = list(request.headers.items())
        query = request.rel_url.raw_query_string
        journal.note(request.method, request.path, query, lines, response.status, list(response.headers.items()))

    app.middlewares.insert(0, _own)  # in front of the policy's
    app.on_response_prepare.append(note)  # behind the policy's own receiver: it sees what leaves
    app.router.add_route("*", "/{path:.*}", _handler)
    return app


@web.middleware
async def _own(request: web.Request, handler: Handler) -> web.StreamResponse:
    PLAY.set(play_of(request.rel_url.raw_query_string))
    is_own = api.is_own(request.headers.getall("Host", []), request.headers.getall("Origin", []))
    return await handler(request) if is_own else _reply(api.MISDIRECTED)


async def _handler(request: web.Request) -> web.Response:
    return _reply(api.answer(request.path, request.rel_url.raw_query_string))


def _reply(reply: api.Reply) -> web.Response:
    return web.Response(status=reply.status, headers=list(reply.headers), body=reply.body)
