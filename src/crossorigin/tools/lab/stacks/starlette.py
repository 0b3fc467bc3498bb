"""FastAPI, or Starlette where that is not installed: the API as one endpoint, set up with `crossorigin.starlette`."""

from importlib import import_module
from importlib.util import find_spec

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from .... import starlette
from ....answer import Rules
from ....asgi import ASGIApp
from .. import api
from ..journal import Journal
from .asgi import told


def build(rules: Rules, journal: Journal) -> ASGIApp:
    """Return the application."""
    app: Starlette = import_module("fastapi").FastAPI(openapi_url=None) if find_spec("fastapi") else Starlette()
    starlette.setup(app, rules)
    app.router.add_route("/{path:path}", _endpoint, methods=list(api.METHODS))
    return told(app, journal)


async def _endpoint(request: Request) -> Response:
    reply = api.answer(request.scope["path"], request.url.query)
    response = Response(reply.body, reply.status)
    response.raw_headers += reply.wire_headers
    return response
