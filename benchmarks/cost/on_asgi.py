"""The libraries of ASGI: in front of a plain application, and in Starlette, Kui, Litestar and Quart."""

import re
from collections.abc import Sequence
from typing import Any

import quart
import quart_cors
from asgi_cors import asgi_cors
from kui import asgi as kui
from litestar import Litestar, route
from litestar import Request as LitestarRequest
from litestar import Response as LitestarResponse
from litestar.config.cors import CORSConfig
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware as StarletteMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route

import crossorigin.kui
import crossorigin.starlette

from .carrying import Asgi
from .kinds import BODY, CONTENT_TYPE, EXPOSED, HEADERS, MAX_AGE, METHODS, PATH, policy
from .libraries import BARE, LIMIT, Group, Library
from .plain import AsgiLimit, bare_asgi, with_crossorigin_asgi

ALL_METHODS = ["GET", "OPTIONS", *METHODS]


def _starlette_options(origins: Sequence[str]) -> dict[str, Any]:
    return {
        "allow_origins": origins,
        "allow_methods": METHODS,
        "allow_headers": HEADERS,
        "allow_credentials": True,
        "expose_headers": [EXPOSED],
        "max_age": MAX_AGE,
    }


PLAIN = Group(
    "ASGI",
    "ASGI",
    None,
    Asgi(),
    (
        Library(BARE, lambda origins: bare_asgi),
        Library(LIMIT, lambda origins: AsgiLimit(bare_asgi)),
        Library("crossorigin.asgi", lambda origins: with_crossorigin_asgi(bare_asgi, origins)),
        Library(
            "Starlette's CORSMiddleware",
            lambda origins: StarletteMiddleware(bare_asgi, **_starlette_options(origins)),
            "starlette",
        ),
        Library(
            "asgi-cors",
            lambda origins: asgi_cors(bare_asgi, hosts=origins, methods=METHODS, headers=HEADERS),
            "asgi-cors",
            preflights=False,
            note="knows no credentials and no exposed headers; max_age is left out, since servers refuse what it sends",
            lacks=("allow-credentials", "expose-headers", "max-age"),
        ),
    ),
)


def _starlette(*middleware: Middleware) -> Starlette:
    async def items(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse(b"" if request.method == "OPTIONS" else BODY, media_type=CONTENT_TYPE)

    return Starlette(routes=[Route(PATH, items, methods=ALL_METHODS)], middleware=middleware)


def _starlette_set_up(origins: Sequence[str]) -> Starlette:
    app = _starlette()
    crossorigin.starlette.setup(app, policy(origins))
    return app


STARLETTE = Group(
    "Starlette",
    "ASGI",
    "starlette",
    Asgi(),
    (
        Library(BARE, lambda origins: _starlette()),
        Library(LIMIT, lambda origins: AsgiLimit(_starlette())),
        Library("crossorigin.starlette.setup", _starlette_set_up),
        Library("crossorigin.asgi", lambda origins: with_crossorigin_asgi(_starlette(), origins)),
        Library(
            "Starlette's CORSMiddleware",
            lambda origins: _starlette(Middleware(StarletteMiddleware, **_starlette_options(origins))),
            "starlette",
        ),
    ),
)


async def _kui_view() -> Any:
    return (
        kui.HttpResponse(200, {"content-type": CONTENT_TYPE})
        if kui.request.method == "OPTIONS"
        else (BODY, 200, {"content-type": CONTENT_TYPE})
    )


def _kui(*middlewares: Any) -> kui.Kui:
    return kui.Kui(routes=kui.Routes(kui.HttpRoute(PATH, _kui_view), http_middlewares=middlewares))


def kui_options(origins: Sequence[str]) -> dict[str, Any]:
    """Return what Kui is told, on either side."""
    return {
        "allow_origins": [re.compile(re.escape(origin)) for origin in origins],
        "allow_methods": METHODS,
        "allow_headers": HEADERS,
        "allow_credentials": True,
        "expose_headers": [EXPOSED],
        "max_age": MAX_AGE,
    }


KUI = Group(
    "Kui (ASGI)",
    "ASGI",
    "kui",
    Asgi(),
    (
        Library(BARE, lambda origins: _kui()),
        Library(LIMIT, lambda origins: AsgiLimit(_kui())),
        Library("crossorigin.kui.setup", lambda origins: crossorigin.kui.setup(_kui(), policy(origins))),
        Library("crossorigin.kui.cors", lambda origins: _kui(crossorigin.kui.cors(policy(origins)))),
        Library("Kui's allow_cors", lambda origins: _kui(kui.allow_cors(**kui_options(origins))), "kui"),
    ),
)


@route(PATH, http_method=["GET", "OPTIONS"], media_type=CONTENT_TYPE)
async def _litestar_items(request: LitestarRequest[Any, Any, Any]) -> LitestarResponse[bytes]:
    body = b"" if request.method == "OPTIONS" else BODY
    return LitestarResponse(body, status_code=200, media_type=CONTENT_TYPE)


def _litestar(cors_config: CORSConfig | None = None) -> Any:
    return Litestar([_litestar_items], cors_config=cors_config, openapi_config=None, logging_config=None)


def _litestar_cors(origins: Sequence[str]) -> CORSConfig:
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["PUT", "DELETE"],
        allow_headers=list(HEADERS),
        allow_credentials=True,
        expose_headers=[EXPOSED],
        max_age=MAX_AGE,
    )


LITESTAR = Group(
    "Litestar",
    "ASGI",
    "litestar",
    Asgi(),
    (
        Library(BARE, lambda origins: _litestar()),
        Library(LIMIT, lambda origins: AsgiLimit(_litestar())),
        Library("crossorigin.asgi", lambda origins: with_crossorigin_asgi(_litestar(), origins)),
        Library("Litestar's CORSConfig", lambda origins: _litestar(_litestar_cors(origins)), "litestar"),
    ),
)


def _quart() -> quart.Quart:
    app = quart.Quart("benchmark")

    @app.route(PATH)
    async def items() -> quart.Response:
        return quart.Response(BODY, content_type=CONTENT_TYPE)

    return app


def _quart_cors(origins: Sequence[str]) -> quart.Quart:
    return quart_cors.cors(
        _quart(),
        allow_origin=list(origins),
        allow_methods=METHODS,
        allow_headers=HEADERS,
        allow_credentials=True,
        expose_headers=[EXPOSED],
        max_age=MAX_AGE,
    )


QUART = Group(
    "Quart",
    "ASGI",
    "quart",
    Asgi(),
    (
        Library(BARE, lambda origins: _quart()),
        Library(LIMIT, lambda origins: AsgiLimit(_quart())),
        Library("crossorigin.asgi", lambda origins: with_crossorigin_asgi(_quart(), origins)),
        Library("quart-cors", _quart_cors, "quart-cors"),
    ),
)

GROUPS = (PLAIN, STARLETTE, KUI, LITESTAR, QUART)
