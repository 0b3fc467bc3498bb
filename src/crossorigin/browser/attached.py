"""The headers that a browser adds by itself: where a request comes from, and in which circumstances.

None of them can be set by a page. Origins are serialised ones; a request's *urls* are the origins of all URLs that it
was sent to so far, the current one last.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from .request import Mode, ReferrerPolicy
from .sites import is_trustworthy, same_origin, same_site
from .url import URL

Tainting = Literal["basic", "cors", "opaque"]


def request_origin(origin: str, urls: Sequence[str]) -> str:
    """Return *origin* as the request shows it: ``null`` once redirects have tainted it (Fetch §2.2.5, redirect-taint).

    A redirect taints where it leaves an origin that is not the page's own.

    >>> page, api, other = "https://page.example", "https://api.example", "https://other.example"
    >>> request_origin(page, [page, api]), request_origin(page, [api, other]), request_origin(page, [api, page])
    ('https://page.example', 'null', 'null')
    """
    for before, after in pairwise(urls):
        if not same_origin(before, after) and not same_origin(origin, before):
            return "null"
    return origin


def origin_header(
    origin: str,
    urls: Sequence[str],
    method: str,
    mode: Mode | Literal["navigate", "websocket"],
    tainting: Tainting,
    policy: ReferrerPolicy,
) -> str | None:
    """Return the value of ``Origin``, or ``None`` for none (Fetch §3.2, append a request Origin header).

    A GET of the page's own origin carries none, a POST does: `Origin` alone does not mean cross-origin.
    """
    shown = request_origin(origin, urls)
    if tainting == "cors" or mode == "websocket":
        return shown
    if method in ("GET", "HEAD"):
        return None
    if mode != "cors" and _hides_origin(origin, urls[-1], policy):
        return "null"
    return shown


def referrer(origin: str, url: str, policy: ReferrerPolicy) -> str | None:
    """Return the value of ``Referer`` for a page at the root of *origin*, or ``None`` (Referrer Policy §8.3).

    >>> referrer("https://app.example.com", "http://api.example.com", "strict-origin-when-cross-origin")
    >>> referrer("https://app.example.com", "http://api.example.com", "unsafe-url")
    'https://app.example.com/'
    """
    downgraded = is_trustworthy(origin) and not is_trustworthy(url)
    hidden = {
        "no-referrer": True,
        "no-referrer-when-downgrade": downgraded,
        "same-origin": not same_origin(origin, url),
        "strict-origin": downgraded,
        "strict-origin-when-cross-origin": downgraded and not same_origin(origin, url),
    }
    return None if origin == "null" or hidden.get(policy, False) else f"{origin}/"


def fetch_metadata(origin: str, urls: Sequence[str], mode: Mode) -> list[tuple[str, str]]:
    """Return the ``Sec-Fetch-*`` headers, which only trustworthy URLs get (Fetch Metadata §2, §3).

    >>> fetch_metadata("https://app.example.com", ["https://api.example.com"], "cors")
    [('Sec-Fetch-Dest', 'empty'), ('Sec-Fetch-Mode', 'cors'), ('Sec-Fetch-Site', 'same-site')]
    """
    if not is_trustworthy(urls[-1]):
        return []
    site = "same-origin"
    for url in urls:
        if same_origin(origin, url):
            continue
        if not same_site(origin, url):
            site = "cross-site"
            break
        site = "same-site"
    return [("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Site", site)]


def _hides_origin(origin: str, url: str, policy: ReferrerPolicy) -> bool:
    match policy:
        case "no-referrer":
            return True
        case "no-referrer-when-downgrade" | "strict-origin" | "strict-origin-when-cross-origin":
            return origin.startswith("https:") and not url.startswith("https:")
        case "same-origin":
            return not same_origin(origin, url)
        case _:
            return False


def origins(urls: Sequence[URL]) -> list[str]:
    """Return the origin of each of *urls*."""
    return [url.origin for url in urls]
