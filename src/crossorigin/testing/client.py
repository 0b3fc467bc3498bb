"""The clients: a page on an origin, in a browser of its own, that fetches from one application or server.

Owns what a test may say and how misuse is explained. What a browser makes of it is `crossorigin.browser`'s business,
and what carries it `transports`'.
"""

import json
import ssl
from collections.abc import Iterable, Mapping
from logging import getLogger
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from .. import fetch
from ..browser import URL, Browser, Engine, Fetching, Request, RequestError, URLError, Verdict, run, run_async
from ..browser.messages import Header
from ..browser.request import Credentials, Mode, Redirect, ReferrerPolicy
from ..browser.url import DEFAULT_PORTS
from .applications import ToASGI, is_at, nothing_at
from .responses import Response, outcome
from .transports import AsyncTransport, InLoop, InThread, Transport, transport_to

_logger = getLogger("crossorigin.testing")

# The page's own site, so that cookies with SameSite=Lax, the default, work between the two.
DEFAULT_ORIGIN = "https://app.example.com"
DEFAULT_BASE_URL = "https://api.example.com"

# What to write where somebody tries to set what browsers do not let a page set.
_INSTEAD = {
    "cookie": "write credentials='include', and the browser's own cookies are sent",
    "host": "give the client a base_url",
    "origin": "give the client the page's origin",
    "referer": "the browser writes it, as referrer_policy says",
}


class FetchOptions(TypedDict, total=False):
    """What a page may say in ``fetch(url, {...})``, under the same names.

    Attributes:
        method: In any case. Browsers upper-case only DELETE, GET, HEAD, OPTIONS, POST and PUT.
        headers: Names and values. A list of pairs keeps duplicates apart.
        body: Text is sent as UTF-8, and as ``text/plain`` where no header says otherwise.
        json: Is sent as ``body: JSON.stringify(...)`` with ``Content-Type: application/json``, unless a header names
            another type.
        mode: ``"cors"``, ``"no-cors"`` or ``"same-origin"``.
        credentials: ``"omit"``, ``"same-origin"`` or ``"include"``.
        redirect: ``"follow"``, ``"error"`` or ``"manual"``.
        referrer_policy: As in the ``Referrer-Policy`` header.
        streaming: Whether the body counts as a stream, which makes a preflight necessary.
        upload_listener: Whether the page listens to the upload's progress, which does the same.
    """

    method: str
    headers: Mapping[str, str] | Iterable[Header]
    body: str | bytes | None
    json: object
    mode: Mode
    credentials: Credentials
    redirect: Redirect
    referrer_policy: ReferrerPolicy
    streaming: bool
    upload_listener: bool


class _Page:
    """What both clients are: an origin, a browser and where relative URLs lead."""

    def __init__(self, app_or_url: object, origin: str, base_url: str | None, engine: Engine) -> None:
        self.origin = page_origin(origin)
        self.browser = Browser(engine)
        if isinstance(app_or_url, str) and base_url is not None:
            raise TypeError("base_url says where an application is to be found; the URL of a server says it by itself")
        self._in_process = not isinstance(app_or_url, str)
        self.base = _base(app_or_url if isinstance(app_or_url, str) else base_url or DEFAULT_BASE_URL)

    def set_cookie(self, line: str) -> None:
        """Let the browser have a cookie, as if somebody had visited the API itself and it had set it.

        Args:
            line: A whole ``Set-Cookie``: ``"session=1; Secure; SameSite=None"``. Without ``SameSite=None``, pages of
                another site do not send it.
        """
        self.browser.cookies.store(self.base.origin, self.base, [("Set-Cookie", line)])

    def clear(self) -> None:
        """Forget all cookies and all preflights, as in a browser that was never used."""
        self.browser.cookies.clear()
        self.browser.preflights.clear()

    def _fetching(self, url: str, options: FetchOptions) -> Fetching:
        request = self._request(url, **options)
        if self._in_process and not is_at(request.url, self.base):
            raise RequestError(nothing_at(request.url, self.base))
        return self.browser.fetch(request, origin=self.origin)

    def _request(self, url: str, *, json: object = None, **options: Any) -> Request:
        if json is not None:
            if options.get("body") is not None:
                raise RequestError("a request has one body: give either body or json")
            options |= _stringified(json, options.get("headers") or ())
        request = Request.of(url, base=str(self.base), **options)
        for name, _ in request.dropped:
            raise RequestError(_dropped(name, request))
        return request


