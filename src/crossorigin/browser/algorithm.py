"""The algorithm that a browser follows for one ``fetch()``: main fetch, HTTP fetch, preflight, redirects (Fetch §4).

It does no I/O (B1): `Browser.fetch` returns a generator that yields each request that the network must carry, is sent
the response, and returns the `Verdict`. Whatever a server answers ends in a verdict. What the standard leaves out of
CORS is left out here: service workers, the HTTP cache, mixed content, blocked ports, local network access.
"""

import time
from collections.abc import Callable, Generator
from typing import TypeAlias

from .. import fetch
from .attached import Tainting, fetch_metadata, origin_header, origins, referrer, request_origin
from .cache import Key, PreflightCache
from .checks import (
    REDIRECT_STATUSES,
    check_cors,
    check_headers,
    check_method,
    check_resource_policy,
    read_preflight,
    redirect_target,
)
from .cookies import Cookies
from .engines import Difference, Engine
from .filtered import filtered, timing_allowed
from .messages import Exchange, Header, HTTPRequest, HTTPResponse, NoResponse
from .origin import sent_origin
from .request import Request, policy_of
from .sites import same_origin
from .url import URL
from .verdicts import BLOCKS, Blocked, Stage, Verdict, sentence, shortened

Fetching: TypeAlias = Generator[HTTPRequest, HTTPResponse | NoResponse, Verdict]
_Response: TypeAlias = Generator[HTTPRequest, HTTPResponse | NoResponse, HTTPResponse]

# §4.5 HTTP-redirect fetch.
LONGEST_CHAIN = 20
_MOST_NAMED = 8  # header names in a sentence
_REQUEST_BODY_HEADERS = frozenset({"content-encoding", "content-language", "content-location", "content-type"})


