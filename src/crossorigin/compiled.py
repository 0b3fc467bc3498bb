"""The header lines of every answer that a policy can give, joined when the policy is built.

CORS is treated as a compilation target: only what repeats the request's own origin or asked-for names is left to be
done per request. Owns rules S7, S8, S13 and S14; who is allowed is none of its business.
"""

from collections.abc import Sequence

from . import fetch
from .answer import Block, Header
from .fetch import WILDCARD


class Compiled:
    """The blocks of a policy's answers.

    Args:
        any_origin: Whether ``*`` is among the declared origins.
        credentials: Whether credentials are allowed.
        methods: The declared methods, in order.
        headers: The declared request headers, in order.
        exposed: The declared response headers, in order.
        max_age: In seconds; ``None`` for no line.
        private_network: Whether the private-network preflight is answered.

    Attributes:
        constant: Whether every origin gets the same answer, so that shared caches need not tell them apart (S10).
        withheld: What a response to an origin that is not allowed carries, and one to a request without ``Origin``.
    """

    def __init__(
        self,
        *,
        any_origin: bool,
        credentials: bool,
        methods: Sequence[str],
        headers: Sequence[str],
        exposed: Sequence[str],
        max_age: int | None,
        private_network: bool,
    ) -> None:
        self.constant = any_origin and not credentials
        self._credentials = credentials
        # Beside credentials browsers read `*` literally: what is asked for must be named in its place (S14).
        self._any_method = credentials and WILDCARD in methods
        self._any_header = credentials and WILDCARD in headers
        self._methods = ", ".join(_methods_sent(methods))
        self._headers = ", ".join(_headers_sent(headers))
        self._max_age = () if max_age is None else ((fetch.MAX_AGE, str(max_age)),)
        self._private_network = private_network

        vary = () if self.constant else (fetch.ORIGIN,)
        asked = {
            fetch.REQUEST_METHOD: self._any_method,
            fetch.REQUEST_HEADERS: self._any_header,
            fetch.REQUEST_PRIVATE_NETWORK: private_network,
        }
        self._preflight_vary = (*vary, *(name for name, matters in asked.items() if matters))
        self.withheld = Block(vary=vary)

        expose_all = credentials and WILDCARD in exposed
        expose = ((fetch.EXPOSE_HEADERS, ", ".join(exposed)),) if exposed and not expose_all else ()
        # S7: an opaque origin never gets credentials, though the policy allows them.
        self._actual = {null: Block((*self._opening(null), *expose), vary, expose_all) for null in (False, True)}
        self._preflights = {
            (null, private): self._preflight(null, private, self._methods, self._headers)
            for null in (False, True)
            for private in (False, True)
        }

    def actual(self, null: bool) -> Block:
        """Return what a response to an allowed origin carries; *null* if that is the opaque origin."""
        return self._actual[null]

    def preflight(self, null: bool, private_network: bool, method: str | None, names: Sequence[str] | None) -> Block:
        """Return what an allowed origin's preflight gets: everything that is allowed, not only what it asks for (S13).

        Where browsers read ``*`` literally, *method* and *names* take its place; ``None`` for what is not granted.
        """
        if not (self._any_method or self._any_header):
            return self._preflights[null, private_network]
        methods = (method or "") if self._any_method else self._methods
        headers = ", ".join(names or ()) if self._any_header else self._headers
        return self._preflight(null, private_network, methods, headers)

    def _preflight(self, null: bool, private_network: bool, methods: str, headers: str) -> Block:
        private = ((fetch.ALLOW_PRIVATE_NETWORK, "true"),) if private_network and self._private_network else ()
        lists = ((fetch.ALLOW_METHODS, methods), (fetch.ALLOW_HEADERS, headers))
        named = (line for line in lists if line[1])
        return Block((*self._opening(null), *named, *self._max_age, *private), self._preflight_vary)

    def _opening(self, null: bool) -> tuple[Header, ...]:
        if self.constant:
            return ((fetch.ALLOW_ORIGIN, WILDCARD),)
        return ((fetch.ALLOW_CREDENTIALS, "true"),) if self._credentials and not null else ()


def _methods_sent(methods: Sequence[str]) -> Sequence[str]:
    # The safelisted ones pass without being listed (§4.9); named all the same, HEAD saves Firefox a preflight.
    return [WILDCARD] if WILDCARD in methods else methods


def _headers_sent(headers: Sequence[str]) -> Sequence[str]:
    # `*` covers all but those that must be named beside it.
    named = (WILDCARD, *fetch.NON_WILDCARD_REQUEST_HEADERS)
    return [name for name in headers if name.lower() in named] if WILDCARD in headers else headers
