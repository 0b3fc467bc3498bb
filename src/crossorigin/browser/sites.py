"""Which origins belong to one site: what Sec-Fetch-Site, SameSite cookies and Cross-Origin-Resource-Policy go by.

A site is wider than an origin: a scheme and a registrable domain, whatever the subdomain and the port (HTML §7.1.1.2).
CORS itself never asks for it. Origins are serialised ones, as `url.URL.origin` gives them.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_TUPLE_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:]+\]|[^:/]+)(?::[0-9]+)?")
_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")


def same_origin(one: str, other: str) -> bool:
    """Return whether two origins are the same; ``null`` is never the same as anything.

    >>> same_origin("https://app.example.com", "https://app.example.com"), same_origin("null", "null")
    (True, False)
    """
    return one == other != "null"


def same_site(one: str, other: str) -> bool:
    """Return whether two origins belong to one site.

    >>> same_site("https://app.example.com", "https://api.example.com:8443")
    True
    >>> same_site("https://app.example.com", "http://app.example.com")
    False
    >>> same_site("https://a.github.io", "https://b.github.io")
    False
    """
    return schemelessly_same_site(one, other) and one.partition(":")[0] == other.partition(":")[0]


def schemelessly_same_site(one: str, other: str) -> bool:
    """Return whether two origins belong to one site but for their schemes.

    >>> schemelessly_same_site("https://app.example.com", "http://app.example.com")
    True
    """
    registrable = _registrable_domain(one)
    return registrable is not None and registrable == _registrable_domain(other)


def is_trustworthy(origin: str) -> bool:
    """Return whether *origin* is potentially trustworthy (Secure Contexts §3.1): https, or this very machine.

    >>> is_trustworthy("http://app.localhost:8000"), is_trustworthy("http://app.example.com")
    (True, False)
    """
    parts = _TUPLE_ORIGIN.fullmatch(origin)
    if parts is None:
        return False
    host = parts[2].removesuffix(".")
    return (
        parts[1] in ("https", "wss")
        or host in ("localhost", "[::1]")
        or host.endswith(".localhost")
        or (host.startswith("127.") and _ADDRESS.fullmatch(host) is not None)
    )


def is_public_suffix(host: str) -> bool:
    """Return whether strangers' sites stand side by side below *host*.

    >>> is_public_suffix("github.io"), is_public_suffix("example.com")
    (True, False)
    """
    return _suffixes().publicsuffix(host, accept_unknown=False) == host


def _registrable_domain(origin: str) -> str | None:
    """Return the registrable domain, or the whole host where there is none; ``None`` for an opaque origin."""
    parts = _TUPLE_ORIGIN.fullmatch(origin)
    if parts is None:
        return None
    host = parts[2]
    # A final dot is part of the name: `example.com.` is another site than `example.com`.
    domain = None if _ADDRESS.fullmatch(host) or host.endswith(".") else _suffixes().privatesuffix(host)
    return domain or host


@cache
def _suffixes() -> "PublicSuffixList":
    # The one third-party module of the core, loaded only once a name has to be told from its suffix.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
