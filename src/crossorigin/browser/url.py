"""URLs as a browser reads them: which origin one has, how it is written, what a reference means beside a base.

Restates the URL Standard (https://url.spec.whatwg.org) as far as a fetch needs it: the parser with a base (§4.4), the
serialisation (§4.5) and the origin (§4.7). The parser is not the standard's state machine, which reads one character at
a time: it cuts the text at the same places, from the outside to the inside. Knows nothing of requests; what stands for
the host is read by ``host``, and what that cannot know is told there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

from crossorigin.browser.host import parse_host

# URL §4.2 special schemes and their default ports.
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
SPECIAL_SCHEMES = frozenset({*DEFAULT_PORTS, "file"})
HTTP_SCHEMES = frozenset({"http", "https"})
OPAQUE_ORIGIN = "null"  # HTML §7.1.1, the serialisation of an opaque origin

# URL §1.3 percent-encode sets. All encode the C0 controls, U+007F and what is not ASCII.
_C0_CONTROL = r"\x00-\x1f\x7f-\U0010ffff"
_QUERY = _C0_CONTROL + ' "#<>'
_PATH = _QUERY + "?^`{}"
_IN_OPAQUE_PATH = re.compile(f"[{_C0_CONTROL}]+")
_IN_FRAGMENT = re.compile(f'[{_C0_CONTROL} "<>`]+')
_IN_QUERY = re.compile(f"[{_QUERY}]+")
_IN_SPECIAL_QUERY = re.compile(f"[{_QUERY}']+")
_IN_PATH = re.compile(f"[{_PATH}]+")
_IN_USERINFO = re.compile(rf"[{_PATH}/:;=@\[\\\]|]+")

_SHOWN = 200  # characters of a hostile text in a message

_C0_CONTROL_OR_SPACE = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAB_OR_NEWLINE = re.compile(r"[\t\n\r]")
# A colon in brackets belongs to the host.
_HOST_AND_PORT = re.compile(r"((?:[^:\[]|\[[^\]]*\])*)(?::(.*))?", re.DOTALL)
_SINGLE_DOT = re.compile(r"\.|%2e", re.IGNORECASE)
_DOUBLE_DOT = re.compile(r"(?:\.|%2e){2}", re.IGNORECASE)
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_DRIVE_LETTER = re.compile(r"[A-Za-z][:|]")


class URLError(ValueError):
    """A text is not a URL, so that ``new URL()`` and ``fetch()`` throw a ``TypeError``. The message says why."""


class _Authority(NamedTuple):
    username: str
    password: str
    host: str | None
    port: int | None


_NO_AUTHORITY = _Authority("", "", None, None)
_LOCAL = _Authority("", "", "", None)


@dataclass(frozen=True, slots=True)
class URL:
    """A URL record (URL §4.1), in serialised parts.

    Attributes:
        scheme: In lower case, without the colon.
        username: Percent-encoded; empty if there is none.
        password: Percent-encoded; empty if there is none.
        host: A domain in ASCII, an IPv4 address, an IPv6 address in brackets, or what another scheme has for a host;
            ``None`` if the URL has no authority.
        port: ``None`` if there is none, or if it is the scheme's default.
        path: Percent-encoded; begins with ``/`` unless it is empty or opaque (``mailto:me``, ``data:,``).
        query: What follows ``?``, which can be empty; ``None`` without a ``?``.
        fragment: What follows ``#``, which can be empty; ``None`` without a ``#``.

    Example:
        >>> url = URL.parse("HTTPS://me@Example.com:443/a/../b?c#d")
        >>> str(url), url.origin, url.target, url.has_credentials
        ('https://me@example.com/b?c#d', 'https://example.com', '/b?c', True)
    """

    scheme: str
    username: str
    password: str
    host: str | None
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @classmethod
    def parse(cls, text: str, base: "URL | None" = None) -> Self:
        """Return the URL that *text* spells, relative to *base* if it is a relative reference (URL §4.4).

        Raises:
            URLError: *text* is not a URL, or it is relative and there is no base that it can be relative to.

        Example:
            >>> str(URL.parse("../b", URL.parse("https://example.com/a/")))
            'https://example.com/b'
            >>> URL.parse("https://example.com:http/")
            Traceback (most recent call last):
            ...
            crossorigin.browser.url.URLError: 'https://example.com:http/' is not a URL: 'http' is not a port
        """
        # An API's argument is a scalar value string (Infra §4.6): half a character stands for U+FFFD.
        rest = _TAB_OR_NEWLINE.sub("", _SURROGATE.sub("\ufffd", text).strip(_C0_CONTROL_OR_SPACE))
        rest, hash_sign, fragment = rest.partition("#")
        rest, question_mark, query = rest.partition("?")
        try:
            scheme, authority, path, inherited_query = _resolve(rest, base, bool(question_mark), bool(hash_sign))
        except ValueError as reason:
            raise URLError(f"{text[:_SHOWN]!a} is not a URL: {str(reason)[:_SHOWN]}") from None
        in_query = _IN_SPECIAL_QUERY if scheme in SPECIAL_SCHEMES else _IN_QUERY
        return cls(
            scheme,
            *authority,
            path,
            _percent_encode(query, in_query) if question_mark else inherited_query,
            _percent_encode(fragment, _IN_FRAGMENT) if hash_sign else None,
        )

    def __str__(self) -> str:
        return self.without_fragment() + ("" if self.fragment is None else f"#{self.fragment}")

    def without_fragment(self) -> str:
        """Return the serialisation without the fragment (URL §4.5), as a request is sent and as it is cached.

        >>> URL.parse("https://example.com/#top").without_fragment()
        'https://example.com/'
        """
        if self.host is None:
            # Without "/." the path would be read as an authority.
            return f"{self.scheme}:" + ("/." if self.path.startswith("//") else "") + self.target
        userinfo = self.username + (f":{self.password}" if self.password else "")
        return f"{self.scheme}://" + (f"{userinfo}@" if userinfo else "") + self._host_and_port + self.target

    @property
    def _host_and_port(self) -> str:
        return f"{self.host}" + ("" if self.port is None else f":{self.port}")

    @property
    def target(self) -> str:
        """The path and the query, as in a request line.

        >>> URL.parse("https://example.com?a=1#top").target
        '/?a=1'
        """
        return self.path + ("" if self.query is None else f"?{self.query}")

    @property
    def origin(self) -> str:
        """The serialised origin (URL §4.7, HTML §7.1.1); ``"null"`` is opaque, and is the same origin as no other.

        ``blob:`` has the origin of the URL in it, if that is http or https. The standard leaves ``file:`` open; here it
        is opaque, as browsers send it.

        >>> [URL.parse(text).origin for text in ("http://[::1]:80/a", "blob:https://example.com/1-2-3", "data:,")]
        ['http://[::1]', 'https://example.com', 'null']
        """
        if self.scheme in DEFAULT_PORTS:
            return f"{self.scheme}://{self._host_and_port}"
        if self.scheme == "blob":
            try:
                inner = URL.parse(self.path)
            except URLError:
                return OPAQUE_ORIGIN
            return inner.origin if inner.is_http else OPAQUE_ORIGIN
        return OPAQUE_ORIGIN

    @property
    def has_credentials(self) -> bool:
        """Whether there is a username or a password (URL §4.1, includes credentials): ``fetch()`` refuses such URLs."""
        return bool(self.username or self.password)

    @property
    def is_http(self) -> bool:
        """Whether the scheme is http or https (Fetch §2.1, HTTP(S) scheme), the only ones that CORS knows."""
        return self.scheme in HTTP_SCHEMES

    @property
    def _has_opaque_path(self) -> bool:
        return self.host is None and not self.path.startswith("/")

    @property
    def _authority(self) -> _Authority:
        return _Authority(self.username, self.password, self.host, self.port)


class _Resolved(NamedTuple):
    scheme: str
    authority: _Authority
    path: str
    inherited_query: str | None = None  # of the base; a query of the reference's own goes before it


def _resolve(rest: str, base: URL | None, has_query: bool, has_fragment: bool) -> _Resolved:
    """Find the scheme of a reference without its query and fragment, and read the rest as that scheme is read."""
    match = _SCHEME.match(rest)
    if match is None:
        if base is None:
            raise ValueError("it has no scheme, and no base that it is relative to")
        if base._has_opaque_path:
            if rest or has_query or not has_fragment:
                raise ValueError(f"nothing but a fragment is relative to a {base.scheme}: URL")
            return _Resolved(base.scheme, base._authority, base.path, base.query)
        scheme = base.scheme
    else:
        scheme, rest = match[1].lower(), rest[match.end() :]
    if scheme in SPECIAL_SCHEMES:
        rest = rest.replace("\\", "/")
        if base is not None and base.scheme != scheme:
            base = None
    elif match is not None:
        base = None
    if scheme == "file":
        return _resolve_file(rest, base)
    if rest.startswith("//") or (base is None and scheme in SPECIAL_SCHEMES):
        # A special scheme's authority begins after any number of slashes, even none.
        after = rest.lstrip("/") if scheme in SPECIAL_SCHEMES else rest[2:]
        authority, slash, path = after.partition("/")
        return _Resolved(scheme, _parse_authority(authority, scheme), _parse_path(slash + path, scheme))
    if base is not None:
        return _resolve_relative(rest, base)
    path = _parse_path(rest, scheme) if rest.startswith("/") else _parse_opaque_path(rest, has_query or has_fragment)
    return _Resolved(scheme, _NO_AUTHORITY, path)


def _resolve_relative(rest: str, base: URL) -> _Resolved:
    """URL §4.4 relative state and relative slash state."""
    if not rest:
        return _Resolved(base.scheme, base._authority, base.path, base.query)
    folder = [] if rest.startswith("/") else _segments(base.path)[:-1]
    return _Resolved(base.scheme, base._authority, _parse_path(rest, base.scheme, folder))


def _resolve_file(rest: str, base: URL | None) -> _Resolved:
    """URL §4.4 file state, file slash state and file host state, with their quirks for Windows drive letters."""
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if _DRIVE_LETTER.fullmatch(host):
            return _Resolved("file", _LOCAL, _parse_path(f"/{host}{slash}{path}", "file"))
        host = parse_host(host) if host else ""
        authority = _LOCAL if host == "localhost" else _LOCAL._replace(host=host)
        return _Resolved("file", authority, _parse_path(slash + path, "file"))
    if base is None:
        return _Resolved("file", _LOCAL, _parse_path(rest, "file"))
    if not rest:
        return _Resolved("file", base._authority, base.path, base.query)
    drive = _DRIVE_LETTER.fullmatch(rest.removeprefix("/").partition("/")[0])
    folder = [] if drive else _segments(base.path)
    if rest.startswith("/"):
        folder = [first for first in folder[:1] if _is_drive(first)]
    else:
        _shorten(folder, "file")
    return _Resolved("file", base._authority, _parse_path(rest, "file", folder))


def _parse_authority(text: str, scheme: str) -> _Authority:
    """URL §4.4 authority state, host state and port state. All before the last ``@`` is userinfo."""
    userinfo, _, host_and_port = text.rpartition("@")
    username, _, password = userinfo.partition(":")
    match = _HOST_AND_PORT.fullmatch(host_and_port)
    if match is None:
        raise ValueError("it has a bracket that is not closed")
    host, port = match.groups()
    special = scheme in SPECIAL_SCHEMES
    if not host and (special or "@" in text or port is not None):
        raise ValueError("it has no host")
    return _Authority(
        _percent_encode(username, _IN_USERINFO),
        _percent_encode(password, _IN_USERINFO),
        parse_host(host, opaque=not special) if host else "",
        _parse_port(port, scheme) if port else None,
    )


def _parse_port(text: str, scheme: str) -> int | None:
    digits = text.lstrip("0")
    if not re.fullmatch("[0-9]*", digits) or len(digits) > 5 or int("0" + digits) > 65535:
        raise ValueError(f"{text!a} is not a port")
    port = int("0" + digits)
    return None if port == DEFAULT_PORTS.get(scheme) else port


def _parse_path(text: str, scheme: str, folder: Iterable[str] = ()) -> str:
    """URL §4.4 path start state and path state: append the segments of *text* to those of *folder*."""
    if not text and scheme not in SPECIAL_SCHEMES:
        return ""
    segments = list(folder)
    parts = text.removeprefix("/").split("/")
    for part in parts:
        if _DOUBLE_DOT.fullmatch(part):
            _shorten(segments, scheme)
        elif not _SINGLE_DOT.fullmatch(part):
            segments.append(_parse_segment(part, scheme, is_first=not segments))
    if _DOTS.fullmatch(parts[-1]):
        segments.append("")  # "/a/.." is a folder
    return "".join(f"/{segment}" for segment in segments)


def _parse_segment(text: str, scheme: str, *, is_first: bool) -> str:
    if scheme == "file" and is_first and _DRIVE_LETTER.fullmatch(text):
        return f"{text[0]}:"
    return _percent_encode(text, _IN_PATH)


def _parse_opaque_path(text: str, is_followed: bool) -> str:
    """URL §4.4 opaque path state. A space at the end would be lost if what follows was taken away."""
    if is_followed and text.endswith(" "):
        text = text[:-1] + "%20"
    return _percent_encode(text, _IN_OPAQUE_PATH)


def _segments(path: str) -> list[str]:
    return path.split("/")[1:]


def _shorten(segments: list[str], scheme: str) -> None:
    """URL §4.1 shorten: remove the last segment, if there is one, but never a drive."""
    if segments and not (scheme == "file" and len(segments) == 1 and _is_drive(segments[0])):
        segments.pop()


def _is_drive(segment: str) -> bool:
    """URL §4.1 normalized Windows drive letter."""
    return len(segment) == 2 and segment[1] == ":" and _DRIVE_LETTER.fullmatch(segment) is not None


def _percent_encode(text: str, characters: re.Pattern[str]) -> str:
    """URL §1.3 UTF-8 percent-encode, those *characters* alone."""
    return characters.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)
