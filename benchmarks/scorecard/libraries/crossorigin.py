"""crossorigin on each of its adapters, in the same applications as the other libraries.

Where another policy is nested inside, the adapters that know their framework find it. The others cannot see it, and
their documentation says so.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import kui.asgi
import kui.wsgi
from aiohttp import web
from fastapi import FastAPI
from flask import Flask
from quart import Quart
from starlette.applications import Starlette
from starlette.middleware import Middleware

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

from ..library import NO_WEBSOCKETS_ON_WSGI, OURS, Library, NotOffered
from ..policies import ANY, PUBLIC, PUBLIC_PATH, Neutral
from . import aiohttp as on_aiohttp
from . import asgi as on_asgi
from . import django as on_django
from . import falcon as on_falcon
from . import flask as on_flask
from . import kui as on_kui
from . import litestar as on_litestar
from . import quart as on_quart
from . import starlette as on_starlette
from . import wsgi as on_wsgi
from .routes import FEED

StarletteApp = TypeVar("StarletteApp", bound=Starlette)
KuiApp = TypeVar("KuiApp", kui.asgi.Kui, kui.wsgi.Kui)

_NESTED = "Its documentation: around an application, it cannot see a policy inside; `ByPath` with `LEAVE` tells it."
DANGERS = ("any-origin-with-credentials", "null-origin")


def rules(policy: Neutral) -> Rules:
    """Return *policy* as crossorigin has it."""
    if policy.public:
        return ByPath({PUBLIC_PATH: rules(PUBLIC), "/": around(policy)})
    return around(policy)


def around(policy: Neutral) -> Policy:
    """Return the part of *policy* that holds elsewhere than below `PUBLIC_PATH`."""
    patterns = [f"https://*.{policy.subdomains_of}"] if policy.subdomains_of else []
    given: dict[str, Any] = {} if policy.max_age is None else {"max_age": policy.max_age}
    return Policy(
        ANY if policy.any_origin else [*policy.origins, *patterns],
        allow_credentials=policy.credentials,
        allow_methods=policy.methods,
        allow_headers=[ANY, "Authorization"] if policy.headers == ANY else policy.headers,
        expose_headers=policy.exposed,
        dangerously_allow=DANGERS if (policy.any_origin and policy.credentials) or "null" in policy.origins else (),
        **given,
    )


def asgi(app: crossorigin.asgi.ASGIApp, policy: Neutral | None) -> crossorigin.asgi.ASGIApp:
    """Return an ASGI application behind crossorigin."""
    if policy is None:
        return app
    if policy.nested:
        raise NotOffered(_NESTED)
    return crossorigin.asgi.CORSMiddleware(app, rules(policy), enforce=policy.enforce)


def wsgi(app: on_wsgi.WSGIApp, policy: Neutral | None) -> on_wsgi.WSGIApp:
    """Return a WSGI application behind crossorigin."""
    if policy is None:
        return app
    if policy.nested:
        raise NotOffered(_NESTED)
    return crossorigin.wsgi.CORSMiddleware(app, rules(policy), enforce=policy.enforce)


def serve_asgi(policy: Neutral | None) -> crossorigin.asgi.ASGIApp:
    """Return the plain ASGI application behind crossorigin."""
    return asgi(on_asgi.APPLICATION, policy)


def serve_wsgi(policy: Neutral | None) -> on_wsgi.WSGIApp:
    """Return the plain WSGI application behind crossorigin."""
    return wsgi(on_wsgi.application, policy)


def serve_starlette(policy: Neutral | None) -> Starlette:
    """Return the Starlette application, set up with crossorigin."""
    if policy is None or not policy.nested:
        app = on_starlette.starlette_application()
    else:
        inner = Middleware(crossorigin.starlette.CORSMiddleware, policy=rules(PUBLIC))
        app = on_starlette.starlette_application(on_starlette.starlette_feed(inner))
    return _set_up_starlette(app, policy)


def serve_fastapi(policy: Neutral | None) -> FastAPI:
    """Return the FastAPI application, set up with crossorigin."""
    if policy is None or not policy.nested:
        return _set_up_starlette(on_starlette.fastapi_application(), policy)
    feed = _set_up_starlette(on_starlette.fastapi_feed(), PUBLIC)
    return _set_up_starlette(on_starlette.fastapi_application(feed), policy)


def _set_up_starlette(app: StarletteApp, policy: Neutral | None) -> StarletteApp:
    if policy is not None:
        given = around(policy) if policy.nested else rules(policy)
        crossorigin.starlette.setup(app, given, enforce=policy.enforce)
    return app


def serve_aiohttp(policy: Neutral | None) -> web.Application:
    """Return the aiohttp application, set up with crossorigin."""
    app = on_aiohttp.application()
    if policy is None:
        return app
    if policy.nested:
        crossorigin.aiohttp.cors(rules(PUBLIC))(next(each for each in app.router.resources() if each.canonical == FEED))
    crossorigin.aiohttp.setup(app, around(policy) if policy.nested else rules(policy), enforce=policy.enforce)
    return app


def serve_kui_asgi(policy: Neutral | None) -> kui.asgi.Kui:
    """Return the Kui application on ASGI, set up with crossorigin."""
    return _set_up_kui(on_kui.asgi_application, policy)


def serve_kui_wsgi(policy: Neutral | None) -> kui.wsgi.Kui:
    """Return the Kui application on WSGI, set up with crossorigin."""
    return _set_up_kui(on_kui.wsgi_application, policy)


def _set_up_kui(application: Callable[..., KuiApp], policy: Neutral | None) -> KuiApp:
    if policy is None:
        return application()
    if not policy.nested:
        return crossorigin.kui.setup(application(), rules(policy), enforce=policy.enforce)
    return crossorigin.kui.setup(application(crossorigin.kui.cors(rules(PUBLIC))), around(policy))


def serve_flask(policy: Neutral | None) -> Flask:
    """Return the Flask application with crossorigin around its ``wsgi_app``."""
    app = on_flask.application()
    app.wsgi_app = wsgi(app.wsgi_app, policy)  # type: ignore[method-assign]
    return app


def serve_django(policy: Neutral | None) -> on_django.Project:
    """Return the Django project with crossorigin around its WSGI application."""
    project = on_django.serve(None)
    return project._replace(app=wsgi(project.app, policy))


def serve_litestar(policy: Neutral | None) -> crossorigin.asgi.ASGIApp:
    """Return the Litestar application behind crossorigin."""
    app: Any = on_litestar.serve(None)
    return asgi(app, policy)


def serve_quart(policy: Neutral | None) -> Quart:
    """Return the Quart application with crossorigin around its ``asgi_app``."""
    app: Any = on_quart.application()
    app.asgi_app = asgi(app.asgi_app, policy)
    quart: Quart = app
    return quart


def serve_falcon(policy: Neutral | None) -> on_wsgi.WSGIApp:
    """Return the Falcon application behind crossorigin."""
    return wsgi(on_falcon.serve(None), policy)


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
_SET_UP = "`crossorigin.{}.setup(app, policy)`."
_AROUND = "`CORSMiddleware(app, policy)` of `crossorigin.{}`."
_INSIDE = "`CORSMiddleware` of `crossorigin.{}` around `app.{}`."

LIBRARIES = (
    _library("asgi", (), _AROUND.format("asgi"), serve_asgi, *_ASGI),
    _library("wsgi", (), _AROUND.format("wsgi"), serve_wsgi, ask_wsgi),
    _library("starlette", ("starlette",), _SET_UP.format("starlette"), serve_starlette, *_ASGI),
    _library("fastapi", ("fastapi",), _SET_UP.format("starlette"), serve_fastapi, *_ASGI),
    _library("aiohttp", ("aiohttp",), _SET_UP.format("aiohttp"), serve_aiohttp, ask_aiohttp, on_aiohttp.open_websocket),
    _library("kui-asgi", ("kui",), _SET_UP.format("kui"), serve_kui_asgi, *_ASGI),
    _library("kui-wsgi", ("kui",), _SET_UP.format("kui"), serve_kui_wsgi, ask_wsgi),
    _library("flask", ("flask",), _INSIDE.format("wsgi", "wsgi_app"), serve_flask, ask_wsgi),
    _library("django", ("django",), _AROUND.format("wsgi"), serve_django, on_django.ask),
    _library("litestar", ("litestar",), _AROUND.format("asgi"), serve_litestar, *_ASGI),
    _library("quart", ("quart",), _INSIDE.format("asgi", "asgi_app"), serve_quart, *_ASGI),
    _library("falcon", ("falcon",), _AROUND.format("wsgi"), serve_falcon, ask_wsgi),
)
