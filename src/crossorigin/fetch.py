"""The words of the Fetch standard: which methods and headers are special, and how lists of them are written.

Owns the header names of the CORS protocol, the safelists, the forbidden names and the grammar of tokens and lists.
Knows nothing of policies, origins or frameworks: the policy (what a server declares) and the browser model (what a
client does) share this module and nothing else. Sections named below are those of https://fetch.spec.whatwg.org.
"""

import re
from collections.abc import Iterable

# §3.3.2 HTTP requests: what a browser sends.
ORIGIN = "Origin"
REQUEST_METHOD = "Access-Control-Request-Method"
REQUEST_HEADERS = "Access-Control-Request-Headers"
# Never part of Fetch: the Private Network Access draft, abandoned in 2024. Kept for the clients that still ask.
REQUEST_PRIVATE_NETWORK = "Access-Control-Request-Private-Network"
# What tells a same-origin request from a cross-origin one: RFC 9110 §7.2, and Fetch Metadata §2.5.
HOST = "Host"
FETCH_SITE = "Sec-Fetch-Site"

# All that a server reads of a request to decide.
REQUEST_NAMES = (ORIGIN, REQUEST_METHOD, REQUEST_HEADERS, REQUEST_PRIVATE_NETWORK, HOST, FETCH_SITE)

# §3.3.3 HTTP responses: what a server answers.
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"
ALLOW_METHODS = "Access-Control-Allow-Methods"
ALLOW_HEADERS = "Access-Control-Allow-Headers"
MAX_AGE = "Access-Control-Max-Age"
EXPOSE_HEADERS = "Access-Control-Expose-Headers"
ALLOW_PRIVATE_NETWORK = "Access-Control-Allow-Private-Network"
CORS_RESPONSE_HEADERS = frozenset(
    name.lower()
    for name in (
        ALLOW_ORIGIN,
        ALLOW_CREDENTIALS,
        ALLOW_METHODS,
        ALLOW_HEADERS,
        MAX_AGE,
        EXPOSE_HEADERS,
        ALLOW_PRIVATE_NETWORK,
    )
)

# §3.3.4: in the three lists, and as an origin, `*` means "any", but only for requests without credentials.
WILDCARD = "*"

# §2.2.1 Methods. Matched exactly: a method is case-sensitive, `patch` is not `PATCH`.
SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})

# §2.2.2 Headers. Names are compared without case, so the tables hold lower case.
SAFELISTED_REQUEST_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type", "range"})
NON_WILDCARD_REQUEST_HEADERS = frozenset({"authorization"})
FORBIDDEN_REQUEST_HEADERS = frozenset(
    """
    accept-charset accept-encoding access-control-request-headers access-control-request-method connection
    content-length cookie cookie2 date dnt expect host keep-alive origin referer set-cookie te trailer
    transfer-encoding upgrade via
    """.split()
)
FORBIDDEN_REQUEST_HEADER_PREFIXES = ("proxy-", "sec-")
# Forbidden where they would smuggle a forbidden method past the browser.
METHOD_OVERRIDE_HEADERS = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})
NO_CORS_SAFELISTED_REQUEST_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type"})
SAFELISTED_CONTENT_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
# Bytes: of one safelisted value, and of all safelisted values of a request together.
SAFELISTED_VALUE_SIZE = 128
SAFELISTED_VALUES_SIZE = 1024
SAFELISTED_RESPONSE_HEADERS = frozenset(
    "cache-control content-language content-length content-type expires last-modified pragma".split()
)
FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2"})

# Infra §4.6 folds ASCII letters alone; str.upper() and str.lower() fold the long s and the Kelvin sign, too.
_UPPER = {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

# RFC 9110 §5.6.2: methods and header names are tokens.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# §2.2.2: what spoils a safelisted header's value. Bytes from 0x80 are fine for Accept, though not for languages.
_CORS_UNSAFE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_LANGUAGES = re.compile(r"[0-9A-Za-z *,\-.;=]*")
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")
# §2.2.2 HTTP whitespace.
_BLANKS = " \t\r\n"
# One piece of a header's value, up to a comma outside quotes; a quote that is never closed runs to the end.
_PIECE = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?$))*', re.DOTALL)


def is_token(text: str) -> bool:
    """Return whether *text* is one token (RFC 9110 §5.6.2), as every method and header name must be.

    >>> is_token("X-Total-Count"), is_token("GET, DELETE"), is_token("")
    (True, False, False)
    """
    return _TOKEN.fullmatch(text) is not None


def is_forbidden_method(method: str) -> bool:
    """Return whether ``fetch()`` throws on *method* (§2.2.1 forbidden method), in whatever case it is written.

    >>> is_forbidden_method("Trace"), is_forbidden_method("DELETE")
    (True, False)
    """
    return method.translate(_UPPER) in FORBIDDEN_METHODS


def normalize_method(method: str) -> str:
    """Return *method* in the case that a browser sends it (§2.2.1 normalize).

    Only the six methods that the standard names are upper-cased. ``patch`` stays ``patch``, and a server that allows
    ``PATCH`` refuses it: the classic surprise.

    >>> normalize_method("put"), normalize_method("patch")
    ('PUT', 'patch')
    """
    upper = method.translate(_UPPER)
    return upper if upper in NORMALIZED_METHODS else method