class Browser:
    """What a browser keeps from one fetch to the next: its preflight cache and its cookies.

    Args:
        engine: Whose differences from the standard apply.
        clock: Seconds since whenever, for the preflight cache.

    >>> from crossorigin.browser import run
    >>> browser = Browser()
    >>> verdict = run(
    ...     browser.fetch(Request.of("https://api.example.com/"), origin="https://app.example.com"),
    ...     lambda request: HTTPResponse(200, (("Access-Control-Allow-Origin", "https://other.example"),)),
    ... )
    >>> verdict.code
    'allow-origin-other'
    """

    def __init__(self, engine: Engine = Engine.STANDARD, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self.preflights = PreflightCache(clock, engine)
        self.cookies = Cookies()

    def fetch(self, request: Request, *, origin: str, partition: str | None = None) -> Fetching:
        """Play *request* for a page of *origin*.

        Args:
            request: What the page asks for.
            origin: The page's origin, serialised; ``"null"`` for a page without one, such as a sandboxed frame.
            partition: The top-level site under which the preflight cache keeps what it learns; the page's own origin
                if not given.

        Returns:
            A generator for `run` or `run_async`, or for a loop of your own.
        """
        return _Fetch(self, request, origin, partition or origin).play()


class _Fetch:
    """One fetch under way: the request as redirects change it, and what has happened so far."""

    def __init__(self, browser: Browser, request: Request, origin: str, partition: str) -> None:
        self.browser = browser
        self.request = request
        self.origin = origin
        self.partition = partition
        self.include = request.credentials == "include"
        self.method = request.method
        dropped = {"user-agent"} if self._differs(Difference.USER_AGENT_DROPPED) else set()
        self.headers = tuple(header for header in request.headers if fetch.lower_name(header[0]) not in dropped)
        self.body = request.body
        self.urls = [request.url]
        self.policy = request.referrer_policy
        self.tainting: Tainting = "basic"
        self.stage: Stage = "request"
        self.timing_allowed = True
        self.preflighted = False  # by this fetch or, in the cache, by an earlier one
        self.steps: list[str] = []
        self.exchanges: list[Exchange] = []

    def play(self) -> Fetching:
        try:
            self._check_origin()
            response = yield from self._main_fetch()
        except Blocked as blocked:
            spared = blocked.code == "redirect-error" and self._differs(Difference.CACHED_AFTER_REDIRECT_ERROR)
            any_failure = self.tainting == "cors" and self._differs(Difference.ANY_FAILURE_CLEARS)
            forgets = (self.preflighted or any_failure) and not spared
            if forgets and not self._differs(Difference.CACHED_AFTER_FAILURE):
                self.browser.preflights.clear(self.key)
            return self._blocked(blocked)
        return self._allowed(response)

    def _check_origin(self) -> None:
        """Refuse to play a page that cannot be: its origin would go out as it stands, and reach messages."""
        meant = sent_origin(self.origin)
        if meant != self.origin:
            hint = "" if meant is None else f"; a browser there sends '{shortened(meant)}'"
            raise Blocked("origin-malformed", value=self.origin, meant=meant, hint=hint)

    # The parts of the request that follow from others.

    @property
    def url(self) -> URL:
        """The current URL."""
        return self.urls[-1]

    @property
    def shown_origin(self) -> str:
        return request_origin(self.origin, origins(self.urls))

    def _differs(self, difference: Difference) -> bool:
        return difference in self.browser.engine.differences

    @property
    def key(self) -> Key:
        return Key(self.partition, self.shown_origin, self.url.without_fragment())

    @property
    def with_credentials(self) -> bool:
        """Whether credentials go with the request as it is now (§4.6 HTTP-network-or-cache fetch)."""
        return self.include or (self.request.credentials == "same-origin" and self.tainting == "basic")

    @property
    def unsafe_names(self) -> list[str]:
        """The headers that a preflight asks for."""
        with_dropped = self._differs(Difference.DROPPED_HEADERS_ASKED_FOR)
        return self.browser.engine.unsafe_names(self.request.headers if with_dropped else self.headers)

    # §4.1 Main fetch, once for each URL.

    def _main_fetch(self) -> _Response:
        while True:
            response = yield from self._fetch_current_url()
            target = self._redirected_to(response)
            if target is None:
                return response
            self._follow(target, response)

    def _fetch_current_url(self) -> _Response:
        if self.tainting == "basic" and same_origin(self.url.origin, self.origin):
            self.steps.append(f"{shortened(self.url.origin)} is the page's own origin: CORS has no say")
            return (yield from self._http_fetch())
        if self.request.mode == "same-origin":
            raise Blocked("mode-same-origin", url=self.url.without_fragment())
        if not self.url.is_http:
            raise Blocked("scheme-not-http", scheme=self.url.scheme)
        if self.request.mode == "no-cors":
            if self.request.redirect != "follow":
                raise Blocked("mode-no-cors-redirect", redirect=self.request.redirect)
            self.tainting = "opaque"
            self.steps.append("the mode is 'no-cors': the request goes out, and the page sees nothing of the response")
            return (yield from self._http_fetch())
        self.tainting = "cors"
        return (yield from self._cors_fetch())

    def _cors_fetch(self) -> _Response:
        """Fetch with CORS, after a preflight where one is needed (§4.4 HTTP fetch with makeCORSPreflight)."""
        reasons = self._preflight_reasons()
        if not reasons:
            self.steps.append("no preflight is needed: method and headers are safelisted")
            return (yield from self._http_fetch())
        self.steps.append(f"a preflight is needed: {', '.join(reasons)}")
        self.preflighted = True
        forced = self.request.forces_preflight
        if self.browser.preflights.covers(self.key, self.origin, self.include, self.method, self.unsafe_names, forced):
            self.steps.append("an earlier preflight, still cached, covers it")
        else:
            if self._differs(Difference.CACHED_ONE_AT_A_TIME):
                self.browser.preflights.clear(self.key)
            yield from self._preflight()
        return (yield from self._http_fetch())

    def _preflight_reasons(self) -> list[str]:
        reasons = []
        if self.method not in fetch.SAFELISTED_METHODS:
            reasons.append(f"{self.method} is none of GET, HEAD and POST")
        if names := self.unsafe_names:
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            shown = ", ".join(map(shortened, names[:_MOST_NAMED]))
            plural = "the headers {}{} are" if len(names) > 1 else "the header {}{} is"
            reasons.append(f"{plural.format(shown, more)} not safelisted")
        if self.request.streaming:
            reasons.append("the body is a stream")
        if self.request.upload_listener:
            reasons.append("the page listens to the upload")
        needed_one = self.preflighted or bool(self.browser.engine.unsafe_names(self.request.headers))
        if len(self.urls) > 1 and needed_one and self._differs(Difference.PREFLIGHTED_AFTER_REDIRECTS):
            reasons.append("before the redirect the request needed one, too")
        return reasons

    # §4.8 CORS-preflight fetch.

    def _preflight(self) -> Generator[HTTPRequest, HTTPResponse | NoResponse, None]:
        self.stage = "preflight"
        names = self.unsafe_names
        asked = [("Accept", "*/*"), (fetch.REQUEST_METHOD, self.method)]
        if names:
            asked.append((fetch.REQUEST_HEADERS, ",".join(names)))
        untainted = self._differs(Difference.UNTAINTED_PREFLIGHT)
        origin = self.origin if untainted else self.shown_origin
        headers = self._attach(asked, origin)
        response = yield from self._send(HTTPRequest("OPTIONS", self.url.without_fragment(), headers))
        if not (untainted and same_origin(origin, self.url.origin)):
            check_cors(origin, self.include, response)
        engine = self.browser.engine
        allowed = read_preflight(response, engine, self.method if self.request.forces_preflight else None)
        if self._differs(Difference.CACHED_THOUGH_REFUSED):
            self.browser.preflights.store(self.key, self.include, allowed)
        check_method(self.method, allowed, self.include)
        check_headers(names, allowed, self.include, engine)
        self.browser.preflights.store(self.key, self.include, allowed)
        kept = f"is kept for {allowed.max_age:g} s" if allowed.max_age else "is not kept"
        self.steps.append(f"the preflight passes, and {kept}")

    # §4.4 HTTP fetch, after the preflight.

    def _http_fetch(self) -> _Response:
        self.stage = "response"
        headers = list(self.headers)
        if not any(fetch.lower_name(name) == "accept" for name, _ in headers):
            headers.append(("Accept", "*/*"))
        headers = list(self._attach(headers, self._origin_to_show()))
        cookies = self.browser.cookies.header(self.origin, self.url) if self.with_credentials else None
        if cookies:
            headers.append(("Cookie", cookies))
        response = yield from self._send(
            HTTPRequest(self.method, self.url.without_fragment(), tuple(headers), self.body, self.with_credentials)
        )
        if self.with_credentials:
            self.browser.cookies.store(self.origin, self.url, response.headers)
        if response.status in REDIRECT_STATUSES:
            self.stage = "redirect"
        if self.tainting == "cors":
            check_cors(self.shown_origin, self.include, response)
            self.steps.append("the CORS check passes: the page may read the response")
        elif self.tainting == "opaque":
            check_resource_policy(self.origin, self.url, response)
        self.timing_allowed &= timing_allowed(self.shown_origin, response, self.tainting == "basic")
        return response

    def _origin_to_show(self) -> str | None:
        """Return the value of ``Origin`` in the actual request, or ``None``."""
        mode = self.request.mode
        urls = origins(self.urls)
        method = self.method
        if mode != "cors" and method not in ("GET", "HEAD"):
            if len(self.urls) == 1 and self._differs(Difference.ORIGIN_DESPITE_REFERRER_POLICY):
                return self.origin
            if len(set(urls)) > 1 and self._differs(Difference.NO_CORS_REDIRECT_HIDES_ORIGIN):
                return "null"
        if len(set(urls)) == 1 and self._differs(Difference.GET_AFTER_REDIRECT_SHOWS_ORIGIN):
            method = self.request.method
        return origin_header(self.origin, urls, method, mode, self.tainting, self.policy)

    def _attach(self, headers: list[Header], origin: str | None) -> tuple[Header, ...]:
        """Return *headers* with those that the browser adds by itself (§4.6 HTTP-network-or-cache fetch)."""
        sent_by = referrer(self.origin, self.url.origin, self.policy)
        if sent_by is not None:
            headers.append(("Referer", sent_by))
        if origin is not None:
            headers.append((fetch.ORIGIN, origin))
        return (*headers, *fetch_metadata(self.origin, origins(self.urls), self.request.mode))

    def _send(self, request: HTTPRequest) -> _Response:
        self.steps.append(shortened(str(request)))
        response = yield request
        self.exchanges.append(Exchange(request, response))
        if isinstance(response, NoResponse):
            raise Blocked("no-response", reason=response.reason)
        return response

    # §4.5 HTTP-redirect fetch.

    def _redirected_to(self, response: HTTPResponse) -> URL | None:
        """Return where to go on, or ``None`` if *response* is the final one."""
        if response.status not in REDIRECT_STATUSES or self.request.redirect == "manual":
            return None
        if self.request.redirect == "error":
            raise Blocked("redirect-error", status=response.status)
        target = redirect_target(self.url, response)
        if target is None:
            return None
        if not target.is_http:
            raise Blocked("redirect-scheme", value=str(target))
        if len(self.urls) > LONGEST_CHAIN:
            raise Blocked("redirect-count")
        is_foreign = self.request.mode == "cors" and not same_origin(self.origin, target.origin)
        is_wary = is_foreign or self.tainting == "cors" or self._differs(Difference.NO_USER_IN_REDIRECTS)
        if target.has_credentials and is_wary:
            raise Blocked("redirect-credentials", value=str(target))
        if response.status != 303 and self.request.streaming:
            raise Blocked("redirect-streaming", status=response.status)
        return target

    def _follow(self, target: URL, response: HTTPResponse) -> None:
        status = response.status
        self.policy = policy_of(response.values("Referrer-Policy")) or self.policy
        is_foreign = not same_origin(self.url.origin, target.origin)
        dropped: frozenset[str] = frozenset()
        if (status in (301, 302) and self.method == "POST") or (status == 303 and self.method not in ("GET", "HEAD")):
            self.method, self.body = "GET", None
            dropped |= _REQUEST_BODY_HEADERS
        elif is_foreign and self.method == "DELETE" and self._differs(Difference.DELETE_REDIRECTED_AS_GET):
            self.method, self.body = "GET", None
        if is_foreign:
            dropped |= fetch.NON_WILDCARD_REQUEST_HEADERS
        self.headers = tuple(header for header in self.headers if fetch.lower_name(header[0]) not in dropped)
        self.urls.append(target)
        self.steps.append(f"the redirect ({status}) leads to {shortened(target.without_fragment())}")
        if self.shown_origin != self.origin:
            self.steps.append("the redirect went from one foreign origin to another: from now on the Origin is null")

    # What the page gets.

    def _allowed(self, response: HTTPResponse) -> Verdict:
        opaque_redirect = response.status in REDIRECT_STATUSES and self.request.redirect == "manual"
        visible = filtered(
            response,
            "opaqueredirect" if opaque_redirect else self.tainting,
            url=self.url.without_fragment(),
            method=self.method,
            include=self.include,
            redirected=len(self.urls) > 1,
            timing=self.timing_allowed,
            engine=self.browser.engine,
        )
        self.steps.append(f"the page gets the response, of type {visible.type!r}")
        message = f"the page on {self.origin} gets the response of {shortened(self.url.without_fragment())}"
        return Verdict(
            True, "allowed", "response", "Main fetch", message, {}, tuple(self.steps), tuple(self.exchanges), visible
        )

    def _blocked(self, blocked: Blocked) -> Verdict:
        what = sentence(blocked, self.stage)
        self.steps.append(f"blocked: {what}")
        url = shortened(self.request.url.without_fragment())
        message = f"{self.request.method} {url} from {shortened(self.origin)} is blocked: {what}"
        clause = BLOCKS[blocked.code].clause
        return Verdict(
            False, blocked.code, self.stage, clause, message, blocked.details, tuple(self.steps), tuple(self.exchanges)
        )
