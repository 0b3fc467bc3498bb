"""What to change where Starlette's own CORSMiddleware, which is FastAPI's too, refuses: by its own rules, not by ours.

It compares origins as text, so that a star within one is no pattern; in a preflight it wants every method listed, GET,
HEAD and POST too; and ``*`` for methods is a fixed list. Reads the middleware; plays nothing.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

from .. import fetch
from ..findings import PolicyError
from ..origins import ANY, NULL, OriginSet
from ..policy import Policy
from .applications import is_of, layers

_MODULE = "starlette.middleware.cors"


def starlettes_middleware(app: object) -> Any:
    """Return Starlette's own CORSMiddleware in *app*, the outermost, or ``None``."""
    found = (layer for layer in layers(app) if is_of(layer, _MODULE, "CORSMiddleware"))
    return next(found, None) if app is not None else None


def pattern_changes(middleware: Any, origin: str) -> Iterator[str]:
    """Yield what to write instead of the entries that would be patterns in a policy of ours, and cover *origin*."""
    for entry in texts(middleware):
        if "*" not in entry or entry == ANY or not _covers(entry, origin):
            continue
        as_text = "this middleware compares origins as text, and a star within one is no pattern to it"
        if _has_credentials(middleware) and _dangers(entry):
            yield (
                f"name {origin!r} in allow_origins instead of {entry!r}, if that page is yours: {as_text}, and as a "
                "regular expression it would let strangers act with the visitor's cookies"
            )
            continue
        known = middleware.allow_origin_regex
        before = "" if known is None else f"{known.pattern}|"  # what it lets in already
        yield (
            f"write allow_origin_regex={before + expression(entry)!r}, not {entry!r} in allow_origins: {as_text}; "
            f"crossorigin's Policy({entry!r}) takes it as one"
        )


def expression(entry: str) -> str:
    r"""Return the regular expression that matches what the pattern *entry* covers.

    >>> expression("https://*.example.com"), expression("http://localhost:*")
    ('https://[a-z0-9_.-]+\\.example\\.com', 'http://localhost(:[0-9]+)?')
    """
    scheme, _, rest = entry.partition("://")
    host = rest.removesuffix(":*")
    port = "(:[0-9]+)?" if host != rest else ""
    labels = re.escape(host).replace(r"\*", "[a-z0-9_.-]+")
    return f"{re.escape(scheme)}://{labels}{port}"


def lets_in(middleware: Any) -> Iterator[str]:
    """Yield whom *middleware*, which allows credentials, lets in besides, though hardly anybody would want that."""
    entries = [ANY] if middleware.allow_all_origins else [entry for entry in texts(middleware) if entry == NULL]
    regex = middleware.allow_origin_regex
    for entry in [*entries, *([] if regex is None else [regex])]:
        if _dangers(entry) & {"any-origin-with-credentials", "null-origin"}:
            written = f"allow_origin_regex={regex.pattern!r}" if entry is regex else f"{entry!r} in allow_origins"
            yield (
                f"pages on any website get the same, with the visitor's cookies, for the middleware has {written} "
                "beside allow_credentials=True: name the origins"
            )


def _has_credentials(middleware: Any) -> bool:
    return fetch.ALLOW_CREDENTIALS in middleware.simple_headers


def _dangers(entry: str | re.Pattern[str]) -> set[str]:
    """Return the codes of the dangers that *entry* would be in a policy of ours that allows credentials."""
    try:
        Policy([entry], allow_credentials=True)
    except PolicyError as error:
        return {found.code for found in error.findings}
    return set()


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
