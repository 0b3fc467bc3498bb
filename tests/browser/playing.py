"""One request in the model, and short words for what servers answer."""

from typing import Any

from crossorigin.browser import (
    Browser,
    Engine,
    HTTPRequest,
    HTTPResponse,
    NoResponse,
    Request,
    Verdict,
    VisibleResponse,
    run,
)

PAGE = "https://app.example.com"
API = "https://api.example.com/items"
OTHER = "https://other.example"  # of another site

# Answers' header lines, as they stand on the wire.
ANY = "Access-Control-Allow-Origin: *"
OURS = f"Access-Control-Allow-Origin: {PAGE}"
NULL = "Access-Control-Allow-Origin: null"
CREDENTIALS = "Access-Control-Allow-Credentials: true"
METHODS = "Access-Control-Allow-Methods: "
HEADERS = "Access-Control-Allow-Headers: "
MAX_AGE = "Access-Control-Max-Age: "
EXPOSE = "Access-Control-Expose-Headers: "


def reply(*lines: str, status: int = 200, body: bytes = b"items") -> HTTPResponse:
    """Return a response with these header *lines*; what follows the colon and one space is kept as it is."""
    headers = (line.partition(":") for line in lines)
    return HTTPResponse(status, tuple((name, value.removeprefix(" ")) for name, _, value in headers), body)


def redirect(location: str, *lines: str, status: int = 302) -> HTTPResponse:
    return reply(f"Location: {location}", *lines, status=status)


def play(
    *answers: HTTPResponse | NoResponse,
    browser: Browser | None = None,
    origin: str = PAGE,
    partition: str | None = None,
    url: str = API,
    **words: Any,
) -> Verdict:
    """Play ``fetch(url, words)`` for a page of *origin* against a server that gives just these *answers*."""
    left = list(answers)
    fetching = (browser or Browser()).fetch(Request.of(url, **words), origin=origin, partition=partition)
    verdict = run(fetching, lambda _: left.pop(0))
    assert not left, f"the browser did not ask for {left}"
    return verdict


def requests(verdict: Verdict) -> list[HTTPRequest]:
    return [exchange.request for exchange in verdict.exchanges]


def last_sent(verdict: Verdict, name: str) -> str | None:
    """Return the header *name* of the last request."""
    return requests(verdict)[-1].get(name)


def visible(verdict: Verdict) -> VisibleResponse:
    assert verdict.response is not None, verdict.message
    return verdict.response


def names(verdict: Verdict) -> list[str]:
    """Return the names of the headers that the page sees."""
    return [name for name, _ in visible(verdict).headers]


GET: dict[str, Any] = {}
INCLUDE: dict[str, Any] = {"credentials": "include"}
PUT: dict[str, Any] = {"method": "PUT"}
X_A: dict[str, Any] = {"headers": {"X-A": "1"}}
WITH_TOKEN: dict[str, Any] = {"headers": {"Authorization": "Bearer t"}}


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fake(engine: Engine) -> Browser:
    """Return a browser for which no time passes."""
    return Browser(engine, clock=Clock())


LISTS = (METHODS + "PUT, DELETE", HEADERS + "x-a, x-b")
KEPT = (*LISTS, MAX_AGE + "600")


def asks(browser: Browser, *lines: str, origin: str = PAGE, partition: str | None = None, **words: Any) -> bool:
    """Play a fetch that is allowed, and return whether the browser sent a preflight, answered with *lines*."""
    shared = (f"Access-Control-Allow-Origin: {origin}", CREDENTIALS)

    def send(request: HTTPRequest) -> HTTPResponse:
        return reply(*shared, *(lines or KEPT), status=204) if request.is_preflight else reply(*shared)

    request = Request.of(**{"url": API, "method": "PUT", **words})
    verdict = run(browser.fetch(request, origin=origin, partition=partition), send)
    assert verdict.allowed, verdict.message
    return bool(verdict.preflights)
