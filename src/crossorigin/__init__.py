"""crossorigin: one CORS policy, checked when it is built, enforced the same way on every Python web stack.

A `Policy` says which pages may use an API. An adapter enforces it: `crossorigin.asgi.CORSMiddleware` around any ASGI
application, `crossorigin.wsgi.CORSMiddleware` around any WSGI application. `explain` says what becomes of one request.
"""

from typing import TYPE_CHECKING, Any

from .compose import LEAVE, AnyOf, ByPath
from .decisions import Decision
from .findings import Finding, PolicyError
from .policy import Policy

if TYPE_CHECKING:
    from .explanation import explain

__all__ = ["LEAVE", "AnyOf", "ByPath", "Decision", "Finding", "Policy", "PolicyError", "explain"]


def __getattr__(name: str) -> Any:
    # An application that only enforces a policy never loads the model of the browser (P5).
    if name == "explain":
        from .explanation import explain  # noqa: PLC0415

        return explain
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
