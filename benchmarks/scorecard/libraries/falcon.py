"""Falcon's own ``CORSMiddleware``, in a Falcon application."""

from typing import Any

import falcon

from conformance.stacks.wsgi import ask_wsgi

from ..library import HTTP_ONLY, NO_GUARD, NO_LOG, Library, NotOffered
from ..policies import ANY, Neutral
from .routes import PATHS, POST_ONLY, answer, is_locked


class Resource:
    """The API as a resource."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer as the API does."""
        reply = answer(req.method, req.path)
        resp.status = reply.status
        for name, value in reply.headers:
            resp.append_header(name, value)
        resp.stream = iter(reply.pieces)

    on_head = on_post = on_put = on_delete = on_get


class PostOnly:
    """A resource that takes POST alone."""

    on_post = Resource.on_get


class Authentication:
    """The lock."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Refuse the request, or let it go on."""
        if is_locked(req.path, req.auth):
            raise falcon.HTTPUnauthorized


def serve(policy: Neutral | None) -> falcon.App[Any, Any]:
    """Return the application with the middleware."""
    middleware: list[Any] = [Authentication()]
    if policy is not None:
        middleware.insert(0, falcon.CORSMiddleware(**arguments(policy)))
    app: falcon.App[Any, Any] = falcon.App(middleware=middleware)
    for path in PATHS:
        app.add_route(path, Resource())
    app.add_route(POST_ONLY, PostOnly())
    return app


def arguments(policy: Neutral) -> dict[str, Any]:
    """Return *policy* as the arguments of the middleware."""
    if policy.subdomains_of:
        raise NotOffered("Its documentation lists origins, and has no patterns for them.")
    if policy.public:
        raise NotOffered("Its documentation has one policy for all routes.")
    if policy.exposed == ANY:
        raise NotOffered("Its documentation has exposed headers by name.")
    if policy.max_age is not None:
        raise NotOffered("Its documentation has no option for the time; it is one day.")
    return {
        "allow_origins": ANY if policy.any_origin else list(policy.origins),
        "allow_credentials": ANY if policy.credentials else None,
        "expose_headers": list(policy.exposed) or None,
    }


_METHODS = "Its documentation has no option for methods: those of the resource are allowed."
_HEADERS = "Its documentation has no option for request headers: those that are asked for are allowed."
_ALLOW = "Its documentation: without the `Allow` header of a resource's OPTIONS, a preflight is denied."

LIBRARY = Library(
    "falcon",
    ("falcon",),
    "`falcon.App(middleware=[falcon.CORSMiddleware(allow_origins=[...]), ...])`, first in the list.",
    serve,
    ask_wsgi,
    lacks={"S17": HTTP_ONLY, "S18": NO_GUARD, "S20": NO_LOG},
    excuses={
        "method-undeclared": _METHODS,
        "header-undeclared": _HEADERS,
        "preflight-missing-path": _ALLOW,
        "preflight-slash": _ALLOW,
    },
)
