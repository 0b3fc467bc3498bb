"""What went over the network, as lines for a person to read: of every exchange what the CORS protocol looks at."""

from collections.abc import Iterable, Iterator

from .. import fetch
from .messages import Exchange, Header, HTTPResponse
from .verdicts import shortened

# Of all that went over the wire, what the CORS protocol, redirects and credentials read. Compared in lower case.
_TOLD_OF_REQUEST = frozenset({"cookie", "origin"})
_TOLD_OF_RESPONSE = frozenset({"cross-origin-resource-policy", "location"})
_CORS_PREFIX = "access-control-"


def transcript(exchanges: Iterable[Exchange]) -> list[str]:
    """Return what matters to CORS in *exchanges*, a line each, with the values in one column.

    >>> from crossorigin.browser import HTTPRequest
    >>> request = HTTPRequest("GET", "https://api.example.com/", (("Origin", "https://app.example.com"),))
    >>> answered = HTTPResponse(200, (("Access-Control-Allow-Origin", "*"), ("Content-Length", "2")))
    >>> for line in transcript([Exchange(request, answered)]):
    ...     print(line)
      > GET https://api.example.com/
      > Origin:                       https://app.example.com
      < 200
      < Access-Control-Allow-Origin:  *
    """
    lines = [line for exchange in exchanges for line in _exchange(exchange)]
    width = max((len(name) for _, name, value in lines if value is not None), default=0) + 3
    return [f"  {way} " + (what if value is None else f"{what + ':':{width}}{value}") for way, what, value in lines]


def _exchange(exchange: Exchange) -> Iterator[tuple[str, str, str | None]]:
    request, response = exchange.request, exchange.response
    yield ">", f"{request.method} {shortened(request.url)}", None
    yield from ((">", *line) for line in _told(request.headers, _TOLD_OF_REQUEST))
    if isinstance(response, HTTPResponse):
        yield "<", f"{response.status}{_refusal(response)}", None
        yield from (("<", *line) for line in _told(response.headers, _TOLD_OF_RESPONSE))
    else:
        yield "<", f"nothing: {shortened(response.reason)}", None


def _refusal(response: HTTPResponse) -> str:
    """Return what a server that refuses says in plain text, as most CORS middleware does."""
    is_plain = fetch.media_type(response.get("Content-Type") or "text/plain") == "text/plain"
    said = response.body.decode("utf-8", "replace").strip() if response.status >= 400 and is_plain else ""
    return f" {shortened(said)!r}" if said else ""


def _told(headers: tuple[Header, ...], names: frozenset[str]) -> Iterator[Header]:
    for name, value in headers:
        lower = fetch.lower_name(name)
        if lower in names or lower.startswith(_CORS_PREFIX):
            # Servers write names in any case, HTTP/2 and most ASGI frameworks in lower case: one spelling reads easier.
            yield name.title() if name == lower else name, shortened(value)
