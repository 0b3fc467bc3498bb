"""The words of the Fetch standard: which methods and headers are special, and how lists of them are written.

Owns the header names of the CORS protocol, the safelists, the forbidden names and the grammar of tokens and lists.
Knows nothing of policies, origins or frameworks: the policy (what a server declares) and the browser model (what a
client does) share this module and nothing else. Sections named below are those of https://fetch.spec.whatwg.org.
"""

import re
from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

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
SAFELISTED_RESPONSE_HEADERS = frozenset(
    "cache-control content-language content-length content-type expires last-modified pragma".split()
)
FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2"})

# Infra §4.6 folds ASCII letters alone; str.upper() and str.lower() fold the long s and the Kelvin sign, too.
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

# RFC 9110 §5.6.2: methods and header names are tokens.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


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


def is_forbidden_request_header(name: str) -> bool:
    """Return whether a page can never set the header *name* (§2.2.2 forbidden request-header, the part about names).

    Browsers drop such a header in silence, so a preflight never asks for it. The three method-override headers are
    forbidden for some values only, and are not covered here.

    >>> is_forbidden_request_header("Cookie"), is_forbidden_request_header("Sec-Fetch-Site")
    (True, True)
    >>> is_forbidden_request_header("Authorization")
    False
    """
    lower = name.translate(_LOWER)
    return lower in FORBIDDEN_REQUEST_HEADERS or lower.startswith(FORBIDDEN_REQUEST_HEADER_PREFIXES)


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
