"""The libraries: a driver for each, which does what the library's documentation tells, on its kind of application.

Adding one is adding a module and a name to `LIBRARIES`. The applications without any library are shared: crossorigin is
played on the same applications as the others.
"""

from ..library import Library
from . import aiohttp, asgi, crossorigin, django, falcon, flask, kui, litestar, quart, starlette, wsgi

LIBRARIES: tuple[Library, ...] = (
    *crossorigin.LIBRARIES,
    asgi.LIBRARY,
    aiohttp.LIBRARY,
    *kui.LIBRARIES,
    wsgi.LIBRARY,
    *starlette.LIBRARIES,
    flask.LIBRARY,
    django.LIBRARY,
    litestar.LIBRARY,
    quart.LIBRARY,
    falcon.LIBRARY,
)
