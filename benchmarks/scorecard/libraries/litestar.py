"""Litestar's own CORS, in a Litestar application."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, WebSocket, route, websocket
from litestar.config.cors import CORSConfig
from litestar.response import Stream

from ..library import HTTP_ONLY, NO_GUARD, NO_LOG, Library, NotOffered
from ..policies import ANY, Neutral
from .asgi import ask
from .routes import LOCKED, METHODS, PATHS, POST_ONLY, answer, is_locked, merged


async def _reply(request: Request[Any, Any, Any]) -> Response[Any]:
    reply = answer(request.method, request.scope["path"])
    if len(reply.pieces) < 2:
        return Response(b"".join(reply.pieces), status_code=reply.status, headers=merged(reply))

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece

    return Stream(pieces(), status_code=reply.status, headers=merged(reply))


@route(list(PATHS), http_method=list(METHODS))  # type: ignore[arg-type]
async def _view(request: Request[Any, Any, Any]) -> Response[Any]:
    return await _reply(request)


@route(POST_ONLY, http_method=["POST"])
async def _post_only(request: Request[Any, Any, Any]) -> Response[Any]:
    return await _reply(request)


@websocket("/ws")
async def _greet(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.close()


async def _authenticate(request: Request[Any, Any, Any]) -> Response[bytes] | None:
    locked = is_locked(request.scope["path"], request.headers.get("Authorization"))
    return Response(LOCKED, status_code=401) if locked else None


def serve(policy: Neutral | None) -> Litestar:
    """Return the application with its CORS."""
    return Litestar(
        [_view, _post_only, _greet],
        before_request=_authenticate,
        cors_config=None if policy is None else config(policy),
        openapi_config=None,
        logging_config=None,
    )


def config(policy: Neutral) -> CORSConfig:
    """Return *policy* as Litestar has it."""
    if policy.public:
        raise NotOffered("Its documentation has one policy for an application.")
    if policy.exposed == ANY:
        raise NotOffered("Its documentation has no `*` for `expose_headers`.")
    origins = [f"https://*.{policy.subdomains_of}"] if policy.subdomains_of else list(policy.origins)
    methods: Any = list(policy.methods)
    given: dict[str, Any] = {} if policy.max_age is None else {"max_age": policy.max_age}
    return CORSConfig(
        allow_origins=[ANY] if policy.any_origin else origins,
        allow_methods=methods,
        allow_headers=list(policy.headers),
        allow_credentials=policy.credentials,
        expose_headers=list(policy.exposed),
        **given,
    )


LIBRARY = Library(
    "litestar",
    ("litestar",),
    "`Litestar(..., cors_config=CORSConfig(allow_origins=[...], ...))`; subdomains as its documentation has them, with "
    "a `*` in the origin: `https://*.example.com`.",
    serve,
    ask,
    lacks={"S17": HTTP_ONLY, "S18": NO_GUARD, "S20": NO_LOG},
)
