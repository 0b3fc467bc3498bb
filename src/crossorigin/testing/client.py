"""The clients: a page on an origin, in a browser of its own, that fetches from one application or server.

Owns how long a client lives and where it leads. What a test may ask for is `options`'s business, what a browser makes
of it `crossorigin.browser`'s, and what carries it `transports`'.
"""

import ssl
from abc import ABC, abstractmethod
from logging import getLogger
from types import TracebackType
from typing import Generic, Self, TypeVar, Unpack

from ..browser import ENGINES, URL, Browser, Engine, Fetching, RequestError, URLError, Verdict, run, run_async
from ..browser.origin import sent_origin
from ..browser.verdicts import shortened
from .applications import ToASGI, is_at, nothing_at
from .options import FetchOptions, request_for
from .responses import Response, outcome
from .transports import AsyncTransport, Direct, InLoop, InThread, Transport, transport_to

_logger = getLogger("crossorigin.testing")

# The page's own site, so that cookies with SameSite=Lax, the default, work between the two.
DEFAULT_ORIGIN = "https://app.example.com"
DEFAULT_BASE_URL = "https://api.example.com"

_Carrier = TypeVar("_Carrier", Transport, AsyncTransport)


class _Page(ABC, Generic[_Carrier]):
    """What both clients are: an origin, a browser, where relative URLs lead, and what carries requests there."""

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
        self.origin = _page_origin(origin)
        self.browser = Browser(_engine(engine))
        if isinstance(app_or_url, str) and base_url is not None:
            raise TypeError("base_url says where an application is to be found; the URL of a server says it by itself")
        self._in_process = not isinstance(app_or_url, str)
        self.base = _base(app_or_url if isinstance(app_or_url, str) else base_url or DEFAULT_BASE_URL)
        self._transport: _Carrier = self._adapted(transport_to(app_or_url, self.base, timeout, verify))
        self._is_open = False
        self._is_closed = False

    @abstractmethod
    def _adapted(self, transport: Direct) -> _Carrier:
        """Return *transport* as this client needs it."""

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

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise RuntimeError("this client is closed: make a new one")

    def _fetching(self, url: str, options: FetchOptions) -> Fetching:
        self._refuse_if_closed()
        request = request_for(url, self.base, options)
        if self._in_process and not is_at(request.url, self.base):
            raise RequestError(nothing_at(request.url, self.base))
        return self.browser.fetch(request, origin=self.origin)


class BrowserClient(_Page[Transport]):
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
        TypeError: If *app_or_url* is nothing that can be called or reached, or *engine* is no `Engine`.
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

    def _adapted(self, transport: Direct) -> Transport:
        return InLoop(transport) if isinstance(transport, ToASGI) else transport

    def fetch(self, url: str, **options: Unpack[FetchOptions]) -> Response:
        """Return what the page's script gets when it fetches *url*.

        Args:
            url: Absolute, or relative to the base URL: to the API, not to the page.
            options: Those of `FetchOptions`.

        Raises:
            CORSError: The browser keeps the response from the page, or there is none.
            RequestError: No page can make such a request; the message says what a browser would do.
            TypeError: An option is none of `FetchOptions`.
            RuntimeError: The client is closed.
        """
        __tracebackhide__ = True
        return outcome(*self._play(url, options))

    def verdict(self, url: str, **options: Unpack[FetchOptions]) -> Verdict:
        """Return how `fetch` ends, whether it is allowed or blocked.

        What the application raises meanwhile is logged, as a server would log it.

        Raises:
            RequestError, TypeError, RuntimeError: As for `fetch`.
        """
        return _judged(*self._play(url, options))

    def _play(self, url: str, options: FetchOptions) -> tuple[Verdict, Exception | None]:
        raised: list[Exception] = []
        verdict = run(self._fetching(url, options), lambda request: self._transport.send(request, raised.append))
        return verdict, raised[-1] if raised else None

    def close(self) -> None:
        """Run the application's shutdown, if `__enter__` ran its startup, and let go of everything.

        Nothing can be fetched afterwards. To close again does nothing.
        """
        if not self._is_closed:
            self._is_closed = True
            self._transport.close()

    def __enter__(self) -> Self:
        self._refuse_if_closed()
        if not self._is_open:
            self._transport.open()
            self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncBrowserClient(_Page[AsyncTransport]):
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

    def _adapted(self, transport: Direct) -> AsyncTransport:
        return transport if isinstance(transport, ToASGI) else InThread(transport)

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
        """Do what `BrowserClient.close` does."""
        if not self._is_closed:
            self._is_closed = True
            await self._transport.close()

    async def __aenter__(self) -> Self:
        self._refuse_if_closed()
        if not self._is_open:
            await self._transport.open()
            self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _judged(verdict: Verdict, exception: Exception | None) -> Verdict:
    if exception is not None:
        _logger.error("the application raised an exception", exc_info=exception)
    return verdict


def _page_origin(origin: object) -> str:
    """Return *origin*, if it is one as a browser sends it."""
    sent = sent_origin(origin) if isinstance(origin, str) else None
    if sent is None:
        raise ValueError(
            f"origin is {_shown(origin)}, which no page has: write the origin of one page, '{DEFAULT_ORIGIN}' say, or "
            "'null' for that of a file or a sandboxed frame"
        )
    if sent != origin:
        raise ValueError(f"origin is {_shown(origin)}, and a browser there sends {_shown(sent)}: write that")
    return sent


def _engine(engine: object) -> Engine:
    if not isinstance(engine, Engine):
        meant = str(engine).lower()
        instead = meant if meant in ENGINES else "standard"
        raise TypeError(f"engine is {_shown(engine)}: write Engine.{instead.upper()}, which crossorigin.testing has")
    return engine


def _base(text: object) -> URL:
    wrong = f"{_shown(text)} is not where an application can be found"
    if not isinstance(text, str):
        raise TypeError(f"{wrong}: give a URL, '{DEFAULT_BASE_URL}' say")
    if "://" not in text:
        scheme = "http" if (sent_origin(text) or "").startswith("http:") else "https"
        meant = f"{scheme}://{text}" if text else DEFAULT_BASE_URL
        raise ValueError(f"{wrong}, for it has no scheme: write {_shown(meant)}")
    try:
        url = URL.parse(text)
    except URLError as error:
        raise ValueError(f"{wrong}: {shortened(str(error))}") from None
    if not url.is_http:
        raise ValueError(f"{wrong}: it is neither http nor https")
    return url


def _shown(value: object) -> str:
    return shortened(repr(value))
