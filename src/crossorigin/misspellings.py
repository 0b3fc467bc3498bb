"""How people misspell an origin when they declare one, and what they meant.

`diagnose` reads what `OriginPattern.parse` refused. It takes the text apart as far as it goes, repairs one part after
the other, and reports a finding for each repair; when what is left is a valid pattern, that is every finding's fix. It
runs when a policy is built, never on what a client sends (S3). URL and its parts are those of https://url.spec.whatwg.org.
"""

import re
import unicodedata
from collections.abc import Iterator

from .findings import Finding, finding
from .origins import (
    ANY,
    DEFAULT_PORTS,
    NULL,
    OPAQUE_SCHEMES,
    WEBSOCKET_SCHEMES,
    OriginPattern,
    compressed_ipv6,
    is_declarable,
    is_loopback,
)

# What nobody writes by accident in an origin: an anchor, an escape, a group, a class, "any text" where a host begins.
_REGEX_SIGNS = re.compile(r"\A\^|\$\Z|\\[.dwsDWS]|\.\+|//\.\*|[(|)]|(?<!/)\[[\^a-z0-9\\]|https\?")
# What a regular expression writes where a pattern writes "*." and ":*".
_REGEX_LABELS = re.compile(r"\((?:\?:)?[^()]*\\\.\)\+?(?![*?])|(?:\.|\[[^\]]*\]|\\w)[*+]\??\\?\.")
_REGEX_PORT = re.compile(r"(?:\((?:\?:)?)?:(?:\\d|\[0-9\]|\.)(?:[*+]|\{[0-9,]+\})\)?\??")


def diagnose(value: object, where: str) -> list[Finding]:
    """Return what is wrong with *value* as a declared origin: at least one finding, since it is not a valid pattern.

    >>> [(found.code, found.fix) for found in diagnose("https://Example.com:443/", "allow_origins[0]")]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('origin-path', 'https://example.com'), ('origin-uppercase', 'https://example.com'),
     ('origin-default-port', 'https://example.com')]
    """
    if not isinstance(value, str):
        meant = value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else ""
        repaired = meant if is_declarable(meant) else _Repair(meant).text
        fix = repaired if is_declarable(repaired) and "\ufffd" not in meant else None
        return [finding("origin-type", where, value, fix, f", not {type(value).__name__}")]
    repair = _Repair(value)
    meant_origins = repair.text if is_declarable(repair.text) else repair.several
    # Every walk notes something, since the text is not valid; were it not so, the entry must not vanish in silence.
    return [finding(code, where, value, meant_origins) for code in repair.codes or ["origin-host"]]