class BrowserClient(_Page):
    """A page that fetches, for tests: what its script would get, or why it would get nothing.

    The preflight cache and the cookies last as long as the client, as in a browser. In a ``with`` statement it runs an
    ASGI application's lifespan, in the same event loop as all requests; without one it works too, without a lifespan.

    Args:
        app_or_url: An ASGI or a WSGI application, called in this process, or the URL of a server.
        origin: The page's; ``"null"`` for that of a sandboxed frame.
        base_url: Where an application is to be found, and what relative URLs are relative to:
            ``https://api.example.com`` unless you say otherwise. On the page's own origin nothing is cross-origin.
        engine: Whose differences from the standard apply: ``Engine.CHROMIUM``, say.
        timeout: How many seconds a server may take; ``None`` for any number.
        verify: Whether a server's certificate is checked, or the context to check it with.

    Raises:
        TypeError: If *app_or_url* is nothing that can be called or reached.
        ValueError: If *origin* is not what a browser sends, or a URL is none.

    >>> from crossorigin import Policy
    >>> from crossorigin.wsgi import CORSMiddleware
    >>> def app(environ, start_response):
    ...     start_response("200 OK", [("Content-Type", "text/plain"), ("X-Total", "1")])
    ...     return [b"hello"]
    >>> client = BrowserClient(CORSMiddleware(app, Policy("https://app.example.com", allow_methods=["PUT"])))
    >>> response = client.fetch("/items", method="PUT")
    >>> response.status, response.text, response.headers.get("X-Total"), len(response.verdict.preflights)
    (200, 'hello', None, 1)
    >>> client.verdict("/items", method="DELETE").code
    'method-not-allowed'
    """

    def __init__(
        self,
        app_or_url: object,
        origin: str = DEFAULT_ORIGIN,
        *,
        base_url: str | None = None,
        engine: Engine = Engine.STANDARD,
        timeout: float | None = 30,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        super().__init__(app_or_url, origin, base_url, engine)
        transport = transport_to(app_or_url, self.base, timeout, verify)
        self._transport: Transport = InLoop(transport) if isinstance(transport, ToASGI) else transport

    def fetch(self, url: str, **options: Unpack[FetchOptions]) -> Response:
        """Return what the page's script gets when it fetches *url*.

        Args:
            url: Absolute, or relative to the base URL: to the API, not to the page.
            options: Those of `FetchOptions`.

        Raises:
            CORSError: The browser keeps the response from the page, or there is none.
            RequestError: No page can make such a request; the message says what a browser would do.
        """
        __tracebackhide__ = True
        return outcome(*self._play(url, options))

    def verdict(self, url: str, **options: Unpack[FetchOptions]) -> Verdict:
        """Return how `fetch` ends, whether it is allowed or blocked.

        What the application raises meanwhile is logged, as a server would log it.

        Raises:
            RequestError: As for `fetch`.
        """
        return _judged(*self._play(url, options))

    def _play(self, url: str, options: FetchOptions) -> tuple[Verdict, Exception | None]:
        raised: list[Exception] = []
        verdict = run(self._fetching(url, options), lambda request: self._transport.send(request, raised.append))
        return verdict, raised[-1] if raised else None

    def close(self) -> None:
        """Run the application's shutdown, if `__enter__` ran its startup, and let go of everything."""
        self._transport.close()

    def __enter__(self) -> Self:
        self._transport.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncBrowserClient(_Page):
    """`BrowserClient` for asynchronous tests, on asyncio. A WSGI application runs in a thread.

    Args and errors are those of `BrowserClient`.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     headers = [(b"access-control-allow-origin", b"*")]
    ...     await send({"type": "http.response.start", "status": 200, "headers": headers})
    ...     await send({"type": "http.response.body", "body": b"hello"})
    >>> async def test() -> None:
    ...     async with AsyncBrowserClient(app) as client:
    ...         print((await client.fetch("/")).text, (await client.verdict("/", credentials="include")).code)
    >>> asyncio.run(test())
    hello allow-origin-wildcard
    """

    def __init__(
        self,
        app_or_url: object,
        origin: str = DEFAULT_ORIGIN,
        *,
        base_url: str | None = None,
        engine: Engine = Engine.STANDARD,
        timeout: float | None = 30,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        super().__init__(app_or_url, origin, base_url, engine)
        transport = transport_to(app_or_url, self.base, timeout, verify)
        self._transport: AsyncTransport = transport if isinstance(transport, ToASGI) else InThread(transport)

    async def fetch(self, url: str, **options: Unpack[FetchOptions]) -> Response:
        """Return what `BrowserClient.fetch` returns."""
        __tracebackhide__ = True
        return outcome(*await self._play(url, options))

    async def verdict(self, url: str, **options: Unpack[FetchOptions]) -> Verdict:
        """Return what `BrowserClient.verdict` returns."""
        return _judged(*await self._play(url, options))

    async def _play(self, url: str, options: FetchOptions) -> tuple[Verdict, Exception | None]:
        raised: list[Exception] = []
        fetching = self._fetching(url, options)
        verdict = await run_async(fetching, lambda request: self._transport.send(request, raised.append))
        return verdict, raised[-1] if raised else None

    async def aclose(self) -> None:
        """Run the application's shutdown, if `__aenter__` ran its startup, and let go of everything."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def page_origin(text: str) -> str:
    """Return *text*, if it is an origin as a browser sends it (HTML §7.1.1).

    Raises:
        ValueError: It is not; the message says what a browser sends.

    >>> page_origin("https://app.example.com")
    'https://app.example.com'
    >>> page_origin("https://App.example.com/")
    Traceback (most recent call last):
    ValueError: origin is 'https://App.example.com/', and a browser there sends 'https://app.example.com': write that
    """
    if text == "*":
        raise ValueError("origin is '*', which no page has: write the origin of one page, 'https://app.example.com'")
    if text == "null":
        return text
    if "://" not in text:
        scheme = "http" if text.startswith(("localhost", "127.")) else "https"
        raise ValueError(f"origin is {text!r}, which has no scheme: write '{scheme}://{text.lower()}'")
    try:
        url = URL.parse(text)
    except URLError as error:
        raise ValueError(f"origin is {text!r}, which no page can have: {error}") from None
    # Such schemes as capacitor: have origins, too, of which the URL Standard knows nothing.
    is_of_app = bool(url.host) and url.scheme not in DEFAULT_PORTS
    port = "" if url.port is None else f":{url.port}"
    sent = f"{url.scheme}://{url.host}{port}" if is_of_app else url.origin
    if sent != text:
        raise ValueError(f"origin is {text!r}, and a browser there sends '{sent}': write that")
    return text


def _judged(verdict: Verdict, exception: Exception | None) -> Verdict:
    if exception is not None:
        _logger.error("the application raised an exception", exc_info=exception)
    return verdict


def _base(text: str) -> URL:
    try:
        url = URL.parse(text)
    except URLError as error:
        raise ValueError(f"{text!r} is not where an application can be found: {error}") from None
    if not url.is_http:
        raise ValueError(f"{text!r} is not where an application can be found: it is neither http nor https")
    return url


def _stringified(value: object, headers: Mapping[str, str] | Iterable[Header]) -> dict[str, Any]:
    """Return the body and the headers with which a page sends *value* as JSON."""
    lines = list(headers.items() if isinstance(headers, Mapping) else headers)
    if not any(fetch.lower_name(name) == "content-type" for name, _ in lines):
        lines.append(("Content-Type", "application/json"))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return {"headers": lines, "body": text.encode()}


def _dropped(name: str, request: Request) -> str:
    lower = fetch.lower_name(name)
    if fetch.is_forbidden_request_header(name, dict(request.dropped)[name]):
        instead = _INSTEAD.get(lower, "leave it out")
        return f"no page can set the header {name}, and browsers drop it in silence: {instead}"
    return f"in mode 'no-cors' no page can set the header {name} so, and browsers drop it in silence: use mode='cors'"
