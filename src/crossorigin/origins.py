"""Origins: the one that a browser sends, the patterns that a policy declares, and the set that matches them.

A serialised origin is ``scheme://host`` or ``scheme://host:port``, in one canonical spelling (Fetch §3.2, HTML §7.1.1,
URL §3). Whatever is spelled otherwise is not that origin: this module never repairs what a client sends (S3), and it
matches patterns against the parsed scheme, host and port, never against the raw string (S4). How people misspell an
origin when they declare one, and what they meant, is told by ``misspellings``.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

NULL = "null"  # HTML §7.1.1: what an opaque origin is serialised to
ANY = "*"

# F4. A scheme of 64 bytes, "://", a host of 253, ":" and 5 digits: no origin is longer.
MAX_HOST = 253
MAX_ORIGIN = 64 + 3 + MAX_HOST + 1 + 5

# URL §3.1 special schemes: a serialised origin leaves its scheme's default port out.
DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}
# Schemes that no page's origin has, so that a policy may not declare them. A page that opens a WebSocket has an http or
# https origin; the origin of the others is opaque (URL §4.7 origin), which browsers serialise as "null".
WEBSOCKET_SCHEMES = {"ws": "http", "wss": "https"}
OPAQUE_SCHEMES = frozenset({"about", "blob", "data", "file", "javascript"})
_UNDECLARABLE = OPAQUE_SCHEMES | WEBSOCKET_SCHEMES.keys()

# Letters, digits, "-" and "_". URL §3.5 lets more punctuation into a host and some engines send it, but no name that
# can be registered has any, and every one of those characters has served an attack on somebody's matcher (S4).
_LABEL = "[a-z0-9_-]{1,63}"
_NUMBER = r"(?:[0-9]+|0x[0-9a-f]*)\.?(?=:|\Z)"  # URL §3.5: a host whose last label is a number is an IPv4 address
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]{0,63})://"
    rf"({_BYTE}(?:\.{_BYTE}){{3}}(?=:|\Z)|(?:{_LABEL}\.)*(?!{_NUMBER}){_LABEL}\.?|\[[0-9a-f:]{{2,39}}\])"
    r"(?::([1-9][0-9]{0,4}))?"
)

# Why a set of origins holds an origin, or does not. The words are those of `Answer.reason`.
Membership = Literal["allowed", "origin-not-allowed", "origin-null", "origin-malformed"]


class Origin(NamedTuple):
    """A parsed serialised origin.

    Attributes:
        scheme: In lower case: ``"https"``, ``"chrome-extension"``.
        host: An ASCII domain, an IPv4 address, or an IPv6 address in brackets; in lower case.
        port: ``None`` where it is the scheme's default.

    Example:
        >>> Origin.parse("http://localhost:8080")
        Origin(scheme='http', host='localhost', port=8080)
        >>> str(Origin("https", "example.com", None))
        'https://example.com'
    """

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the origin that *text* serialises, or ``None`` if it serialises none (S3). Never raises.

        Only the canonical spelling counts, since browsers send no other: lower case, no default port, no path, IPv6
        compressed. ``"null"`` stands for an opaque origin, which has no parts: ``None`` too.

        >>> [Origin.parse(text) for text in ("https://example.com:443", "https://EXAMPLE.com", "null")]
        [None, None, None]
        """
        if len(text) > MAX_ORIGIN:
            return None
        match = _ORIGIN.fullmatch(text)
        if match is None:
            return None
        scheme, host, digits = match.groups()
        if len(host) > MAX_HOST or (host[0] == "[" and host != compressed_ipv6(host)):
            return None
        if digits is None:
            return cls(scheme, host, None)
        port = int(digits)
        if port > 65535 or port == DEFAULT_PORTS.get(scheme):
            return None
        return cls(scheme, host, port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")


class OriginPattern(NamedTuple):
    """A set of origins as a policy declares it: one origin, or ``*`` for the first labels, the port, or both.

    Attributes:
        scheme: As in `Origin`, never a wildcard.
        host: As in `Origin`; ``"*.example.com"`` for one or more labels in front of it; ``"*"`` for any host.
        port: A number, ``None`` for the scheme's default, or ``"*"`` for any port and none.

    Example:
        >>> OriginPattern.parse("https://*.example.com:*")
        OriginPattern(scheme='https', host='*.example.com', port='*')
        >>> OriginPattern.parse("https://example.*") is None
        True
    """

    scheme: str
    host: str
    port: int | str | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the pattern that *text* spells, or ``None`` if it spells none. Never raises."""
        if ANY not in text:
            origin = Origin.parse(text)
            return None if origin is None or origin.scheme in _UNDECLARABLE else cls(*origin)
        scheme, _, rest = text.partition("://")
        any_port = rest.endswith(":*")
        rest = rest.removesuffix(":*") if any_port else rest
        if rest.startswith("*."):
            stars, rest = "*.", rest[2:]
        elif rest == ANY or rest.startswith("*:"):
            stars, rest = ANY, "any-host" + rest[1:]  # a stand-in, so that scheme and port are read by one parser
        else:
            stars = ""
        origin = Origin.parse(f"{scheme}://{rest}")
        if origin is None or (any_port and origin.port is not None):
            return None
        if scheme in _UNDECLARABLE:
            return None
        if stars == "*." and (origin.host[-1] in ".]" or is_ipv4(origin.host)):
            return None  # names alone have labels, and a pattern never reaches a name with a final dot (S4)
        host = ANY if stars == ANY else stars + origin.host
        return cls(scheme, host, ANY if any_port else origin.port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")


def is_declarable(text: str) -> bool:
    """Return whether a policy may declare *text* as it stands.

    >>> is_declarable("https://*.example.com"), is_declarable("example.com")
    (True, False)
    """
    return text in (ANY, NULL) or OriginPattern.parse(text) is not None


class Near(NamedTuple):
    """The declared origin that an origin just missed, and by what: ``("http://localhost:8080", "another port")``."""

    declared: str
    difference: str


class OriginSet:
    """The origins that a policy declares, compiled for matching.

    Looking an origin up costs the same whether one origin is declared or a million (S6): a hash look-up for the exact
    ones, and one for each label of the host for the patterns.

    Args:
        declared: Valid patterns as text (`OriginPattern.parse`), ``"*"``, ``"null"``, and regular expressions.

    Example:
        >>> origins = OriginSet(["https://*.example.com", "http://localhost:*"])
        >>> "https://a.b.example.com" in origins, "https://example.com" in origins
        (True, False)
        >>> origins.judge("https://evil.com#.example.com")
        'origin-malformed'
    """

    __slots__ = ("_any", "_declared", "_exact", "_first", "_patterns", "_regexes")

    def __init__(self, declared: Iterable[str | re.Pattern[str]]) -> None:
        self._declared = tuple(declared)
        texts = [entry for entry in self._declared if isinstance(entry, str)]
        self._any = ANY in texts
        self._exact = frozenset(text for text in texts if ANY not in text)
        self._regexes = tuple(entry for entry in self._declared if not isinstance(entry, str))
        # As they were declared: of each pattern there is one spelling alone.
        self._patterns = frozenset(text for text in texts if ANY in text and text != ANY)
        self._first: tuple[OriginPattern, ...] | None = None

    def __contains__(self, text: str) -> bool:
        return self.judge(text) == "allowed"

    def judge(self, text: str) -> Membership:
        """Return ``"allowed"``, or why the origin that a client sent as *text* is not in the set. Never raises.

        >>> OriginSet(["https://example.com"]).judge("https://example.org")
        'origin-not-allowed'
        """
        if text in self._exact:
            return "allowed"
        if text == NULL:
            return "origin-null"  # never by a pattern, a regular expression or "*": only where it is declared (S5)
        origin = Origin.parse(text)
        if origin is None:
            return "origin-malformed"
        if self._any or (self._patterns and self._matches(origin)):
            return "allowed"
        if any(regex.fullmatch(text) for regex in self._regexes):
            return "allowed"
        return "origin-not-allowed"

    def _matches(self, origin: Origin) -> bool:
        return any(wider in self._patterns for wider in _covering(origin.scheme, origin.host, origin.port))

    def covering(self, text: str) -> str | None:
        """Return another declared entry that covers the declared origin *text* already, or ``None``.

        >>> OriginSet(["https://*.example.com", "https://a.example.com"]).covering("https://a.example.com")
        'https://*.example.com'
        """
        if text in (ANY, NULL):
            return None
        if self._any:
            return ANY
        if not self._patterns:
            return None
        # A pattern covers another as it covers an origin: the star of the narrower one counts as a label.
        for wider in _covering(*_parts(text)):
            if wider in self._patterns and wider != text:
                return wider
        return None

    def nearest(self, text: str) -> Near | None:
        """Return the declared origin that *text* most probably should have matched, or ``None`` (S20).

        Looks at the first hundred texts at most, since it answers to what a client sends.

        >>> OriginSet(["http://localhost:8080"]).nearest("http://localhost:3000")
        Near(declared='http://localhost:8080', difference='another port')
        """
        origin = Origin.parse(text)
        if origin is None:
            return None
        if self._first is None:  # parsed once, at the first refusal
            texts = islice((entry for entry in self._declared if isinstance(entry, str)), 100)
            self._first = tuple(pattern for pattern in map(OriginPattern.parse, texts) if pattern)
        covering = frozenset(_covering_hosts(origin.host))
        misses = (
            (size, pattern, difference)
            for pattern in self._first
            for size, difference in _differences(origin, covering, pattern)
        )
        nearest = min(misses, key=lambda miss: miss[0], default=None)
        return None if nearest is None else Near(str(nearest[1]), nearest[2])


def _differences(origin: Origin, covering: frozenset[str], pattern: OriginPattern) -> Iterator[tuple[int, str]]:
    """Yield what *origin* would have to change to match *pattern*, where that is little: its size, and in words.

    *covering* are the hosts that may be declared to cover its own.
    """
    host, declared = origin.host, pattern.host
    same_scheme = origin.scheme == pattern.scheme
    same_port = pattern.port in (ANY, origin.port)
    if declared in covering:
        yield (
            (1, "another port")
            if same_scheme
            else (2, "another scheme")
            if same_port
            else (3, "another scheme and port")
        )
    if not (same_scheme and same_port):
        return
    parent = host.partition(".")[2]
    if declared == f"*.{host}":
        yield 4, "'*.' stands for one or more labels, not for none"
    elif host == declared + ".":
        yield 5, "a final dot more"
    elif host.endswith("." + declared):
        yield 6, "the host alone, not what is below it"
    elif _one_character_apart(host, declared):
        yield 7, "one character differs"
    elif "." in parent and parent == declared.partition(".")[2]:
        yield 8, f"another name before '.{parent}'"


def _one_character_apart(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    shorter, longer = sorted((one, other), key=len)
    same = next((index for index, pair in enumerate(zip(shorter, longer, strict=False)) if pair[0] != pair[1]), None)
    if same is None:
        return len(shorter) != len(longer)
    return shorter[same + (len(shorter) == len(longer)) :] == longer[same + 1 :]


def _covering_hosts(host: str) -> Iterator[str]:
    """Yield what may be declared to cover *host*: ``a.example.com``, ``*.example.com``, ``*.com``, ``*``."""
    yield host
    dot = host.find(".", 2 if host[0] == ANY else 0)  # a pattern itself comes once
    while dot != -1:
        yield "*" + host[dot:]
        dot = host.find(".", dot + 1)
    yield ANY


def _parts(declared: str) -> tuple[str, str, str | None]:
    """Return what *declared*, an origin or a pattern, spells: its scheme, its host, and its port if there is one."""
    scheme, _, rest = declared.partition("://")
    host, colon, port = rest.rpartition(":")
    return (scheme, host, port) if colon and port[-1] != "]" else (scheme, rest, None)


def _covering(scheme: str, host: str, port: int | str | None) -> Iterator[str]:
    """Yield all patterns that cover an origin, or a pattern, of these parts."""
    end = "" if port is None else f":{port}"
    for wider in _covering_hosts(host):
        yield f"{scheme}://{wider}{end}"
        yield f"{scheme}://{wider}:*"


def is_ipv4(host: str) -> bool:
    """Return whether the canonical *host* is an IPv4 address.

    >>> is_ipv4("127.0.0.1"), is_ipv4("example.com")
    (True, False)
    """
    return host[-1:].isdigit() and re.fullmatch(rf"{_BYTE}(?:\.{_BYTE}){{3}}", host) is not None


def is_loopback(host: str) -> bool:
    """Return whether *host* is this very machine, so that plain http to it crosses no network.

    By Secure Contexts §3.1: ``127.0.0.0/8``, ``[::1]``, ``localhost`` and the names below it.

    >>> [is_loopback(host) for host in ("localhost", "app.localhost", "127.1.2.3", "[::1]", "example.com")]
    [True, True, True, True, False]
    """
    return host in ("localhost", "[::1]") or host.endswith(".localhost") or (host.startswith("127.") and is_ipv4(host))


def is_public_suffix(host: str) -> bool:
    """Return whether anybody can register names below *host*, by the Public Suffix List.

    The list is the one that browsers use, private section included. Names that it does not know (``internal``,
    ``test``) are not open to everybody, and count as private.

    >>> [is_public_suffix(host) for host in ("com", "co.uk", "github.io", "example.com", "internal")]
    [True, True, True, False, False]
    """
    return _public_suffixes().publicsuffix(host, accept_unknown=False) == host


def has_public_suffix_below(host: str) -> bool:
    """Return whether there are public suffixes below *host*, so that ``*.`` in front of it reaches strangers' names.

    >>> has_public_suffix_below("amazonaws.com"), has_public_suffix_below("example.com")
    (True, False)
    """
    return any(name.endswith(f".{host}") for name in _public_suffix_names())


@cache
def _public_suffix_names() -> tuple[str, ...]:
    from pathlib import Path  # noqa: PLC0415 - so late, since most policies never come here (P5)

    from publicsuffixlist import PSLFILE  # noqa: PLC0415

    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("//"))


@cache
def _public_suffixes() -> "PublicSuffixList":
    # Imported when the first wildcard needs it: reading the list takes longer than starting the interpreter (P5).
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()


def compressed_ipv6(bracketed: str) -> str | None:
    """Return the IPv6 address *bracketed* as browsers write it (URL §3.5 IPv6 serializer), or ``None``.

    >>> compressed_ipv6("[2001:DB8:0:0:0:0:0:1]"), compressed_ipv6("[::ffff:127.0.0.1]")
    ('[2001:db8::1]', '[::ffff:7f00:1]')
    """
    import ipaddress  # noqa: PLC0415 - so late, since few origins have an address (P5)

    try:
        address = ipaddress.IPv6Address(bracketed[1:-1])
    except ValueError:
        return None
    if address.scope_id is not None:
        return None
    # Not str(address): from Python 3.13 on it writes the last half of a mapped address in dotted decimals.
    groups = ":".join(f"{int(address) >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
    zeros = max(re.finditer(r"\b0(?::0)+\b", groups), key=lambda run: len(run[0]), default=None)
    if zeros is None:
        return f"[{groups}]"
    return f"[{groups[: zeros.start()].removesuffix(':')}::{groups[zeros.end() :].removeprefix(':')}]"
