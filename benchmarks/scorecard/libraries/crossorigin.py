"""crossorigin on each of its adapters, in the same applications as the other libraries."""

from collections.abc import Callable
from typing import Any

import kui.asgi
import kui.wsgi
from aiohttp import web
from fastapi import FastAPI
from starlette.applications import Starlette

import crossorigin.aiohttp
import crossorigin.asgi
import crossorigin.kui
import crossorigin.starlette
import crossorigin.wsgi
from conformance.messages import Request, Response
from conformance.stacks.aiohttp import ask_aiohttp
from conformance.stacks.wsgi import ask_wsgi
from crossorigin import ByPath, Policy
from crossorigin.answer import Rules

from ..library import NO_WEBSOCKETS_ON_WSGI, OURS, Library
from ..policies import ANY, PUBLIC, PUBLIC_PATH, Neutral
from . import aiohttp as on_aiohttp
from . import asgi as on_asgi
from . import kui as on_kui
from . import starlette as on_starlette
from . import wsgi as on_wsgi

DANGERS = ("any-origin-with-credentials", "null-origin")


def rules(policy: Neutral) -> Rules:
    """Return *policy* as crossorigin has it."""
    if policy.public:
        rest = Neutral(policy.says, policy.origins, credentials=policy.credentials)
        return ByPath({PUBLIC_PATH: rules(PUBLIC), "/": rules(rest)})
    patterns = [f"https://*.{policy.subdomains_of}"] if policy.subdomains_of else []
    given: dict[str, Any] = {} if policy.max_age is None else {"max_age": policy.max_age}
    return Policy(
        ANY if policy.any_origin else [*map(str, policy.origins), *patterns],
        allow_credentials=policy.credentials,
        allow_methods=policy.methods,
        allow_headers=[ANY, "Authorization"] if policy.headers == ANY else policy.headers,
        expose_headers=policy.exposed,
        dangerously_allow=DANGERS if (policy.any_origin and policy.credentials) or "null" in policy.origins else (),
        **given,
    )


def serve_asgi(policy: Neutral | None) -> crossorigin.asgi.ASGIApp:
    """Return the plain ASGI application behind crossorigin."""
    if policy is None:
        return on_asgi.APPLICATION
    return crossorigin.asgi.CORSMiddleware(on_asgi.APPLICATION, rules(policy), enforce=policy.enforce)


def serve_wsgi(policy: Neutral | None) -> on_wsgi.WSGIApp:
    """Return the plain WSGI application behind crossorigin."""
    if policy is None:
        return on_wsgi.application
    return crossorigin.wsgi.CORSMiddleware(on_wsgi.application, rules(policy), enforce=policy.enforce)


def serve_starlette(policy: Neutral | None) -> Starlette:
    """Return the Starlette application, set up with crossorigin."""
    app = on_starlette.starlette_application()
    if policy is not None:
        crossorigin.starlette.setup(app, rules(policy), enforce=policy.enforce)
    return app


def serve_fastapi(policy: Neutral | None) -> FastAPI:
    """Return the FastAPI application, set up with crossorigin."""
    app = on_starlette.fastapi_application()
    if policy is not None:
        crossorigin.starlette.setup(app, rules(policy), enforce=policy.enforce)
    return app


def serve_aiohttp(policy: Neutral | None) -> web.Application:
    """Return the aiohttp application, set up with crossorigin."""
    app = on_aiohttp.application()
    if policy is not None:
        crossorigin.aiohttp.setup(app, rules(policy), enforce=policy.enforce)
    return app


def serve_kui_asgi(policy: Neutral | None) -> kui.asgi.Kui:
    """Return the Kui application on ASGI, set up with crossorigin."""
    app = on_kui.asgi_application()
    return app if policy is None else crossorigin.kui.setup(app, rules(policy), enforce=policy.enforce)


def serve_kui_wsgi(policy: Neutral | None) -> kui.wsgi.Kui:
    """Return the Kui application on WSGI, set up with crossorigin."""
    app = on_kui.wsgi_application()
    return app if policy is None else crossorigin.kui.setup(app, rules(policy), enforce=policy.enforce)


def _library(
    name: str,
    distributions: tuple[str, ...],
    setup: str,
    serve: Callable[[Neutral | None], Any],
    ask: Callable[[Any, Request], Response],
    open_websocket: Callable[[Any, str | None], Response] | None = None,
) -> Library:
    return Library(
        f"{OURS}-{name}",
        (OURS, *distributions),
        setup,
        serve,
        ask,
        open_websocket,
        lacks={} if open_websocket else {"S17": NO_WEBSOCKETS_ON_WSGI},
        logger=OURS,
    )


_ASGI = (on_asgi.ask, on_asgi.open_websocket)
_AROUND, _SET_UP = "`CORSMiddleware(app, policy)` of `crossorigin.{}`.", "`crossorigin.{}.setup(app, policy)`."

LIBRARIES = (
    _library("asgi", (), _AROUND.format("asgi"), serve_asgi, *_ASGI),
    _library("wsgi", (), _AROUND.format("wsgi"), serve_wsgi, ask_wsgi),
    _library("starlette", ("starlette",), _SET_UP.format("starlette"), serve_starlette, *_ASGI),
    _library("fastapi", ("fastapi",), _SET_UP.format("starlette"), serve_fastapi, *_ASGI),
    _library("aiohttp", ("aiohttp",), _SET_UP.format("aiohttp"), serve_aiohttp, ask_aiohttp, on_aiohttp.open_websocket),
    _library("kui-asgi", ("kui",), _SET_UP.format("kui"), serve_kui_asgi, *_ASGI),
    _library("kui-wsgi", ("kui",), _SET_UP.format("kui"), serve_kui_wsgi, ask_wsgi),
)
