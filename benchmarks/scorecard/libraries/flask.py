"""flask-cors, in a Flask application."""

import re
from typing import Any

from flask import Flask, Response, request
from flask_cors import CORS, cross_origin

from conformance.stacks.wsgi import ask_wsgi

from ..library import NO_GUARD, NO_WEBSOCKETS_ON_WSGI, Library, NotOffered
from ..policies import ANY, PUBLIC, PUBLIC_PATH, Neutral
from .routes import FEED, LOCKED, METHODS, PATHS, POST_ONLY, answer, is_locked


def application(feed: Neutral | None = None) -> Flask:
    """Return the API as a Flask application, with its lock; the public feed with the policy *feed*, if there is one."""
    app = Flask("scorecard")
    for path in PATHS:
        view = cross_origin(**arguments(feed))(_view) if feed and path == FEED else _view
        app.add_url_rule(path, path, view, methods=METHODS)
    app.add_url_rule(POST_ONLY, POST_ONLY, _view, methods=["POST"])
    app.before_request(_authenticate)
    app.logger.disabled = True  # it reports exceptions on the terminal
    return app


def _authenticate() -> Response | None:
    return Response(LOCKED, 401) if is_locked(request.path, request.authorization) else None


def _view() -> Response:
    reply = answer(request.method, request.path)
    return Response(iter(reply.pieces), reply.status, list(reply.headers))


def arguments(policy: Neutral) -> dict[str, Any]:
    """Return *policy* as the arguments of `CORS`."""
    if policy.any_origin and policy.credentials:
        raise NotOffered("Its documentation on `supports_credentials`: it cannot be used with a `*` origin.")
    if policy.exposed == ANY:
        raise NotOffered("Its documentation has no `*` for `expose_headers`.")
    given: dict[str, Any] = {
        "origins": ANY if policy.any_origin else list(policy.origins),
        "allow_headers": ANY if policy.headers == ANY else list(policy.headers),
        "supports_credentials": policy.credentials,
        "expose_headers": list(policy.exposed),
        "max_age": policy.max_age,
    }
    if policy.subdomains_of:
        given["origins"] = [rf"https://[a-z0-9-]+\.{re.escape(policy.subdomains_of)}$"]
    # Without `methods` it allows all that it knows, and it has no * for them.
    return given if policy.methods == ANY else {**given, "methods": list(policy.methods)}


def serve(policy: Neutral | None) -> Flask:
    """Return the application with flask-cors."""
    if policy is None:
        return application()
    app = application(PUBLIC if policy.nested else None)
    if policy.public and not policy.nested:
        CORS(app, resources={rf"{PUBLIC_PATH}/*": arguments(PUBLIC), r"/*": arguments(policy)})
    else:
        CORS(app, **arguments(policy))
    return app


_ROUTES = "Its documentation enables CORS on routes."

LIBRARY = Library(
    "flask-cors",
    ("flask-cors", "flask"),
    "`CORS(app, origins=[...], ...)`; subdomains by the regular expression "
    "`https://[a-z0-9-]+\\.example\\.com$`; a policy for a path by `resources`, as its "
    'README writes them: `r"/public/*"`, and a nested one by `@cross_origin(...)`.',
    serve,
    ask_wsgi,
    lacks={"S17": NO_WEBSOCKETS_ON_WSGI, "S18": NO_GUARD},
    excuses={"preflight-missing-path": _ROUTES, "preflight-slash": _ROUTES},
    logger="flask_cors",
)
