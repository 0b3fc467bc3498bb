"""django-cors-headers, in a Django project, which is its settings: each application here carries its own.

Django has one set of settings in a process, and one set of handlers of signals. Whoever asks an application puts its
own in force for that long.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from corsheaders.signals import check_request_enabled
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # type: ignore[import-untyped]
from django.test.utils import override_settings  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]
from django.views.decorators.http import require_http_methods  # type: ignore[import-untyped]

from conformance.frameworks import django as configured
from conformance.messages import Request, Response
from conformance.stacks.wsgi import ask_wsgi

from ..library import HTTP_ONLY, NO_GUARD, NO_LOG, Library, NotOffered
from ..policies import ANY, PUBLIC_PATH, Neutral
from .routes import PATHS, POST_ONLY, answer, merged

COMMON = ["django.middleware.common.CommonMiddleware", f"{configured.__name__}.Authentication"]


def view(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The API as a view."""
    reply = answer(str(request.method), request.path)
    if len(reply.pieces) < 2:
        return HttpResponse(b"".join(reply.pieces), status=reply.status, headers=merged(reply))
    return StreamingHttpResponse(iter(reply.pieces), status=reply.status, headers=merged(reply))


urlpatterns = [
    *(path(one.removeprefix("/"), view) for one in PATHS),
    path(POST_ONLY.removeprefix("/"), require_http_methods(["POST"])(view)),
]


class Project(NamedTuple):
    """A Django project: its settings, its application, and whether it allows every origin below `PUBLIC_PATH`."""

    settings: dict[str, Any]
    app: Callable[..., Iterable[bytes]]
    public: bool = False


def serve(policy: Neutral | None) -> Project:
    """Return the project with django-cors-headers."""
    settings: dict[str, Any] = {"ROOT_URLCONF": __name__, "MIDDLEWARE": COMMON}
    if policy is not None:
        settings.update(cors_settings(policy), MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", *COMMON])
    with override_settings(**settings):
        return Project(settings, get_wsgi_application(), policy is not None and policy.public)


def cors_settings(policy: Neutral) -> dict[str, Any]:
    """Return *policy* as settings."""
    if policy.nested:
        raise NotOffered("Its README has one middleware in a project.")
    if ANY in (policy.headers, policy.exposed):
        raise NotOffered("Its README has headers by name, and no `*` for them.")
    settings: dict[str, Any] = {
        "CORS_ALLOWED_ORIGINS": list(policy.origins),
        "CORS_ALLOW_ALL_ORIGINS": policy.any_origin,
        "CORS_ALLOW_CREDENTIALS": policy.credentials,
        "CORS_ALLOW_METHODS": list(policy.methods),
        "CORS_ALLOW_HEADERS": list(policy.headers),
        "CORS_EXPOSE_HEADERS": list(policy.exposed),
    }
    if policy.subdomains_of:
        settings["CORS_ALLOWED_ORIGIN_REGEXES"] = [rf"^https://\w+\.{re.escape(policy.subdomains_of)}$"]
    return settings if policy.max_age is None else {**settings, "CORS_PREFLIGHT_MAX_AGE": policy.max_age}


def ask(project: Project, request: Request) -> Response:
    """Play *request* on *project*, with its settings in force."""
    with override_settings(**project.settings), _allowing(project.public):
        return ask_wsgi(project.app, request)


@contextmanager
def _allowing(public: bool) -> Iterator[None]:
    """Connect the signal's handler, as the README's ``handlers.py`` does, where there is a *public* path."""
    if public:
        check_request_enabled.connect(_is_public)
    try:
        yield
    finally:
        check_request_enabled.disconnect(_is_public)


def _is_public(sender: object, request: HttpRequest, **kwargs: object) -> bool:
    return bool(request.path.startswith(f"{PUBLIC_PATH}/"))


LIBRARY = Library(
    "django-cors-headers",
    ("django-cors-headers", "django"),
    "`CorsMiddleware` first in `MIDDLEWARE`, and `CORS_ALLOWED_ORIGINS` with the other settings; subdomains by the "
    "regular expression of its README, `^https://\\w+\\.example\\.com$`; a path that any origin may read by a handler "
    "of its signal `check_request_enabled`.",
    serve,
    ask,
    lacks={"S17": HTTP_ONLY, "S18": NO_GUARD, "S20": NO_LOG},
)
