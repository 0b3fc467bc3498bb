"""The classic mistakes, each as a FastAPI application with Starlette's own CORSMiddleware, beside the mended one.

The tests run ``crossorigin explain`` on them as a user would: ``tests.tools.mistakes:missing_scheme``.
"""

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

import crossorigin.starlette
from crossorigin import Policy

APP = "https://app.example.com"


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/items")
    async def items() -> list[str]:
        return ["one", "two"]

    @app.patch("/items")
    async def change() -> list[str]:
        return ["one"]

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("the database is gone")

    return app


# The origin without its scheme: browsers always send one.
missing_scheme = application()
missing_scheme.add_middleware(CORSMiddleware, allow_origins=["app.example.com"])
missing_scheme_mended = application()
missing_scheme_mended.add_middleware(CORSMiddleware, allow_origins=[APP])

# `patch` in the page: browsers upper-case only six methods, and PATCH is none of them. The page has to change.
lower_case_patch = application()
lower_case_patch.add_middleware(CORSMiddleware, allow_origins=[APP], allow_methods=["PATCH"])

# `*` for a page that logs in with cookies.
wildcard_with_credentials = application()
wildcard_with_credentials.add_middleware(CORSMiddleware, allow_origins=["*"])
wildcard_with_credentials_mended = application()
wildcard_with_credentials_mended.add_middleware(CORSMiddleware, allow_origins=[APP], allow_credentials=True)

# A request header that nobody listed.
header_not_listed = application()
header_not_listed.add_middleware(CORSMiddleware, allow_origins=[APP])
header_not_listed_mended = application()
header_not_listed_mended.add_middleware(CORSMiddleware, allow_origins=[APP], allow_headers=["X-Api-Key"])

# A handler that raises: Starlette answers outside of the middleware, and the 500 lacks the headers.
exception_in_handler = application()
exception_in_handler.add_middleware(CORSMiddleware, allow_origins=[APP])
exception_in_handler_covered = application()
crossorigin.starlette.setup(exception_in_handler_covered, Policy(APP))

# The development server moved to another port.
another_port = application()
another_port.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000"])
another_port_mended = application()
another_port_mended.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000", "http://localhost:5173"])
