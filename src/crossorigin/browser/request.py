"""What a page asks for: the arguments of ``fetch()``, read as the Request constructor reads them (Fetch §5.4).

Whatever makes a browser throw before anything is sent raises `RequestError` here. What a browser drops in silence is
dropped, and kept in `Request.dropped` for whoever wants to say so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from .. import fetch
from .messages import Header
from .url import URL, URLError

Mode = Literal["cors", "no-cors", "same-origin"]
Credentials = Literal["omit", "same-origin", "include"]
Redirect = Literal["follow", "error", "manual"]
ReferrerPolicy = Literal[
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]

_BLANKS = " \t\r\n"
_LONGEST = 120
_POLICIES: dict[str, ReferrerPolicy] = {policy: policy for policy in get_args(ReferrerPolicy)}


def policy_of(lines: Iterable[str]) -> ReferrerPolicy | None:
    """Return the referrer policy that a response's ``Referrer-Policy`` *lines* set: the last one that is known.

    Referrer Policy §8.1, parse a referrer policy.

    >>> policy_of(["no-referrer, something-new"]), policy_of([])
    ('no-referrer', None)
    """
    named = [_POLICIES[token] for token in fetch.parse_list(lines) or [] if token in _POLICIES]
    return named[-1] if named else None


class RequestError(ValueError):
    """A request that no page can make: ``fetch()`` throws a TypeError before anything is sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of ``fetch()``, checked and normalised: make one with `Request.of`.

    Attributes:
        url: Where to.
        method: In the case in which it is sent.
        headers: Those that the page may set, in order, duplicates apart.
        body: ``None`` for no body.
        mode: Whether the page wants to read another origin's response, and how.
        credentials: When cookies go with the request.
        redirect: What happens to a redirect.
        referrer_policy: What the request says of the page.
        streaming: Whether the body is a stream, which cannot be sent twice.
        upload_listener: Whether the page watches the upload's progress, as XMLHttpRequest lets it (XHR §3.5.6).
        dropped: The headers that the page set and that a browser drops in silence.
    """

    url: URL
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    body: bytes | None = None
    mode: Mode = "cors"
    credentials: Credentials = "same-origin"
    redirect: Redirect = "follow"
    referrer_policy: ReferrerPolicy = "strict-origin-when-cross-origin"
    streaming: bool = False
    upload_listener: bool = False
    dropped: tuple[Header, ...] = ()

    @classmethod
    def of(
        cls,
        url: str,
        *,
        base: str | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | Iterable[Header] = (),
        body: str | bytes | None = None,
        mode: Mode = "cors",
        credentials: Credentials = "same-origin",
        redirect: Redirect = "follow",
        referrer_policy: ReferrerPolicy = "strict-origin-when-cross-origin",
        streaming: bool = False,
        upload_listener: bool = False,
    ) -> "Request":
        """Return the request that ``fetch(url, {...})`` makes.

        Args:
            url: Absolute, or relative to *base*.
            base: The page's own URL.
            method: In any case. Only DELETE, GET, HEAD, OPTIONS, POST and PUT are upper-cased by browsers.
            headers: Names and values. A pair for each header keeps duplicates apart, as ``fetch()`` does.
            body: Text is sent as UTF-8, and as ``text/plain`` where no header says otherwise.
            mode: ``"cors"``, ``"no-cors"`` or ``"same-origin"``.
            credentials: ``"omit"``, ``"same-origin"`` or ``"include"``.
            redirect: ``"follow"``, ``"error"`` or ``"manual"``.
            referrer_policy: As in the ``Referrer-Policy`` header.
            streaming: Whether the body is a stream.
            upload_listener: Whether the page listens to the upload's progress.

        Raises:
            RequestError: If a browser throws on any of them; the message says what to write instead.

        >>> Request.of("https://api.example.com/items", method="put", headers={"Cookie": "a=b", "X-A": "1"})
        ... # doctest: +ELLIPSIS
        Request(url=..., method='PUT', headers=(('X-A', '1'),), ..., dropped=(('Cookie', 'a=b'),))
        >>> Request.of("https://api.example.com/items", method="CONNECT")
        Traceback (most recent call last):
        crossorigin.browser.request.RequestError: no page can use the method 'CONNECT': browsers forbid it
        """
        for name, value, words in (
            ("mode", mode, Mode),
            ("credentials", credentials, Credentials),
            ("redirect", redirect, Redirect),
            ("referrer_policy", referrer_policy, ReferrerPolicy),
        ):
            if value not in get_args(words):
                known = ", ".join(map(repr, get_args(words)))
                raise RequestError(f"{name} is one of {known}, not {value!r}")
        if not isinstance(body, str | bytes | None):
            raise RequestError(f"a body is text or bytes, not {type(body).__name__}: write what JSON.stringify would")
        method = _method(method, mode)
        if body is not None and method in ("GET", "HEAD"):
            raise RequestError(f"a {method} request has no body: use POST, or put the data into the URL")
        if streaming and mode == "no-cors":
            raise RequestError("a request in mode 'no-cors' cannot stream its body: use mode='cors'")
        sent, dropped = _headers(headers or (), mode)
        if isinstance(body, str):
            # §5.2 extract a body: text has a type of its own, and that type needs no preflight.
            body = body.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
            if not any(fetch.lower_name(name) == "content-type" for name, _ in sent):
                sent.append(("Content-Type", "text/plain;charset=UTF-8"))
        return cls(
            _url(url, base), method, tuple(sent), body, mode, credentials, redirect, referrer_policy, streaming,
            upload_listener, tuple(dropped),
        )  # fmt: skip

    @property
    def forces_preflight(self) -> bool:
        """Whether the use-CORS-preflight flag is set, so that even a simple request is preflighted."""
        return self.streaming or self.upload_listener


def _url(text: object, base: str | None) -> URL:
    if not isinstance(text, str):
        raise RequestError(f"a URL is text, not {type(text).__name__}")
    try:
        url = URL.parse(text, None if base is None else URL.parse(base))
    except URLError as error:
        raise RequestError(f"no browser can fetch {_shown(text)}: {error}") from None
    if url.scheme in ("blob", "data"):
        raise RequestError(f"a page reads {url.scheme}: URLs without the network, so that there is nothing to allow")
    if url.has_credentials:
        raise RequestError(
            f"no browser fetches a URL with a user name in it ({_shown(text)}): send an Authorization header instead"
        )
    return url


def _method(method: object, mode: Mode) -> str:
    if not isinstance(method, str) or not fetch.is_token(method):
        raise RequestError(f"a method is one word such as GET or PUT, not {_shown(method)}")
    if fetch.is_forbidden_method(method):
        raise RequestError(f"no page can use the method {method!r}: browsers forbid it")
    method = fetch.normalize_method(method)
    if mode == "no-cors" and method not in fetch.SAFELISTED_METHODS:
        raise RequestError(
            f"in mode 'no-cors' a page can only GET, HEAD and POST, not {_shown(method)}: use mode='cors'"
        )
    return method


def _headers(headers: Mapping[str, str] | Iterable[Header], mode: Mode) -> tuple[list[Header], list[Header]]:
    """Return the headers that are sent, and those that are dropped."""
    sent: list[Header] = []
    dropped: list[Header] = []
    for header in headers.items() if isinstance(headers, Mapping) else headers:
        match header:
            case (str(name), str(value)):
                value = value.strip(_BLANKS)
            case _:
                raise RequestError(f"a header is a name and a value, both text, not {_shown(header)}")
        if not fetch.is_token(name):
            raise RequestError(f"a header's name is one word such as X-Request-Id, not {_shown(name)}")
        if not value.isascii() and max(value) > "\xff":
            raise RequestError(
                f"the value of {name} has a character that no header can carry: {_shown(value)}; encode it"
            )
        if any(character in value for character in "\0\r\n"):
            raise RequestError(f"the value of {name} has a line end or a NUL in it: {_shown(value)}; send one line")
        allowed = mode != "no-cors" or fetch.is_safelisted_without_cors(name, _combined(sent, name, value))
        drops = fetch.is_forbidden_request_header(name, value) or not allowed
        (dropped if drops else sent).append((name, value))
    return sent, dropped


def _combined(headers: list[Header], name: str, value: str) -> str:
    """Return *value* behind the values that *headers* have for *name* already (§5.1 append, in mode no-cors)."""
    lower = fetch.lower_name(name)
    return ", ".join([*(known for key, known in headers if fetch.lower_name(key) == lower), value])


def _shown(value: object) -> str:
    """Return *value* as code, not longer than a line."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
