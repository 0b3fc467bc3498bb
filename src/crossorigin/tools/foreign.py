"""What to change where Starlette's own CORSMiddleware, which is FastAPI's too, refuses: by its own rules, not by ours.

It compares origins as text, so that a star within one is no pattern; in a preflight it wants every method listed, GET,
HEAD and POST too; and ``*`` for methods is a fixed list. Reads the middleware; plays nothing.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

from ..origins import ANY, OriginSet
from .applications import is_of, layers

_MODULE = "starlette.middleware.cors"


def starlettes_middleware(app: object) -> Any:
    """Return Starlette's own CORSMiddleware in *app*, the outermost, or ``None``."""
    found = (layer for layer in layers(app) if is_of(layer, _MODULE, "CORSMiddleware"))
    return next(found, None) if app is not None else None


def pattern_changes(middleware: Any, origin: str) -> Iterator[str]:
    """Yield what to write instead of the entries that would be patterns in a policy of ours, and cover *origin*."""
    for entry in texts(middleware):
        if "*" in entry and entry != ANY and _covers(entry, origin):
            regex = re.escape(entry).replace(r"\*", ".+")
            yield (
                f"write allow_origin_regex={regex!r}, not {entry!r} in allow_origins: this middleware compares origins "
                f"as text, and a star within one is no pattern to it; crossorigin's Policy({entry!r}) takes it as one"
            )


def texts(middleware: Any) -> list[str]:
    """Return the origins that *middleware* was given as text."""
    given = middleware.allow_origins
    return [given] if isinstance(given, str) else [entry for entry in given if isinstance(entry, str)]


def _covers(entry: str, origin: str) -> bool:
    try:
        return origin in OriginSet([entry])
    except ValueError:  # it is none of our patterns either
        return False


def lacks_method(middleware: Any, method: str) -> bool:
    """Return whether *middleware* refuses a preflight for *method*."""
    return method not in middleware.allow_methods


def has_all_methods(middleware: Any) -> bool:
    """Return whether *middleware* was given ``*``, which stands for a fixed list there."""
    fixed = getattr(sys.modules[_MODULE], "ALL_METHODS", None)
    return fixed is not None and tuple(middleware.allow_methods) == tuple(fixed)
