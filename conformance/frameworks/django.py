"""Django: the API as a Django project in one module, with the middleware around its WSGI or ASGI application."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from django.conf import settings  # type: ignore[import-untyped]
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]
from django.core.handlers.asgi import ASGIRequest  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]
from django.utils.deprecation import MiddlewareMixin  # type: ignore[import-untyped]

from crossorigin import asgi, wsgi
from crossorigin.answer import Rules

from .. import api
from .routes import LOCKED, PATHS, is_locked, merged

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[f"{__name__}.Authentication"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no use here",
)


class Authentication(MiddlewareMixin):  # type: ignore[misc]
    """The lock, as a middleware of Django's, which finds it by its name."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Refuse *request*, or let it go on."""
        return (
            HttpResponse(LOCKED, status=401) if is_locked(request.path, request.headers.get("Authorization")) else None
        )


def _view(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    reply = api.answer(str(request.method), request.path)
    if len(reply.pieces) < 2:
        return HttpResponse(b"".join(reply.pieces), status=reply.status, headers=merged(reply))

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece

    body: Any = pieces() if isinstance(request, ASGIRequest) else iter(reply.pieces)
    return StreamingHttpResponse(body, status=reply.status, headers=merged(reply))


urlpatterns = [path(one.removeprefix("/"), _view) for one in PATHS]


def serve_django_wsgi(policy: Rules, **options: Any) -> Callable[..., Iterable[bytes]]:
    """Return the API as Django's WSGI application behind *policy*."""
    return wsgi.CORSMiddleware(get_wsgi_application(), policy, **options)


def serve_django_asgi(policy: Rules, **options: Any) -> asgi.ASGIApp:
    """Return the API as Django's ASGI application behind *policy*."""
    app: Any = get_asgi_application()
    return asgi.CORSMiddleware(app, policy, **options)
