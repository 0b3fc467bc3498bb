"""Kui's own example of ``allow_cors`` on a route, with nothing but the import changed.

Run it with ``python examples/migrating/from_kui.py [PORT]``. It serves on 127.0.0.1, on port 8000 if none is given.
"""

import re
import sys

from kui.asgi import HttpRoute, Kui

from crossorigin.compat.kui import allow_cors

PAGE = "https://www.example.com"


async def data() -> dict[str, str]:
    return {"message": "Hello World"}


def make_app() -> Kui:
    app = Kui()

    cors = allow_cors(
        allow_origins=[re.compile(re.escape(PAGE))],
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization"],
        max_age=3600,
    )

    app.router <<= HttpRoute("/", data) @ cors
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(make_app(), host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000, lifespan="off")
