"""The README of asgi-cors as a program, with nothing but the import changed.

Run ``python examples/migrating/from_asgi_cors.py [PORT]``, and open a page of `PAGE` that fetches http://127.0.0.1:8000.
"""

import sys
from typing import Any

import uvicorn

from crossorigin.compat.asgi_cors import asgi_cors

PAGE = "https://www.example.com"


async def app(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"hello": "world"}' if scope["method"] != "HEAD" else b""})


def make_app() -> Any:
    return asgi_cors(app, hosts=[PAGE], methods=["GET", "OPTIONS"], headers=["Authorization", "content-type"])


if __name__ == "__main__":
    uvicorn.run(make_app(), host="127.0.0.1", port=int(*sys.argv[1:2] or ["8000"]))
