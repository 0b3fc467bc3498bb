"""The first example of aiohttp-cors' README, with nothing but the import changed.

``python examples/migrating/from_aiohttp_cors.py [PORT]`` serves it on http://127.0.0.1:8000. Ask it as the page does::

    curl -i -H "Origin: http://client.example.org" http://127.0.0.1:8000/hello

It says in a warning that a page over plain http should not get credentials. With ``https`` in `PAGE` it is silent.
"""

import sys

from aiohttp import web

from crossorigin.compat import aiohttp_cors

PAGE = "http://client.example.org"  # whose page may use it


async def handler(request: web.Request) -> web.Response:
    return web.Response(
        text="Hello!",
        headers={
            "X-Custom-Server-Header": "Custom data",
        },
    )


def make_app() -> web.Application:
    app = web.Application()

    # `aiohttp_cors.setup` returns `aiohttp_cors.CorsConfig` instance.
    # The `cors` instance will store CORS configuration for the
    # application.
    cors = aiohttp_cors.setup(app)

    # To enable CORS processing for specific route you need to add
    # that route to the CORS configuration object and specify its
    # CORS options.
    resource = cors.add(app.router.add_resource("/hello"))
    cors.add(
        resource.add_route("GET", handler),
        {
            PAGE: aiohttp_cors.ResourceOptions(
                allow_credentials=True,
                expose_headers=("X-Custom-Server-Header",),
                allow_headers=("X-Requested-With", "Content-Type"),
                max_age=3600,
            )
        },
    )
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
