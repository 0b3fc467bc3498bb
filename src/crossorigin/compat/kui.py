"""Kui's ``allow_cors``, as of Kui 1.15, for `kui.asgi` and `kui.wsgi`: its compiled patterns become a policy.

`crossorigin.kui.cors` enforces it, wherever the original goes, and in the place of ``cors_config``.
"""

import re
from collections.abc import Callable, Iterable

from ..kui import View, cors
from . import DropIn, translated

__all__ = ["allow_cors"]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
# Expressions that match one text alone: https://app\.example\.com
_TEXT = re.compile(r"\^?((?:[\w:/-]|\\[].:/[-])*)(?:\$|\\Z)?")


def allow_cors(
    allow_origins: Iterable[re.Pattern[str]] = (re.compile(".*"),),
    allow_methods: Iterable[str] = _METHODS,
    allow_headers: Iterable[str] = (),
    expose_headers: Iterable[str] = (),
    allow_credentials: bool = False,
    max_age: int = 600,
) -> Callable[[View], View]:
    r"""Return Kui's middleware, argument for argument: for routes, groups of routes and applications of both sides.

    Raises:
        TypeError: If *allow_origins* holds anything but compiled patterns over text.

    Example:
        >>> from kui.asgi import HttpRoute
        >>> async def feed(): ...
        >>> route = HttpRoute("/feed", feed) @ allow_cors([re.compile(r"https://app\.example\.com")])
    """
    given = (allow_methods, allow_headers, expose_headers)
    methods, headers, exposed = ([names] if isinstance(names, str) else list(names) for names in given)
    policy = translated(
        "crossorigin.compat.kui.allow_cors",
        allow_origins=[_origin(pattern) for pattern in allow_origins],
        allow_methods=[name for name in methods if name != "TRACE"],  # a default that no page can send
        allow_headers=sorted({"Accept", "Accept-Language", "Content-Language", "Content-Type", *headers}),
        expose_headers=exposed,
        allow_credentials=bool(allow_credentials),
        max_age=max_age,
    )
    return cors(DropIn(policy, own_credentials=False), preflight_status=200, websockets=False)


def _origin(pattern: object) -> str | re.Pattern[str]:
    if not isinstance(pattern, re.Pattern) or not isinstance(pattern.pattern, str):
        raise TypeError(f"allow_origins holds {pattern!r}; write re.compile(re.escape('https://app.example.com'))")
    text = _TEXT.fullmatch(pattern.pattern) if pattern.flags == re.UNICODE else None
    return text[1].replace("\\", "") if text else pattern
