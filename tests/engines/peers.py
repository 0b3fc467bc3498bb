"""The peer libraries in front of the API, each configured by its documentation for one and the same policy.

A library is a function of the origin that is allowed and whether it may use credentials; it returns how its application
is asked, in process. What is allowed besides is the same for all: `METHODS`, `HEADERS` and `MAX_AGE`.
"""

import re
from collections.abc import Callable
from typing import Any

import aiohttp_cors
import flask_cors
import wsgicors
from aiohttp import web
from asgi_cors import asgi_cors
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.test import override_settings  # type: ignore[import-untyped]
from flask import Flask
from kui.asgi import HttpRoute, Kui, allow_cors
from starlette.middleware.cors import CORSMiddleware as StarletteMiddleware

import conformance.frameworks.django  # noqa: F401  which makes this process Django's
from conformance.messages import Request, Response
from conformance.stacks.aiohttp import aiohttp_api, ask_aiohttp
from conformance.stacks.asgi import asgi_api, ask_asgi
from conformance.stacks.kui import ANYWHERE, view_asgi
from conformance.stacks.wsgi import ask_wsgi, wsgi_api
from crossorigin import Policy
from crossorigin.asgi import CORSMiddleware

METHODS = ["GET", "PUT", "DELETE", "PATCH"]
HEADERS = ["Authorization", "Content-Type", "X-Request-Id"]
MAX_AGE = 600  # crossorigin's default

Ask = Callable[[Request], Response]


def with_crossorigin(origin: str, credentials: bool) -> Ask:
    """Not a peer: ours, with its default answers."""
    policy = Policy(origin, allow_methods=METHODS, allow_headers=HEADERS, allow_credentials=credentials)
    app = CORSMiddleware(asgi_api, policy)
    return lambda request: ask_asgi(app, request)


def with_starlette(origin: str, credentials: bool) -> Ask:
    app: Any = StarletteMiddleware(
        asgi_api,
        allow_origins=[origin],
        allow_methods=METHODS,
        allow_headers=HEADERS,
        allow_credentials=credentials,
        max_age=MAX_AGE,
    )
    return lambda request: ask_asgi(app, request)


def with_asgi_cors(origin: str, credentials: bool) -> Ask:
    # It knows no credentials, and makes text of max_age where ASGI wants bytes, which no server sends.
    app = asgi_cors(asgi_api, hosts=[origin], methods=METHODS, headers=HEADERS)
    return lambda request: ask_asgi(app, request)


def with_wsgicors(origin: str, credentials: bool) -> Ask:
    app = wsgicors.CORS(
        wsgi_api,
        origin=origin,
        methods=", ".join(METHODS),
        headers=", ".join(HEADERS),
        credentials="true" if credentials else "false",
        maxage=str(MAX_AGE),
    )
    return lambda request: ask_wsgi(app, request)


def with_aiohttp_cors(origin: str, credentials: bool) -> Ask:
    options = aiohttp_cors.ResourceOptions(  # type: ignore[no-untyped-call]
        allow_credentials=credentials, allow_headers=HEADERS, allow_methods=METHODS, max_age=MAX_AGE
    )
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={origin: options})
    resource = cors.add(app.router.add_resource("/items"))
    for method in METHODS:
        cors.add(resource.add_route(method, aiohttp_api))
    return lambda request: ask_aiohttp(app, request)


def with_kui(origin: str, credentials: bool) -> Ask:
    cors = allow_cors(
        allow_origins=[re.compile(re.escape(origin))],
        allow_methods=METHODS,
        allow_headers=HEADERS,
        allow_credentials=credentials,
        max_age=MAX_AGE,
    )
    app: Any = Kui(routes=[HttpRoute(ANYWHERE, view_asgi) @ cors])
    return lambda request: ask_asgi(app, request)


def with_flask_cors(origin: str, credentials: bool) -> Ask:
    app = Flask("peer")
    app.add_url_rule("/items", "items", lambda: "items", methods=METHODS)
    flask_cors.CORS(
        app,
        origins=[origin],
        methods=METHODS,
        allow_headers=HEADERS,
        supports_credentials=credentials,
        max_age=MAX_AGE,
    )
    return lambda request: ask_wsgi(app, request)


def with_django_cors_headers(origin: str, credentials: bool) -> Ask:
    settings = override_settings(
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware"],
        CORS_ALLOWED_ORIGINS=[origin],
        CORS_ALLOW_METHODS=METHODS,
        CORS_ALLOW_HEADERS=[name.lower() for name in HEADERS],
        CORS_ALLOW_CREDENTIALS=credentials,
        CORS_PREFLIGHT_MAX_AGE=MAX_AGE,
    )
    with settings:
        app = get_wsgi_application()

    def ask(request: Request) -> Response:
        with settings:
            return ask_wsgi(app, request)

    return ask


OURS = "crossorigin"
LIBRARIES: dict[str, Callable[[str, bool], Ask]] = {
    OURS: with_crossorigin,
    "Starlette": with_starlette,
    "asgi-cors": with_asgi_cors,
    "wsgicors": with_wsgicors,
    "aiohttp-cors": with_aiohttp_cors,
    "Kui": with_kui,
    "flask-cors": with_flask_cors,
    "django-cors-headers": with_django_cors_headers,
}
