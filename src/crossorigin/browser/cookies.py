"""A browser's cookies, as far as CORS meets them: kept and sent where the credentials mode says so (Fetch §3.1).

Names, domains, paths and lifetimes are the standard library's affair (`http.cookiejar`); SameSite, of which it knows
nothing, is added here (RFC 6265bis §5.6.7). The blocking of third-party cookies, in which browsers differ from version
to version, is not played.
"""

import re
import urllib.request
from collections.abc import Iterable
from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy

from .messages import values
from .sites import is_public_suffix, is_trustworthy, same_site
from .url import URL

# Browsers read attributes without case, and the library keeps those that it does not know as they are written.
_SAME_SITE = re.compile(r";\s*samesite\s*=\s*", re.IGNORECASE)
# A path that does not begin with a slash stands for the default one, where the library would refuse the cookie.
_NO_PATH = re.compile(r";\s*path\s*=\s*(?!/)[^;]*", re.IGNORECASE)


class Cookies:
    """The cookies of one browser.

    >>> cookies = Cookies()
    >>> api = URL.parse("https://api.example.com/")
    >>> cookies.store("https://app.example.com", api, [("Set-Cookie", "session=1; Secure")])
    >>> cookies.header("https://app.example.com", api)
    'session=1'
    >>> cookies.header("https://evil.example", api) is None
    True
    """

    def __init__(self) -> None:
        self._jar = CookieJar(_Policy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain))

    def header(self, origin: str, url: URL) -> str | None:
        """Return what a page of *origin* sends as ``Cookie`` to *url*, or ``None``."""
        request = _Request(origin, url)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie")

    def store(self, origin: str, url: URL, headers: Iterable[tuple[str, str]]) -> None:
        """Keep what a response from *url*, with these *headers*, sets for a page of *origin*."""
        self._jar.extract_cookies(_Response(headers), _Request(origin, url))  # type: ignore[arg-type]

    def clear(self) -> None:
        """Forget all cookies."""
        self._jar.clear()


class _Request(urllib.request.Request):
    """What the standard library wants to see of a request."""

    def __init__(self, origin: str, url: URL) -> None:
        # The library takes plain http for insecure; browsers send Secure cookies to this machine, too.
        scheme = "https" if is_trustworthy(url.origin) else "http"
        super().__init__(f"{scheme}://{url.origin.partition('://')[2]}{url.target}")
        self.is_same_site = same_site(origin, url.origin)


class _Response:
    """What the standard library wants to see of a response."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._message = Message()
        for value in values(headers, "Set-Cookie"):
            self._message["Set-Cookie"] = _NO_PATH.sub("", _SAME_SITE.sub("; SameSite=", value))

    def info(self) -> Message:
        return self._message


class _Policy(DefaultCookiePolicy):
    """Cookies of a page on another site need ``SameSite=None``, which in turn needs ``Secure``."""

    def set_ok(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        return super().set_ok(cookie, request) and _same_site_ok(cookie, request) and _name_ok(cookie)

    def set_ok_domain(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        # A cookie for all of a public suffix would be one for the sites of strangers (RFC 6265bis §5.7 step 9).
        shared = cookie.domain_specified and is_public_suffix(cookie.domain.lstrip("."))
        return not shared and super().set_ok_domain(cookie, request)

    def return_ok(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        return super().return_ok(cookie, request) and _same_site_ok(cookie, request)


def _name_ok(cookie: Cookie) -> bool:
    """RFC 6265bis §4.1.3, cookie name prefixes: names that promise something."""
    name = cookie.name.lower()
    if name.startswith("__host-"):
        return cookie.secure and cookie.path == "/" and not cookie.domain_specified
    return cookie.secure or not name.startswith("__secure-")


def _same_site_ok(cookie: Cookie, request: urllib.request.Request) -> bool:
    assert isinstance(request, _Request)
    is_for_all = (cookie.get_nonstandard_attr("SameSite") or "").lower() == "none"
    if is_for_all and not cookie.secure:
        return False
    return request.is_same_site or is_for_all
