"""Real frameworks over the two generic adapters: each serves the API by its own routes, installed as its users would.

A module for each holds one function that builds the application. Adding a framework is adding a module and a line to
`FRAMEWORKS`.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from crossorigin.asgi import ASGIApp, Message, Receive, Scope, Send

from ..messages import Request, Response
from ..stacks.asgi import ask_asgi
from ..stacks.wsgi import ask_wsgi
from .blacksheep import serve_blacksheep
from .bottle import serve_bottle
from .django import serve_django_asgi, serve_django_wsgi
from .falcon import serve_falcon
from .flask import serve_flask
from .litestar import serve_litestar
from .pyramid import serve_pyramid
from .quart import serve_quart


class Framework(NamedTuple):
    """One framework: *serve* returns an application behind a policy, which speaks *interface*, ASGI or WSGI.

    Where *websockets* holds, its application says ``hello`` on the WebSocket at ``/ws``.
    """

    name: str
    interface: str
    serve: Callable[..., Any]
    websockets: bool = False

    def ask(self, app: Any, request: Request) -> Response:
        """Play *request* on *app* in process."""
        return ask_wsgi(app, request) if self.interface == "wsgi" else ask_asgi(_patient(app), request)


FRAMEWORKS = (
    Framework("flask", "wsgi", serve_flask),
    Framework("django-wsgi", "wsgi", serve_django_wsgi),
    Framework("django-asgi", "asgi", serve_django_asgi),
    Framework("falcon", "wsgi", serve_falcon),
    Framework("bottle", "wsgi", serve_bottle),
    Framework("pyramid", "wsgi", serve_pyramid),
    Framework("litestar", "asgi", serve_litestar, websockets=True),
    Framework("quart", "asgi", serve_quart, websockets=True),
    Framework("blacksheep", "asgi", serve_blacksheep, websockets=True),
)


def _patient(app: ASGIApp) -> ASGIApp:
    """Return *app* before a client that goes away once it has the whole answer, as frameworks wait for it to do."""

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        requested, answered = False, asyncio.Event()

        async def receive_in_turn() -> Message:
            nonlocal requested
            if requested:
                await answered.wait()
                return {"type": "http.disconnect"}
            requested = True
            return await receive()

        async def send_on(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                answered.set()

        await app(scope, receive_in_turn, send_on)

    return patient
