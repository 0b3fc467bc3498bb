"""Where real engines differ from the standard, by name (B3).

The standard is the default. What an engine does differently is a row of `Difference` and nothing else: the algorithm
asks for the row where it applies, and the test suite shows each row with the engine that it names.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import ClassVar

from .. import fetch
from .messages import Header


class Difference(Enum):
    """What an engine does and the standard does not."""

    WILDCARD_COVERS_AUTHORIZATION = "Access-Control-Allow-Headers: * covers Authorization, too"
    UNCACHED_WITH_MALFORMED_MAX_AGE = (
        "a preflight with a malformed Access-Control-Max-Age is not kept, not even for 5 s"
    )
    UNCACHED_FOR_OPAQUE_ORIGINS = "no preflight of a page with an opaque origin, a sandboxed frame say, is kept"
    UNCACHED_FOR_TAINTED_ORIGINS = "no preflight is kept of a request whose Origin redirects made null"
    WILDCARD_UNCACHED = "a * is not kept: every request that needs it has a preflight of its own"
    WILDCARD_CACHED_LITERALLY = "a * that came for a request with credentials is kept as a mere name"
    WILDCARD_MATCHED_LITERALLY = "a kept * covers no request with credentials"
    CACHED_WILDCARD_SPARES_AUTHORIZATION = "a kept * does not cover Authorization, though a fresh one does"
    CACHED_BY_CREDENTIALS = "what was kept for a request with credentials serves no request without"
    CACHED_AS_A_WHOLE = "a kept preflight covers GET, HEAD and POST unlisted, even for what is always preflighted"
    HEAD_CACHED_WHERE_LISTED = "a kept preflight covers HEAD only where Access-Control-Allow-Methods listed it"
    CACHED_ONE_AT_A_TIME = "whatever a kept preflight does not cover makes it forgotten, before the next one is sent"
    CACHED_THOUGH_REFUSED = "what a preflight allowed is kept, though it did not allow the request it was for"
    ANY_FAILURE_CLEARS = "a blocked request makes what was kept forgotten, though it had no preflight"
    CACHED_AFTER_REDIRECT_ERROR = "what a preflight allowed is kept, though redirect='error' made the request fail"
    CACHED_AFTER_FAILURE = "what a preflight allowed is kept, though the request after it was blocked"
    EMPTY_LINES_HIDDEN = "of several lines of one header, a page does not see the empty ones"
    UNTAINTED_PREFLIGHT = "a preflight shows, and is checked for, the page's own origin, though redirects made it null"
    ORIGIN_DESPITE_REFERRER_POLICY = (
        "outside of mode 'cors', a POST shows its Origin whatever the referrer policy, until redirected"
    )
    NO_CORS_REDIRECT_HIDES_ORIGIN = (
        "outside of mode 'cors', a POST shows a null Origin once redirected to another origin"
    )
    GET_AFTER_REDIRECT_SHOWS_ORIGIN = "a GET that was a POST before a redirect within one origin shows Origin"
    DELETE_REDIRECTED_AS_GET = "a redirect to another origin turns DELETE into GET, whatever its status"
    PREFLIGHTED_AFTER_REDIRECTS = "a redirected request has a preflight if it had one before, or headers for one"
    DROPPED_HEADERS_ASKED_FOR = "a preflight after a redirect asks for headers that the redirect has dropped, too"
    HEADERS_JUDGED_JOINED = "several lines of one request header are judged as one value, in which commas join them"
    HEADERS_JUDGED_ONE_BY_ONE = (
        "a header that is set twice is asked for twice, and safelisted ones need no preflight however long together"
    )
    CLIENT_HINTS_SAFELISTED = (
        "Device-Memory, Downlink, DPR, ECT, RTT, Save-Data, Viewport-Width and Width need no preflight, if well-formed"
    )
    USER_AGENT_DROPPED = "a User-Agent that a page sets is dropped in silence"
    NO_USER_IN_REDIRECTS = "a redirect to a URL with a user name in it is blocked, even within the page's own origin"


# What a client hint says, by its name: https://wicg.github.io/client-hints-infrastructure/ and its neighbours.
_NUMBER, _WHOLE = r"[0-9]+(\.[0-9]+)?", "[0-9]+"
_CLIENT_HINTS = {
    "device-memory": _NUMBER,
    "downlink": _NUMBER,
    "dpr": _NUMBER,
    "ect": "slow-2g|2g|3g|4g",
    "rtt": _WHOLE,
    "save-data": "[Oo][Nn]",
    "viewport-width": _WHOLE,
    "width": _WHOLE,
}


@dataclass(frozen=True, eq=False)
class Engine:
    """A browser engine, as far as CORS shows it.

    Attributes:
        name: As people know it.
        differences: What it does differently from the standard.
        max_age_limit: The longest time, in seconds, that it keeps a preflight; ``None`` for no limit. The standard
            leaves it to the engine (Fetch §4.8 CORS-preflight fetch, "imposed limit on max-age").
    """

    name: str
    differences: frozenset[Difference] = frozenset()
    max_age_limit: int | None = None

    STANDARD: ClassVar["Engine"]
    CHROMIUM: ClassVar["Engine"]
    FIREFOX: ClassVar["Engine"]
    WEBKIT: ClassVar["Engine"]

    def wildcard_covers(self, name: str) -> bool:
        """Return whether ``*`` in Access-Control-Allow-Headers covers *name* (§2.2.2 CORS non-wildcard request-header).

        >>> Engine.STANDARD.wildcard_covers("x-a"), Engine.STANDARD.wildcard_covers("authorization")
        (True, False)
        """
        if Difference.WILDCARD_COVERS_AUTHORIZATION in self.differences:
            return True
        return fetch.lower_name(name) not in fetch.NON_WILDCARD_REQUEST_HEADERS

    def unsafe_names(self, headers: Iterable[Header]) -> list[str]:
        """Return the names of *headers* that a preflight must ask for (§2.2.2 CORS-unsafe request-header names).

        >>> Engine.STANDARD.unsafe_names([("DPR", "2")]), Engine.CHROMIUM.unsafe_names([("DPR", "2")])
        (['dpr'], [])
        """
        if Difference.HEADERS_JUDGED_ONE_BY_ONE in self.differences:
            return sorted(name for header in headers for name in fetch.unsafe_request_header_names([header]))
        if Difference.HEADERS_JUDGED_JOINED in self.differences:
            joined: dict[str, str] = {}
            for name, value in headers:
                lower = fetch.lower_name(name)
                joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
            headers = list(joined.items())
        if Difference.CLIENT_HINTS_SAFELISTED in self.differences:
            headers = [header for header in headers if not _is_client_hint(*header)]
        return fetch.unsafe_request_header_names(headers)

    def __repr__(self) -> str:
        return f"Engine.{self.name.upper()}"


def _is_client_hint(name: str, value: str) -> bool:
    pattern = _CLIENT_HINTS.get(fetch.lower_name(name))
    is_short = len(value) <= fetch.SAFELISTED_VALUE_SIZE
    return pattern is not None and is_short and re.fullmatch(pattern, value) is not None


Engine.STANDARD = Engine("Standard")
Engine.CHROMIUM = Engine(
    "Chromium",
    frozenset(
        {
            Difference.WILDCARD_COVERS_AUTHORIZATION,
            Difference.UNCACHED_FOR_OPAQUE_ORIGINS,
            Difference.UNCACHED_FOR_TAINTED_ORIGINS,
            Difference.WILDCARD_CACHED_LITERALLY,
            Difference.CACHED_WILDCARD_SPARES_AUTHORIZATION,
            Difference.CACHED_AS_A_WHOLE,
            Difference.CACHED_ONE_AT_A_TIME,
            Difference.CACHED_AFTER_FAILURE,
            Difference.ORIGIN_DESPITE_REFERRER_POLICY,
            Difference.NO_CORS_REDIRECT_HIDES_ORIGIN,
            Difference.HEADERS_JUDGED_JOINED,
            Difference.CLIENT_HINTS_SAFELISTED,
            Difference.USER_AGENT_DROPPED,
            Difference.NO_USER_IN_REDIRECTS,
        }
    ),
    max_age_limit=7200,
)
Engine.FIREFOX = Engine(
    "Firefox",
    frozenset(
        {
            Difference.WILDCARD_COVERS_AUTHORIZATION,
            Difference.UNCACHED_WITH_MALFORMED_MAX_AGE,
            Difference.WILDCARD_UNCACHED,
            Difference.CACHED_BY_CREDENTIALS,
            Difference.CACHED_AS_A_WHOLE,
            Difference.HEAD_CACHED_WHERE_LISTED,
            Difference.ANY_FAILURE_CLEARS,
            Difference.CACHED_AFTER_REDIRECT_ERROR,
            Difference.EMPTY_LINES_HIDDEN,
            Difference.UNTAINTED_PREFLIGHT,
            Difference.PREFLIGHTED_AFTER_REDIRECTS,
            Difference.HEADERS_JUDGED_ONE_BY_ONE,
        }
    ),
    max_age_limit=86400,
)
Engine.WEBKIT = Engine(
    "WebKit",
    frozenset(
        {
            Difference.WILDCARD_COVERS_AUTHORIZATION,
            Difference.UNCACHED_FOR_TAINTED_ORIGINS,
            Difference.WILDCARD_MATCHED_LITERALLY,
            Difference.CACHED_AS_A_WHOLE,
            Difference.CACHED_ONE_AT_A_TIME,
            Difference.CACHED_THOUGH_REFUSED,
            Difference.CACHED_AFTER_FAILURE,
            Difference.GET_AFTER_REDIRECT_SHOWS_ORIGIN,
            Difference.DELETE_REDIRECTED_AS_GET,
            Difference.PREFLIGHTED_AFTER_REDIRECTS,
            Difference.DROPPED_HEADERS_ASKED_FOR,
            Difference.HEADERS_JUDGED_JOINED,
        }
    ),
    max_age_limit=600,
)

ENGINES = MappingProxyType({engine.name.lower(): engine for engine in (Engine.CHROMIUM, Engine.FIREFOX, Engine.WEBKIT)})
