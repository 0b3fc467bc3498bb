"""How the model's messages and httpx's become each other, without anything being added or lost.

The model says what a browser sends. httpx adds ``Host`` and ``Content-Length``, which HTTP needs, and a browser's name
is added here, which no model needs and some servers do: the same for preflights and actual requests.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import httpx

from ..browser import HTTPRequest, HTTPResponse, NoResponse

Answer: TypeAlias = HTTPResponse | NoResponse
# Is given each exception that an application lets pass.
Report: TypeAlias = Callable[[Exception], None]
Line: TypeAlias = tuple[bytes, bytes]

USER_AGENT = "Mozilla/5.0 (compatible; crossorigin)"


def outgoing(request: HTTPRequest) -> httpx.Request:
    """Return *request* for httpx.

    Raises:
        httpx.InvalidURL: The URL is longer than httpx takes.

    >>> outgoing(HTTPRequest("patch", "https://api.example.com/", (("Accept", "*/*"),), b"{}")).headers.raw
    ... # doctest: +NORMALIZE_WHITESPACE
    [(b'Host', b'api.example.com'), (b'Accept', b'*/*'), (b'User-Agent', b'Mozilla/5.0 (compatible; crossorigin)'),
     (b'Content-Length', b'2')]
    """
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    if request.get("User-Agent") is None:  # as browsers do: Fetch §4.6 HTTP-network-or-cache fetch
        lines.append((b"User-Agent", USER_AGENT.encode()))
    sent = httpx.Request(request.method, request.url, headers=lines, content=request.body)
    sent.method = request.method  # httpx writes it in upper case, which would hide the mistake of `patch`
    return sent


def decoded(status: int, lines: Iterable[Line], body: bytes) -> Answer:
    """Return a response for the model, with the content coding undone as browsers do it.

    >>> decoded(200, [(b"ETag", b'"1"')], b"hello")
    HTTPResponse(status=200, headers=(('ETag', '"1"'),), body=b'hello')
    >>> decoded(200, [(b"Content-Encoding", b"gzip")], b"hello").reason
    'the body is not in the Content-Encoding that the response names'
    """
    response = httpx.Response(status, headers=list(lines), stream=httpx.ByteStream(body))
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    try:
        return HTTPResponse(status, headers, response.read())
    except httpx.DecodingError:
        return NoResponse("the body is not in the Content-Encoding that the response names")
