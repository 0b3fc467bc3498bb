"""What a browser checks of a response, one function for each check of the Fetch standard.

Every function is given the request's side in plain values and a response with anything in it, and raises `Blocked`, or
returns what follows from the response. None of them knows what was sent before or what comes after.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from .. import fetch
from .engines import Difference, Engine
from .messages import HTTPResponse
from .sites import same_origin, schemelessly_same_site
from .url import URL, URLError
from .verdicts import Blocked

RESOURCE_POLICY = "Cross-Origin-Resource-Policy"

# How long a preflight is kept, in seconds, where it does not say so itself (§4.8 CORS-preflight fetch).
DEFAULT_MAX_AGE = 5

_DELTA_SECONDS = re.compile(r"-?[0-9]+")

# §2.2.3 redirect status: a 300 or a 304 is none.
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


def check_cors(origin: str, include: bool, response: HTTPResponse) -> None:
    """Check that *response* is shared with *origin* (§4.10 CORS check).

    Args:
        origin: The request's origin as it was sent.
        include: Whether the request's credentials mode is ``include``.
        response: Of a preflight, a redirect or the final one.

    Raises:
        Blocked: If it is not.
    """
    allowed = response.get(fetch.ALLOW_ORIGIN)
    if allowed is None:
        raise Blocked("allow-origin-missing")
    if not include and allowed == fetch.WILDCARD:
        return
    if allowed != origin:
        raise _wrong_origin(allowed, origin, several=len(response.values(fetch.ALLOW_ORIGIN)) > 1)
    if include:
        credentials = response.get(fetch.ALLOW_CREDENTIALS)
        if credentials is None:
            raise Blocked("allow-credentials-missing")
        if credentials != "true":
            raise Blocked("allow-credentials-not-true", value=credentials)


class Allowed(NamedTuple):
    """What a preflight's response allows.

    Attributes:
        methods: As the server listed them.
        headers: Names, as the server listed them.
        max_age: For how many seconds.
    """

    methods: list[str]
    headers: list[str]
    max_age: float


def read_preflight(response: HTTPResponse, engine: Engine, default_method: str | None) -> Allowed:
    """Return what a preflight's *response* allows (§4.8 CORS-preflight fetch, steps 7.1 to 7.4).

    Args:
        response: The preflight's, which has passed the CORS check.
        engine: Whose differences apply.
        default_method: What is allowed where the server lists no methods.

    Raises:
        Blocked: If the status or a list spoils it.
    """
    if not 200 <= response.status <= 299:
        is_redirect = response.status in REDIRECT_STATUSES
        raise Blocked("preflight-redirect" if is_redirect else "preflight-status", status=response.status)
    method_lines = response.values(fetch.ALLOW_METHODS)
    header_lines = response.values(fetch.ALLOW_HEADERS)
    methods = fetch.parse_list(method_lines)
    headers = fetch.parse_list(header_lines)
    if methods is None:
        raise Blocked("allow-methods-malformed", value=", ".join(method_lines))
    if headers is None:
        raise Blocked("allow-headers-malformed", value=", ".join(header_lines))
    if not method_lines and default_method is not None:
        methods = [default_method]
    return Allowed(methods, headers, max_age(response, engine))


def check_method(method: str, allowed: Allowed, include: bool) -> None:
    """Check that a preflight *allowed* the *method* (§4.8 CORS-preflight fetch, step 7.5).

    Raises:
        Blocked: If it did not.
    """
    methods = allowed.methods
    if method in methods or method in fetch.SAFELISTED_METHODS or (not include and fetch.WILDCARD in methods):
        return
    code = "method-not-allowed"
    if fetch.WILDCARD in methods:
        code = "method-wildcard"
    elif method.upper() in map(str.upper, methods):
        code = "method-case"
    raise Blocked(code, method=method, allowed=_listed(methods))


def check_headers(unsafe_names: Sequence[str], allowed: Allowed, include: bool, engine: Engine) -> None:
    """Check that a preflight *allowed* all of *unsafe_names* (§4.8 CORS-preflight fetch, steps 7.6 and 7.7).

    Raises:
        Blocked: If one is missing.
    """
    names = {fetch.lower_name(name) for name in allowed.headers}
    any_name = fetch.WILDCARD in names and not include
    # Names that `*` does not cover come first: none of them is safelisted, so that each was asked for.
    for name in sorted(unsafe_names, key=engine.wildcard_covers):
        if name in names or (any_name and engine.wildcard_covers(name)):
            continue
        code = "header-not-allowed"
        if fetch.WILDCARD in names:
            code = "header-wildcard" if include else "authorization-wildcard"
        raise Blocked(code, header=name, allowed=_listed(allowed.headers))


def max_age(response: HTTPResponse, engine: Engine) -> float:
    """Return for how many seconds a preflight's *response* is kept.

    A negative number stands for 0: by the letter it is malformed and would mean 5 s, but the Web Platform Tests demand
    what every engine does.

    >>> max_age(HTTPResponse(204, (("Access-Control-Max-Age", "600"),)), Engine.STANDARD)
    600
    >>> max_age(HTTPResponse(204), Engine.STANDARD)
    5
    """
    text = response.get(fetch.MAX_AGE)
    if not text:
        return DEFAULT_MAX_AGE
    if not _DELTA_SECONDS.fullmatch(text):
        return 0 if Difference.UNCACHED_WITH_MALFORMED_MAX_AGE in engine.differences else DEFAULT_MAX_AGE
    # Python refuses to read thousands of digits, and nobody means that many.
    seconds = 0 if text.startswith("-") else int(text.lstrip("0")[:18] or "0")
    return seconds if engine.max_age_limit is None else min(seconds, engine.max_age_limit)


def check_resource_policy(origin: str, url: URL, response: HTTPResponse) -> None:
    """Check that an opaque *response* from *url* may go to *origin* (§3.7 cross-origin resource policy check).

    Raises:
        Blocked: If it may not.
    """
    policy = response.get(RESOURCE_POLICY)
    if policy == "same-origin" and not same_origin(origin, url.origin):
        raise Blocked("resource-policy", value=policy, scope="origin")
    if policy == "same-site":
        downgraded = url.scheme == "https" and not origin.startswith("https:")
        if downgraded or not schemelessly_same_site(origin, url.origin):
            raise Blocked("resource-policy", value=policy, scope="site")


def redirect_target(url: URL, response: HTTPResponse) -> URL | None:
    """Return where *response*, a redirect from *url*, leads; ``None`` without a Location (§2.2.6 location URL).

    Raises:
        Blocked: If Location is no URL.
    """
    locations = response.values("Location")
    if not locations:
        return None
    try:
        if len(locations) > 1:
            raise URLError("several Location headers")
        return URL.parse(locations[0], url)
    except URLError:
        raise Blocked("redirect-location-malformed", value=", ".join(locations)) from None


def _wrong_origin(allowed: str, origin: str, several: bool) -> Blocked:
    if allowed == fetch.WILDCARD:
        return Blocked("allow-origin-wildcard")
    if several or "," in allowed or " " in allowed:
        return Blocked("allow-origin-several", value=allowed, origin=origin)
    if not _is_origin(allowed):
        return Blocked("allow-origin-malformed", value=allowed, origin=origin)
    return Blocked("allow-origin-other", value=allowed, origin=origin)


def _is_origin(text: str) -> bool:
    try:
        return text == "null" or URL.parse(text).origin == text
    except URLError:
        return False


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "which lists nothing"