class _Repair:
    """One walk over a misspelled origin: ``codes`` of what was wrong, and ``text`` repaired as far as possible."""

    def __init__(self, text: str) -> None:
        self.codes: list[str] = []
        self.several: list[str] | None = None  # what was meant, where that is more than one origin
        self.text = ""
        try:
            self.text = self._origin(text)
        except _HopelessError as verdict:
            self._note(verdict.args[0])

    def _note(self, code: str) -> None:
        if code not in self.codes:
            self.codes.append(code)

    def _origin(self, text: str) -> str:
        bare = text.strip().strip("'\"").strip(" \t\r\n,;")
        if not bare:
            raise _HopelessError("origin-empty")
        if bare != text:
            self._note("origin-whitespace")
        slashes = re.match(r"(https?);?//", bare, re.IGNORECASE)
        if slashes:
            self._note("origin-slashes")
            bare = f"{slashes[1]}://{bare[slashes.end() :]}"
        if ":" in bare and bare.partition(":")[0].lower() in OPAQUE_SCHEMES:
            raise _HopelessError("origin-opaque")
        parts = [part for part in re.split(r"[\s,;]+", bare) if part]
        alike = all("://" in part for part in parts) or ("://" not in bare and all("." in part for part in parts))
        if len(parts) > 1 and (alike or re.search("[,;]", bare)):
            repairs = [part if is_declarable(part) else _Repair(part).text for part in parts]
            self.several = repairs if all(map(is_declarable, repairs)) else None
            raise _HopelessError("origin-list")
        if bare.lower() == NULL:
            return self._lowered(bare)
        if _REGEX_SIGNS.search(bare):
            self._note("origin-regex-text")
            bare = _pattern_of_regex(bare)
            return bare if is_declarable(bare) else ""
        if is_declarable(bare):
            return bare
        scheme, rest = self._scheme(bare)
        host, port = self._host_and_port(self._authority(rest))
        host = self._host(host, scheme)
        if not scheme:
            scheme = "http" if is_loopback(host) else "https"
        return f"{scheme}://{host}{self._port(port, scheme)}"

    def _lowered(self, text: str) -> str:
        if text != text.lower():
            self._note("origin-uppercase")
        return text.lower()

    def _scheme(self, text: str) -> tuple[str, str]:
        """Return the scheme, empty where it is missing, and what follows the slashes."""
        head, colon, tail = text.partition(":")
        slashes = re.match(r"[/\\]*", tail)[0] if colon else ""  # type: ignore[index]
        if not colon or (not slashes and head.lower() not in DEFAULT_PORTS):
            self._note("origin-scheme-missing")
            return "", re.sub(r"\A[/\\]+", "", text)
        rest = tail[len(slashes) :]
        if head == ANY:
            self._note("origin-wildcard")
            return "https", rest
        if not head:
            self._note("origin-scheme-missing")
            return "", rest
        if slashes != "//":
            self._note("origin-slashes")
        scheme = self._lowered(head)
        if scheme in WEBSOCKET_SCHEMES:
            self._note("origin-websocket-scheme")
            return WEBSOCKET_SCHEMES[scheme], rest
        if not re.fullmatch(r"[a-z][a-z0-9+.-]{0,63}", scheme):
            raise _HopelessError("origin-scheme")
        return scheme, rest

    def _authority(self, rest: str) -> str:
        authority = re.match(r"[^/\\?#]*", rest)[0]  # type: ignore[index]
        tail = rest[len(authority) :]
        if tail[:1] in ("/", "\\"):
            self._note("origin-path")
        if "?" in tail or "#" in tail:
            self._note("origin-query")
        if "@" in authority:
            self._note("origin-userinfo")
        return authority.rpartition("@")[2]

    def _host_and_port(self, authority: str) -> tuple[str, str | None]:
        if authority.startswith("["):
            host, bracket, tail = authority.partition("]")
            if not bracket or (tail and not tail.startswith(":")):
                raise _HopelessError("origin-ipv6")
            return host + bracket, tail[1:] if tail else None
        if authority.count(":") > 1:
            self._note("origin-ipv6")
            address, _, port = authority.rpartition(":")
            # "::1:3000" is an address too, but nobody who wrote it meant the group 3000.
            if compressed_ipv6(f"[{address}]"):
                return f"[{address}]", port
            if not compressed_ipv6(f"[{authority}]"):
                raise _HopelessError("origin-port" if "." in authority or ANY in authority else "origin-ipv6")
            return f"[{authority}]", None
        host, colon, port = authority.partition(":")
        return host, port if colon else None

    def _port(self, port: str | None, scheme: str) -> str:
        if port is None or port == ANY:
            return "" if port is None else ":*"
        if ANY in port:
            self._note("origin-wildcard")
            return ":*"
        if not port:
            self._note("origin-port")
            return ""
        digits = port.lstrip("0")
        if not re.fullmatch("[0-9]{1,5}", digits) or int(digits) > 65535:
            raise _HopelessError("origin-port")
        if int(digits) == DEFAULT_PORTS.get(scheme):
            self._note("origin-default-port")
            return ""
        if digits != port:
            self._note("origin-port")
        return f":{digits}"

    def _host(self, host: str, scheme: str) -> str:
        if not host:
            raise _HopelessError("origin-host")
        if host.startswith("["):
            compressed = compressed_ipv6(host)
            if compressed != host:
                self._note("origin-ipv6")
            if compressed is None:
                raise _HopelessError("origin-ipv6")
            return compressed
        if not host.isascii():
            self._note("origin-unicode")
            host = ".".join(map(_punycode, re.split("[.\u3002\uff0e\uff61]", host)))  # UTS #46 §2.3: the other dots
        host = self._lowered(host)
        if ANY in host:
            return self._wildcard(host)
        address = _ipv4(host)
        if address is not None and address != host:
            self._note("origin-ipv4")
            return address
        if address is None and re.fullmatch(r"[0-9.]+", host):
            raise _HopelessError("origin-ipv4")
        if not OriginPattern.parse(f"x://{host}"):
            self._note("origin-host")
            return re.sub(r"\.{2,}", ".", host).strip(".") if scheme else ""
        return host

    def _wildcard(self, host: str) -> str:
        # Everything up to the last star becomes the star: a pattern cannot say less.
        behind = host.rpartition(ANY)[2]
        behind = (behind.partition(".")[2] if behind[:1] in ("-", "_") else behind).strip(".")
        meant = f"*.{behind}" if behind else ANY
        if host != meant or _ipv4(behind):
            self._note("origin-wildcard")
        elif not OriginPattern.parse(f"x://{host}"):
            self._note("origin-host")
        # "https://example.*" and "https://*" have nothing in common that one could propose.
        return meant if host == meant or "." in behind else ""


class _HopelessError(Exception):
    """Nothing can be repaired behind this mistake. Carries its code."""


def _pattern_of_regex(expression: str) -> str:
    """Return the pattern that the common shapes of origin expression mean; anything else comes back unusable."""
    text = expression.removeprefix("^").removesuffix("$").replace(r"\/", "/").replace(r"\-", "-")
    text = text.replace("https?://", "https://")
    text = _REGEX_PORT.sub(":*", text)
    return _REGEX_LABELS.sub("*.", text).replace(r"\.", ".")


def _punycode(label: str) -> str:
    # UTS #46 as browsers apply it, near enough for a proposal: NFKC, each letter in lower case (so that no sigma turns
    # final), what is invisible dropped, and ß kept.
    if any(unicodedata.category(character) == "Cs" for character in label):
        raise _HopelessError("origin-host")
    lowered = "".join(character.lower() for character in unicodedata.normalize("NFKC", label))
    folded = unicodedata.normalize("NFKC", re.sub("[\u00ad\u200b\u2060\ufe00-\ufe0f\ufeff]", "", lowered))
    return folded if folded.isascii() else "xn--" + folded.encode("punycode").decode("ascii")


def _ipv4(host: str) -> str | None:
    """Return the four numbers that *host* means to a browser (URL §3.5 IPv4 parser), or ``None``."""
    try:
        numbers = list(_ipv4_numbers(host))
    except ValueError:
        return None
    *bytes_, last = numbers
    if len(numbers) > 4 or any(byte > 255 for byte in bytes_) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(byte << 8 * (3 - place) for place, byte in enumerate(bytes_))
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def _ipv4_numbers(host: str) -> Iterator[int]:
    for part in host.removesuffix(".").split("."):
        if not re.fullmatch("0x[0-9a-f]*|[0-9]{1,20}", part):  # int() takes signs and underscores, too
            raise ValueError(part)
        if part.startswith("0x"):
            yield int(part[2:] or "0", 16)
        else:
            yield int(part, 8 if len(part) > 1 and part.startswith("0") else 10)
