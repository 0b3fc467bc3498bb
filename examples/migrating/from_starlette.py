"""FastAPI's own example of its ``CORSMiddleware``, with nothing but the import changed.

Run it with ``python examples/migrating/from_starlette.py [PORT]``. It serves on 127.0.0.1, on port 8000 if none is
given.
"""

import sys

from fastapi import FastAPI

from crossorigin.compat.starlette import CORSMiddleware

PAGE = "http://localhost:8080"


def make_app() -> FastAPI:
    app = FastAPI()

    app.add_middleware(
        CORSMiddleware,
        allow_origins=["http://localhost", PAGE],
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )

    @app.get("/")
    async def main() -> dict[str, str]:
        return {"message": "Hello World"}

    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(make_app(), host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
