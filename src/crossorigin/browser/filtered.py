"""What of a response the page sees: the filtered responses of the Fetch standard (§2.2.6).

A response that has passed every check is filtered by how it was fetched: of the page's own origin nothing but cookies
is held back, of another origin everything that is not exposed, and without CORS all of it.
"""

from dataclasses import replace

from .. import fetch
from .engines import Difference, Engine
from .messages import Header, HTTPResponse
from .verdicts import ResponseType, VisibleResponse

TIMING_ALLOW_ORIGIN = "Timing-Allow-Origin"

# §2.2.3 null body status.
_NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})


def filtered(
    response: HTTPResponse,
    kind: ResponseType,
    *,
    url: str,
    method: str,
    include: bool,
    redirected: bool,
    timing: bool,
    engine: Engine,
) -> VisibleResponse:
    """Return what the page sees of *response*.

    Args:
        response: The final one.
        kind: How it is filtered.
        url: Where it came from.
        method: Of the request that it answers.
        include: Whether the request's credentials mode is ``include``.
        redirected: Whether a redirect was followed.
        timing: Whether every server on the way let the page see how long it took.
        engine: Whose differences apply.
    """
    if kind == "opaqueredirect":
        return VisibleResponse(kind, url, 0)
    if kind == "opaque":
        return VisibleResponse(kind, "", 0, timing_allowed=timing)
    if Difference.EMPTY_LINES_HIDDEN in engine.differences:
        response = _without_empty_lines(response)
    headers = basic_headers(response) if kind == "basic" else exposed_headers(include, response)
    bodiless = method == "HEAD" or response.status in _NULL_BODY_STATUSES
    return VisibleResponse(kind, url, response.status, headers, b"" if bodiless else response.body, redirected, timing)


def exposed_headers(include: bool, response: HTTPResponse) -> tuple[Header, ...]:
    """Return the headers of a CORS *response* that the page sees (§4.1 Main fetch, §2.2.6 CORS filtered response)."""
    names = fetch.parse_list(response.values(fetch.EXPOSE_HEADERS)) or []
    everything = not include and fetch.WILDCARD in names
    exposed = fetch.SAFELISTED_RESPONSE_HEADERS | {fetch.lower_name(name) for name in names}
    return tuple(
        (name, value) for name, value in basic_headers(response) if everything or fetch.lower_name(name) in exposed
    )


def basic_headers(response: HTTPResponse) -> tuple[Header, ...]:
    """Return the headers of a same-origin *response* that the page sees (§2.2.6 basic filtered response)."""
    return tuple(
        (name, value.strip(" \t\r\n"))
        for name, value in response.headers
        if fetch.lower_name(name) not in fetch.FORBIDDEN_RESPONSE_HEADERS
    )


def timing_allowed(origin: str, response: HTTPResponse, basic: bool) -> bool:
    """Return whether the page sees the *response*'s timing (§4.11 TAO check).

    Args:
        origin: The request's origin as it was sent.
        response: Of a redirect or the final one.
        basic: Whether the response is of the page's own origin.

    >>> timing_allowed("null", HTTPResponse(200, (("Timing-Allow-Origin", "https://a.example, null"),)), basic=False)
    True
    """
    value = response.get(TIMING_ALLOW_ORIGIN)
    listed = [] if value is None else fetch.split_value(value)
    return fetch.WILDCARD in listed or origin in listed or basic


def _without_empty_lines(response: HTTPResponse) -> HTTPResponse:
    """Return *response* without the empty ones among several lines of one header."""
    said = {fetch.lower_name(name) for name, value in response.headers if value.strip()}
    kept = tuple(
        (name, value) for name, value in response.headers if value.strip() or fetch.lower_name(name) not in said
    )
    return replace(response, headers=kept)