def is_forbidden_request_header(name: str, value: str = "") -> bool:
    """Return whether a page can never set the header *name* to *value* (§2.2.2 forbidden request-header).

    Browsers drop such a header in silence, so a preflight never asks for it. Only the three method-override headers
    depend on the value.

    >>> is_forbidden_request_header("Cookie"), is_forbidden_request_header("Sec-Fetch-Site")
    (True, True)
    >>> is_forbidden_request_header("Authorization")
    False
    >>> is_forbidden_request_header("X-HTTP-Method", "PUT"), is_forbidden_request_header("X-HTTP-Method", "trace")
    (False, True)
    """
    lower = name.translate(_LOWER)
    if lower in METHOD_OVERRIDE_HEADERS:
        return any(map(is_forbidden_method, split_value(value)))
    return lower in FORBIDDEN_REQUEST_HEADERS or lower.startswith(FORBIDDEN_REQUEST_HEADER_PREFIXES)


def is_safelisted_request_header(name: str, value: str) -> bool:
    """Return whether a page may send the header *name* with *value* without asking (§2.2.2 CORS-safelisted).

    Args:
        name: In any case.
        value: One header's value, a character for each byte.

    >>> is_safelisted_request_header("Content-Type", "text/plain;charset=utf-8")
    True
    >>> is_safelisted_request_header("Content-Type", "application/json")
    False
    >>> is_safelisted_request_header("Range", "bytes=0-99"), is_safelisted_request_header("Range", "bytes=-99")
    (True, False)
    """
    if len(value) > SAFELISTED_VALUE_SIZE:
        return False
    match name.translate(_LOWER):
        case "accept":
            return _CORS_UNSAFE.search(value) is None
        case "accept-language" | "content-language":
            return _LANGUAGES.fullmatch(value) is not None
        case "content-type":
            return _CORS_UNSAFE.search(value) is None and media_type(value) in SAFELISTED_CONTENT_TYPES
        case "range":
            span = _RANGE.fullmatch(value)
            return span is not None and (not span[2] or int(span[1]) <= int(span[2]))
        case _:
            return False


def unsafe_request_header_names(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of *headers* that a preflight must ask for: in lower case, sorted, each once (§2.2.2).

    Too many safelisted ones together, by the size of their values, are no longer safe.

    >>> unsafe_request_header_names([("X-B", "1"), ("Accept", "*/*"), ("Authorization", "Bearer t")])
    ['authorization', 'x-b']
    """
    unsafe: set[str] = set()
    safe: set[str] = set()
    size = 0
    for name, value in headers:
        if is_safelisted_request_header(name, value):
            safe.add(name.translate(_LOWER))
            size += len(value)
        else:
            unsafe.add(name.translate(_LOWER))
    return sorted(unsafe | safe if size > SAFELISTED_VALUES_SIZE else unsafe)


def is_safelisted_without_cors(name: str, value: str) -> bool:
    """Return whether a page may send the header *name* in mode ``no-cors`` (§2.2.2 no-CORS-safelisted).

    >>> is_safelisted_without_cors("Accept", "text/html"), is_safelisted_without_cors("Range", "bytes=0-99")
    (True, False)
    """
    is_listed = name.translate(_LOWER) in NO_CORS_SAFELISTED_REQUEST_HEADERS
    return is_listed and is_safelisted_request_header(name, value)


def media_type(value: str) -> str | None:
    """Return the essence of a ``Content-Type``, in lower case; ``None`` if it is none (MIME Sniffing §4.4).

    >>> media_type("Application/JSON; charset=utf-8"), media_type("json")
    ('application/json', None)
    """
    main, _, rest = value.strip(_BLANKS).partition("/")
    subtype = rest.partition(";")[0].rstrip(_BLANKS)  # whatever the parameters are, they cannot make it fail
    return f"{main}/{subtype}".translate(_LOWER) if is_token(main) and is_token(subtype) else None


def split_value(value: str) -> list[str]:
    """Return the pieces of *value* between the commas that stand outside quotes (§2.2.2 get, decode, and split).

    Empty pieces are kept, and so are the quotes.

    >>> split_value('"1,2", 3,')
    ['"1,2"', '3', '']
    """
    pieces = []
    position = 0
    while True:
        piece = _PIECE.match(value, position)
        assert piece is not None  # it matches nothing, at least
        pieces.append(piece[0].strip(" \t"))
        position = piece.end() + 1
        if position > len(value):
            return pieces


def lower_name(name: str) -> str:
    """Return the header *name* in lower case, ASCII letters alone (Infra §4.6).

    >>> lower_name("X-Total-Count")
    'x-total-count'
    """
    return name.translate(_LOWER)


def parse_list(lines: Iterable[str]) -> list[str] | None:
    """Return the tokens of a comma-separated list that may be spread over several header *lines*.

    Spaces and tabs around an element and empty elements are skipped (RFC 9110 §5.6.1). One element that is not a token
    spoils the whole list, other lines included: then ``None`` (§2.2.2 extract header list values).

    >>> parse_list(["x-a, x-b", " ,x-c"])
    ['x-a', 'x-b', 'x-c']
    >>> parse_list([""])
    []
    >>> parse_list(["x-a, x b"]) is None
    True
    """
    tokens: list[str] = []
    for line in lines:
        for element in line.split(","):
            token = element.strip(" \t")
            if not token:
                continue
            if not is_token(token):
                return None
            tokens.append(token)
    return tokens
