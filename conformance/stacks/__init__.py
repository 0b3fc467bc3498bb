"""The stacks that situations are played on: how each serves the API behind a policy, and how it is asked in process.

Adding one is adding a line to `STACKS`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..messages import Request, Response
from .aiohttp import ask_aiohttp, serve_aiohttp
from .asgi import ask_asgi, serve_asgi
from .kui import serve_kui_asgi, serve_kui_wsgi
from .starlette import serve_fastapi, serve_starlette
from .wsgi import ask_wsgi, serve_wsgi


class Stack(NamedTuple):
    """One stack: *serve* returns an application behind a policy, *ask* plays one request on it in process."""

    name: str
    serve: Callable[..., Any]
    ask: Callable[[Any, Request], Response]


STACKS = (
    Stack("asgi", serve_asgi, ask_asgi),
    Stack("wsgi", serve_wsgi, ask_wsgi),
    Stack("starlette", serve_starlette, ask_asgi),
    Stack("fastapi", serve_fastapi, ask_asgi),
    Stack("aiohttp", serve_aiohttp, ask_aiohttp),
    Stack("kui-asgi", serve_kui_asgi, ask_asgi),
    Stack("kui-wsgi", serve_kui_wsgi, ask_wsgi),
)
