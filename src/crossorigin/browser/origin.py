"""Which origins a page can have, and how a browser writes them (HTML §7.1.1, serialisation of an origin)."""

from .url import URL, URLError

OPAQUE = "null"
# The schemes of which the URL Standard knows the origin. Such schemes as capacitor: have one in their own applications.
_STANDARD_SCHEMES = frozenset({"blob", "file", "ftp", "http", "https", "ws", "wss"})


def sent_origin(text: str) -> str | None:
    """Return the origin that a browser sends for a page at *text*, an origin or a URL; ``None`` if there is none.

    >>> sent_origin("https://App.example.com:443/"), sent_origin("app.example.com"), sent_origin("*")
    ('https://app.example.com', 'https://app.example.com', None)
    """
    if text == OPAQUE:
        return OPAQUE
    if "://" not in text:
        # What somebody means who leaves the scheme out: this very machine is mostly reached without TLS.
        scheme = "http" if text.startswith(("localhost", "127.")) else "https"
        text = f"{scheme}://{text}"
    try:
        url = URL.parse(text)
    except URLError:
        return None
    if not url.host or "*" in url.host:
        return None
    if url.scheme in _STANDARD_SCHEMES:
        return url.origin
    return f"{url.scheme}://{url.host}" + ("" if url.port is None else f":{url.port}")
