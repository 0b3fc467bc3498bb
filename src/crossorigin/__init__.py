"""crossorigin: one CORS policy, checked when it is built, enforced the same way on every Python web stack.

A `Policy` says which pages may use an API. An adapter enforces it: `crossorigin.asgi.CORSMiddleware` around any ASGI
application, `crossorigin.wsgi.CORSMiddleware` around any WSGI application. `explain` says what becomes of one request,
and `load` reads a policy file.
"""

from typing import TYPE_CHECKING, Any

from .compose import LEAVE, AnyOf, ByPath
from .decisions import Decision
from .findings import Finding, PolicyError
from .policy import Policy

if TYPE_CHECKING:
    from .explanation import explain
    from .files import PolicyFileError, load

__all__ = [
    "LEAVE",
    "AnyOf",
    "ByPath",
    "Decision",
    "Finding",
    "Policy",
    "PolicyError",
    "PolicyFileError",
    "explain",
    "load",
]


def __getattr__(name: str) -> Any:
    # An application that only enforces a policy never loads the model of the browser, or the reader of files (P5).
    if name == "explain":
        from .explanation import explain  # noqa: PLC0415

        return explain
    if name in ("PolicyFileError", "load"):
        from . import files  # noqa: PLC0415

        return getattr(files, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
