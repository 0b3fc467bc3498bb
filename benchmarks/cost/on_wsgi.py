"""The libraries of WSGI: in front of a plain application, and in Flask, Django, Falcon and Kui."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import falcon
import flask
import flask_cors
import wsgicors
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse  # type: ignore[import-untyped]
from django.test import override_settings  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]
from kui import wsgi as kui

import conformance.frameworks.django  # noqa: F401  which makes this process Django's
import crossorigin.kui

from .carrying import Wsgi
from .kinds import BODY, CONTENT_TYPE, EXPOSED, HEADERS, MAX_AGE, METHODS, PATH, policy
from .libraries import BARE, LIMIT, Group, Library
from .on_asgi import kui_options
from .plain import WsgiLimit, bare_wsgi, with_crossorigin_wsgi


def _wsgicors(origins: Sequence[str]) -> Any:
    return wsgicors.CORS(
        bare_wsgi,
        origin=" ".join(origins),
        methods=", ".join(METHODS),
        headers=", ".join(HEADERS),
        expose_headers=EXPOSED,
        credentials="true",
        maxage=str(MAX_AGE),
    )


PLAIN = Group(
    "WSGI",
    "WSGI",
    None,
    Wsgi(),
    (
        Library(BARE, lambda origins: bare_wsgi),
        Library(LIMIT, lambda origins: WsgiLimit(bare_wsgi)),
        Library("crossorigin.wsgi", lambda origins: with_crossorigin_wsgi(bare_wsgi, origins)),
        Library("wsgicors", _wsgicors, "wsgicors"),
    ),
)


def _flask() -> flask.Flask:
    app = flask.Flask("benchmark")
    app.add_url_rule(PATH, "items", lambda: flask.Response(BODY, content_type=CONTENT_TYPE))
    return app


def _flask_cors(origins: Sequence[str]) -> flask.Flask:
    app = _flask()
    flask_cors.CORS(
        app,
        origins=list(origins),
        methods=list(METHODS),
        allow_headers=list(HEADERS),
        expose_headers=[EXPOSED],
        supports_credentials=True,
        max_age=MAX_AGE,
    )
    return app


FLASK = Group(
    "Flask",
    "WSGI",
    "flask",
    Wsgi(),
    (
        Library(BARE, lambda origins: _flask()),
        Library(LIMIT, lambda origins: WsgiLimit(_flask())),
        Library("crossorigin.wsgi", lambda origins: with_crossorigin_wsgi(_flask(), origins)),
        Library("flask-cors", _flask_cors, "flask-cors"),
    ),
)


def _view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"" if request.method == "OPTIONS" else BODY, content_type=CONTENT_TYPE)


urlpatterns = [path(PATH.removeprefix("/"), _view)]


def _django(*middleware: str) -> Any:
    with override_settings(MIDDLEWARE=middleware):
        return get_wsgi_application()


def _django_settings(origins: Sequence[str]) -> AbstractContextManager[None]:
    settings: AbstractContextManager[None] = override_settings(
        ROOT_URLCONF=__name__,
        CORS_ALLOWED_ORIGINS=list(origins),
        CORS_ALLOW_METHODS=METHODS,
        CORS_ALLOW_HEADERS=[name.lower() for name in HEADERS],
        CORS_ALLOW_CREDENTIALS=True,
        CORS_EXPOSE_HEADERS=[EXPOSED],
        CORS_PREFLIGHT_MAX_AGE=MAX_AGE,
    )
    return settings


DJANGO = Group(
    "Django",
    "WSGI",
    "django",
    Wsgi(),
    (
        Library(BARE, lambda origins: _django(), during=_django_settings),
        Library(LIMIT, lambda origins: WsgiLimit(_django()), during=_django_settings),
        Library("crossorigin.wsgi", lambda origins: with_crossorigin_wsgi(_django(), origins), during=_django_settings),
        Library(
            "django-cors-headers",
            lambda origins: _django("corsheaders.middleware.CorsMiddleware"),
            "django-cors-headers",
            during=_django_settings,
        ),
    ),
)


class _Items:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.data, response.content_type = BODY, CONTENT_TYPE

    def on_put(self, request: falcon.Request, response: falcon.Response) -> None: ...

    def on_delete(self, request: falcon.Request, response: falcon.Response) -> None: ...


def _falcon(*middleware: Any) -> falcon.App[Any, Any]:
    app = falcon.App(middleware=middleware)
    app.add_route(PATH, _Items())
    return app


def _falcon_cors(origins: Sequence[str]) -> falcon.App[Any, Any]:
    return _falcon(
        falcon.CORSMiddleware(allow_origins=list(origins), allow_credentials=list(origins), expose_headers=[EXPOSED])
    )


FALCON = Group(
    "Falcon",
    "WSGI",
    "falcon",
    Wsgi(),
    (
        Library(BARE, lambda origins: _falcon()),
        Library(LIMIT, lambda origins: WsgiLimit(_falcon())),
        Library("crossorigin.wsgi", lambda origins: with_crossorigin_wsgi(_falcon(), origins)),
        Library(
            "Falcon's CORSMiddleware",
            _falcon_cors,
            "falcon",
            note="takes the methods from the route, allows every header, and sends a max_age of its own",
            lacks=("max-age",),
        ),
    ),
)


def _kui_view() -> Any:
    if kui.request.method == "OPTIONS":
        return kui.HttpResponse(200, {"content-type": CONTENT_TYPE})
    return BODY, 200, {"content-type": CONTENT_TYPE}


def _kui(*middlewares: Any) -> kui.Kui:
    return kui.Kui(routes=kui.Routes(kui.HttpRoute(PATH, _kui_view), http_middlewares=middlewares))


KUI = Group(
    "Kui (WSGI)",
    "WSGI",
    "kui",
    Wsgi(),
    (
        Library(BARE, lambda origins: _kui()),
        Library(LIMIT, lambda origins: WsgiLimit(_kui())),
        Library("crossorigin.kui.setup", lambda origins: crossorigin.kui.setup(_kui(), policy(origins))),
        Library("crossorigin.kui.cors", lambda origins: _kui(crossorigin.kui.cors(policy(origins)))),
        Library("Kui's allow_cors", lambda origins: _kui(kui.allow_cors(**kui_options(origins))), "kui"),
    ),
)

GROUPS = (PLAIN, FLASK, DJANGO, FALCON, KUI)
