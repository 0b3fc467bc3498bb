"""The examples of the migration guides, with the drop-in and with the original: one import line is the difference."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from conformance.servers import aiohttp_server, uvicorn_server, waitress_server

FOLDER = Path(__file__).parent.parent.parent / "examples" / "migrating"


class Example(NamedTuple):
    """One example.

    Attributes:
        swap: What its import line holds of the drop-in, and what stands there for the original.
        serve: What serves its application.
        path: Where a page of it is.
    """

    swap: tuple[str, str]
    serve: Callable[[Any], AbstractContextManager[str]]
    path: str


EXAMPLES = {
    "aiohttp_cors": Example(("from crossorigin.compat import", "import"), aiohttp_server, "/hello"),
    "asgi_cors": Example(("crossorigin.compat.asgi_cors", "asgi_cors"), uvicorn_server, "/"),
    "kui": Example(("crossorigin.compat.kui", "kui.asgi"), uvicorn_server, "/"),
    "starlette": Example(("crossorigin.compat.starlette", "starlette.middleware.cors"), uvicorn_server, "/"),
    "wsgicors": Example(("crossorigin.compat.wsgicors", "wsgicors"), waitress_server, "/"),
}  # fmt: skip


def script(name: str) -> Path:
    """Return the file of the example *name*: not called as the library, which it would hide from itself."""
    return FOLDER / f"from_{name}.py"


def application(name: str, *, original: bool, page: str | None = None) -> Any:
    """Return the application of the example *name*.

    Args:
        name: One of `EXAMPLES`.
        original: Whether its import line names the library that the drop-in replaces.
        page: The origin that the application allows, in place of its own ``PAGE``.
    """
    source = script(name).read_text(encoding="utf-8")
    ours, theirs = EXAMPLES[name].swap
    (line,) = (line for line in source.splitlines() if line.startswith(("from crossorigin", "import crossorigin")))
    assert ours in line
    if original:
        source = source.replace(line, line.replace(ours, theirs))
    if page is not None:
        (place,) = (line for line in source.splitlines() if line.startswith("PAGE = "))
        source = source.replace(place, f"PAGE = {page!r}")
    module = ModuleType(f"{name}_example")  # a real one: Pyramid looks its caller's module up
    sys.modules[module.__name__] = module
    exec(compile(source, f"{name}.py", "exec"), vars(module))
    return module.make_app()
