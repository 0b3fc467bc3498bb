"""Starlette's and FastAPI's ``CORSMiddleware``, as of Starlette 1.10: its arguments become a policy.

`crossorigin.starlette.CORSMiddleware` enforces it. What Starlette refuses a preflight for and a policy does not (S13)
is refused here, too, in Starlette's words.
"""

import re
from collections.abc import Collection, Sequence

from starlette.middleware.cors import ALL_METHODS, SAFELISTED_HEADERS

from .. import starlette
from ..answer import Answer
from ..asgi import ASGIApp
from ..policy import Policy
from . import DropIn, Sealed, translated

__all__ = ["ALL_METHODS", "SAFELISTED_HEADERS", "CORSMiddleware"]


class CORSMiddleware(Sealed, starlette.CORSMiddleware):
    """Starlette's middleware, argument for argument: for ``add_middleware``, ``Middleware`` and any ASGI application.

    Example:
        >>> from starlette.applications import Starlette
        >>> Starlette().add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"], allow_methods=["*"])
    """

    uncalled = "is_allowed_origin preflight_response simple_response send allow_explicit_origin"

    def __init__(
        self,
        app: ASGIApp,
        allow_origins: Collection[str] = (),
        allow_methods: Collection[str] = ("GET",),
        allow_headers: Collection[str] = (),
        allow_credentials: bool = False,
        allow_origin_regex: str | None = None,
        allow_private_network: bool = False,
        expose_headers: Collection[str] = (),
        max_age: int = 600,
    ) -> None:
        lists = (allow_origins, allow_methods, allow_headers, expose_headers)
        origins, methods, headers, exposed = (
            [names] if isinstance(names, str) else list(names or ()) for names in lists
        )
        policy = translated(
            "crossorigin.compat.starlette.CORSMiddleware",
            literal=0 if "*" in origins else len(origins),
            allow_origins=origins if allow_origin_regex is None else [*origins, re.compile(allow_origin_regex)],
            allow_methods=list(ALL_METHODS) if "*" in methods else methods,
            allow_headers=["*", "Authorization"] if "*" in headers else sorted(SAFELISTED_HEADERS | set(headers)),
            allow_credentials=bool(allow_credentials),
            allow_private_network=bool(allow_private_network),
            expose_headers=[part.strip() for name in exposed for part in name.split(",")],
            max_age=max_age,
        )
        super().__init__(app, _Starlettes(policy), preflight_status=200, websockets=False)
        self._inner = None  # a middleware directly inside has no say about preflights, as in the original


class _Starlettes(DropIn):
    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._policy = policy
        self._for_anybody = policy.replace(allow_origins="*", allow_credentials=False, dangerously_allow=())

    def preflight_reply(
        self, answer: Answer, origin: str, method: str, headers: Sequence[str], private_network: bool
    ) -> Answer:
        lacks = {
            "origin": not answer.origin_allowed,
            "method": method not in self._policy.allow_methods,  # a policy lets GET, HEAD and POST pass unlisted
            "headers": not self._for_anybody.preflight(origin, "/", "GET", headers).allowed,
            "private-network": private_network and not self._policy.allow_private_network,
        }
        if not any(lacks.values()):
            return answer._replace(text="OK")
        if answer.allowed:
            answer = answer._replace(reason="method-not-allowed" if lacks["method"] else "headers-not-allowed")
        text = f"Disallowed CORS {', '.join(name for name, is_lacking in lacks.items() if is_lacking)}"
        return answer._replace(allowed=False, status=400, text=text)
