"""The Pyramid example of the README of wsgicors, with nothing but the import changed.

Run ``python examples/migrating/from_wsgicors.py [PORT]``, and open a page that fetches http://127.0.0.1:8000. The
README's other example, several policies in an ini file, is ``from_wsgicors.ini``.
"""

import sys
from typing import Any

import waitress
from pyramid.config import Configurator  # type: ignore[import-untyped]
from pyramid.response import Response  # type: ignore[import-untyped]

from crossorigin.compat.wsgicors import CORS

PAGE = "*"


def hello(request: Any) -> Response:
    return Response(json_body={"hello": "world"})


def app(global_config: Any, **settings: Any) -> Any:
    """This function returns a WSGI application. It is usually called by the PasteDeploy framework."""

    def get_root(request: Any) -> dict[str, Any]:
        return {}

    config = Configurator(root_factory=get_root, settings=settings)
    config.begin()
    # whatever it takes to config your app goes here
    config.add_view(hello)
    config.end()

    return CORS(config.make_wsgi_app(), headers="*", methods="*", maxage="180", origin=PAGE)


def bare(global_config: Any, **settings: Any) -> Any:
    """This function returns what ``from_wsgicors.ini`` puts its filter in front of."""
    config = Configurator(settings=settings)
    config.add_view(hello)
    return config.make_wsgi_app()


def make_app() -> Any:
    return app({})


if __name__ == "__main__":
    waitress.serve(make_app(), host="127.0.0.1", port=int(*sys.argv[1:2] or ["8000"]))
