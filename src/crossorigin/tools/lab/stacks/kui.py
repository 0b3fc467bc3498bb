"""Kui on ASGI: the API as one view, set up with `crossorigin.kui`."""

from typing import Any

from kui import asgi

from ....answer import Rules
from ....asgi import ASGIApp
from ....kui import setup
from .. import api
from ..journal import Journal
from .asgi import told


def build(rules: Rules, journal: Journal) -> ASGIApp:
    """Return the application."""
    app = setup(asgi.Kui(routes=[asgi.HttpRoute("/{path:any}", _view)]), rules)
    return told(app, journal)


async def _view() -> Any:
    request = asgi.request
    reply = api.answer(request["path"], request["query_string"].decode("latin-1"))
    headers = {name.lower(): value for name, value in reply.headers}
    if request.method == "HEAD" or not reply.body:
        return asgi.HttpResponse(reply.status, headers)
    return reply.body, reply.status, headers  # Kui makes a response of the three
