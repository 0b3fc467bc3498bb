"""What a policy answers, and how an answer is written into a response's headers.

`Answer` is the one value that passes from the rules to the adapters; `Rules` is the pair of questions that gets it.
Everything an answer holds but the request's own origin and names was built with the policy and is shared by all
answers (`Block`). `write` and `write_wire` put an answer into a header list: the only place that knows how CORS headers
are replaced and how ``Vary`` is merged (S7 to S11). No policy, no framework, no I/O in here.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import AnyStr, Generic, Literal, NamedTuple, Never, Protocol, runtime_checkable

from . import fetch

Header = tuple[str, str]
WireHeader = tuple[bytes, bytes]

Reason = Literal[
    "allowed",
    "no-origin",
    "origin-not-allowed",
    "origin-null",
    "origin-malformed",
    "check-refused",
    "check-failed",
    "method-malformed",
    "method-not-allowed",
    "headers-malformed",
    "headers-not-allowed",
    "path-uncovered",
    "path-ambiguous",
]

DENIED = 403  # S15

# What each reason says of the origin, to a developer who reads the log or the body of a refused preflight.
REASONS: dict[Reason, str] = {
    "allowed": "is allowed",
    "no-origin": "is absent",
    "origin-not-allowed": "is not allowed",
    "origin-null": "is not allowed",
    "origin-malformed": "is not the origin of any web page",
    "check-refused": "is not allowed",
    "check-failed": "could not be checked",
    "method-malformed": "asked for something that is not one method",
    "method-not-allowed": "asked for a method that is not allowed",
    "headers-malformed": "asked for headers in a list that is malformed or too long",
    "headers-not-allowed": "asked for a header that is not allowed",
    "path-uncovered": "is not allowed: no policy covers the path",
    "path-ambiguous": "is not allowed: the path can be read in more than one way",
}

# The origin itself is allowed, whatever else was refused.
ORIGIN_ALLOWED: frozenset[Reason] = frozenset(
    {"allowed", "no-origin", "method-malformed", "method-not-allowed", "headers-malformed", "headers-not-allowed"}
)


class Block:
    """The header lines that a kind of answer sends, as far as they were known when the policy was built.

    Attributes:
        text: Names and values, without the request's own origin.
        vary: The names for ``Vary``.
        expose_all: Whether ``Access-Control-Expose-Headers`` must name the headers that the response carries, since
            ``*`` would be read literally (S8).
        keep: The CORS headers, in lower case, of which the application's own lines stay: none of those that the answer
            sets. Beside a policy there are none at all: it is the only writer (S11).
    """

    text: tuple[Header, ...]
    vary: tuple[str, ...]
    expose_all: bool
    keep: frozenset[str]

    def __init__(
        self,
        text: tuple[Header, ...] = (),
        vary: tuple[str, ...] = (),
        expose_all: bool = False,
        keep: frozenset[str] = frozenset(),
    ) -> None:
        vars(self).update(text=text, vary=vary, expose_all=expose_all, keep=keep)

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("a Block is immutable: all answers of its kind share it")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError("a Block is immutable: all answers of its kind share it")

    def __repr__(self) -> str:
        return f"Block({self.text!r}, vary={self.vary!r}, expose_all={self.expose_all!r}, keep={self.keep!r})"

    def varied_by(self, name: str) -> "Block":
        """Return the same with one more name for ``Vary``."""
        return Block(self.text, (name, *self.vary), self.expose_all, self.keep)

    def keeping(self, names: frozenset[str]) -> "Block":
        """Return the same with the application's own lines of *names* kept."""
        return Block(self.text, self.vary, self.expose_all, names)

    # The same for ASGI, encoded once: names in lower case, as its specification demands.

    @cached_property
    def keep_wire(self) -> frozenset[bytes]:
        """What `keep` holds, in bytes."""
        return frozenset(name.encode("ascii") for name in self.keep)

    @cached_property
    def wire(self) -> tuple[WireHeader, ...]:
        """What `text` holds, in bytes."""
        return tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in self.text)

    @cached_property
    def vary_wire(self) -> tuple[bytes, ...]:
        """What `vary` holds, in bytes."""
        return tuple(name.encode("ascii") for name in self.vary)


class Answer(NamedTuple):
    """What the rules say to one request.

    Attributes:
        allowed: For an actual request, whether the page may read the response; for a preflight, whether the browser
            will go on to the actual request.
        reason: A stable word for why.
        block: The shared header lines and names for ``Vary``.
        origin: The value of ``Access-Control-Allow-Origin`` where it is the request's own origin, else ``None``.
        status: For a preflight, the status to answer with; ``None`` for the adapter's ``preflight_status``.
        text: The body of the answer to a preflight, where it is not the usual one.
        error: What ``allow_origin_check`` raised, where the reason is ``"check-failed"``.
    """

    allowed: bool
    reason: Reason
    block: Block
    origin: str | None = None
    status: int | None = None
    text: str | None = None
    error: Exception | None = None

    @property
    def headers(self) -> tuple[Header, ...]:
        """All header lines to set, besides ``Vary``.

        >>> from crossorigin import Policy
        >>> Policy("https://app.example.com").actual("https://app.example.com").headers
        (('Access-Control-Allow-Origin', 'https://app.example.com'),)
        """
        if self.origin is None:
            return self.block.text
        return ((fetch.ALLOW_ORIGIN, self.origin), *self.block.text)

    @property
    def wire_headers(self) -> tuple[WireHeader, ...]:
        """The same header lines as `headers`, encoded for ASGI."""
        if self.origin is None:
            return self.block.wire
        return ((b"access-control-allow-origin", self.origin.encode("latin-1")), *self.block.wire)

    @property
    def origin_allowed(self) -> bool:
        """Whether the origin is allowed, though perhaps not the method or a header that a preflight asks for."""
        return self.reason in ORIGIN_ALLOWED

    @property
    def vary(self) -> tuple[str, ...]:
        """The request headers that the answer may depend on, for ``Vary``."""
        return self.block.vary


@runtime_checkable
class Rules(Protocol):
    """What an adapter asks. A `Policy` is one, and so is everything composed of policies.

    Paths are those that the framework routes on. Origins and lists are passed as the client sent them, well-formed or
    not. Where ``is_async`` holds, only the awaitable twins may be asked. No answer, ``None``, means that the request is
    none of the adapter's business (`crossorigin.LEAVE`).

    Rules may have an attribute ``is_pure``. ``True`` promises that the same question gets the same answer for ever and
    at any path, and that nothing else happens when it is asked, so that an adapter may remember what became of it.
    """

    @property
    def is_async(self) -> bool:
        """Whether an answer may have to be awaited."""
        ...

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer an actual request from *origin*; ``None`` means that it has no ``Origin`` header."""
        ...

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer a preflight that asks for *method* and, in header lines as they came, for *headers*."""
        ...

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does."""
        ...

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does."""
        ...

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Say what would have been allowed instead of what was refused for *reason*, or ``None`` (S20)."""
        ...


class Reply(NamedTuple):
    """A whole response that the application is not asked for."""

    status: int
    headers: list[Header]
    body: bytes


def preflight_reply(answer: Answer, preflight_status: int) -> Reply:
    r"""Return the response that carries *answer*, with *preflight_status* where the origin is allowed (S13, S15).

    >>> from crossorigin import Policy
    >>> preflight_reply(Policy("https://app.example.com").preflight("https://evil.example", "/", "PUT"), 204)
    ... # doctest: +NORMALIZE_WHITESPACE
    Reply(status=403,
          headers=[('Content-Type', 'text/plain; charset=utf-8'), ('Content-Length', '33'), ('Vary', 'Origin')],
          body=b'CORS: the origin is not allowed.\n')
    """
    if answer.status is not None:
        return refusal_reply(answer)
    if answer.text is not None:
        reply = _plain_text(preflight_status, answer.text)
        return reply._replace(headers=write(reply.headers, answer))
    # RFC 9110 §8.6: no Content-Length beside 204.
    content = [] if preflight_status == 204 else [("Content-Length", "0")]
    return Reply(preflight_status, write(content, answer), b"")


def refusal_reply(answer: Answer) -> Reply:
    """Return the response that refuses a request in plain text: a preflight (S15), or what a guard keeps out (S18)."""
    reply = _plain_text(answer.status or DENIED, answer.text or f"CORS: the origin {REASONS[answer.reason]}.\n")
    return reply._replace(headers=write(reply.headers, answer))


def error_reply() -> Reply:
    """Return the response in place of the one that an application failed to give (S12), without CORS headers."""
    return _plain_text(500, "Internal Server Error")


def _plain_text(status: int, text: str) -> Reply:
    body = text.encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return Reply(status, headers, body)


def write(headers: Iterable[Header], answer: Answer) -> list[Header]:
    """Return the response *headers* with *answer* written into them.

    CORS headers that the application set are replaced (S11), ``Vary`` is merged into one line (S10), everything else
    stays as it is, in its order.

    >>> from crossorigin import Policy
    >>> answer = Policy("https://app.example.com").actual("https://evil.example")
    >>> write([("Vary", "Accept"), ("Access-Control-Allow-Origin", "*")], answer)
    [('Vary', 'Accept, Origin')]
    """
    block = answer.block
    return _write(headers, answer.headers, block.vary, block.keep, block.expose_all, _TEXT)


def write_wire(headers: Iterable[WireHeader], answer: Answer) -> list[WireHeader]:
    """Do as `write` does for headers in bytes, as ASGI has them."""
    block = answer.block
    return _write(headers, answer.wire_headers, block.vary_wire, block.keep_wire, block.expose_all, _WIRE)


def keeping(answer: Answer, names: frozenset[str]) -> Block:
    """Return the block of *answer* with the application's own lines of *names* kept, as far as it does not set them.

    >>> from crossorigin import Policy
    >>> answer = Policy("https://app.example.com").actual("https://app.example.com")
    >>> sorted(keeping(answer, frozenset({"access-control-allow-origin", "access-control-expose-headers"})).keep)
    ['access-control-expose-headers']
    """
    replaced = {name.lower() for name, _ in answer.headers}
    if answer.block.expose_all:
        replaced.add(fetch.EXPOSE_HEADERS.lower())
    return answer.block.keeping(names - replaced)


def inner_answer(answer: Answer) -> Answer:
    """Return what of an outer *answer* is left for a response to which an inner policy gave nothing: ``Vary`` (S10)."""
    return Answer(False, answer.reason, Block(vary=answer.vary))


def cors_lines(headers: Iterable[Header]) -> tuple[Header, ...]:
    """Return the CORS lines of *headers*: by them an outer adapter recognises a response that an inner one wrote (S11).

    >>> cors_lines([("Content-Type", "text/html"), ("Access-Control-Allow-Origin", "*")])
    (('Access-Control-Allow-Origin', '*'),)
    """
    return tuple(line for line in headers if line[0].lower().startswith(_TEXT.cors))


def cors_wire_lines(headers: Iterable[WireHeader]) -> tuple[WireHeader, ...]:
    """Do as `cors_lines` does for headers in bytes."""
    return tuple((name, value) for name, value in headers if name.lower().startswith(_WIRE.cors))


class _Words(NamedTuple, Generic[AnyStr]):
    """The words that `_write` needs, as text or as bytes."""

    initials: frozenset[object]
    cors: AnyStr
    vary: AnyStr
    vary_name: AnyStr
    comma: AnyStr
    separator: AnyStr
    star: AnyStr
    blanks: AnyStr
    expose: AnyStr
    unexposed: frozenset[AnyStr]
    is_token: Callable[[AnyStr], bool]


# How the names begin of what an answer replaces or merges with: CORS headers, and Vary.
INITIALS = frozenset("aAvV")
WIRE_INITIALS = frozenset(b"aAvV")
# Set-Cookie is never shown to a page (§2.2.2 forbidden response-header name), the safelisted ones always are.
_UNEXPOSED = fetch.FORBIDDEN_RESPONSE_HEADERS | fetch.SAFELISTED_RESPONSE_HEADERS
_TEXT = _Words(
    INITIALS,
    "access-control-",
    "vary",
    "Vary",
    ",",
    ", ",
    "*",
    " \t",
    fetch.EXPOSE_HEADERS,
    _UNEXPOSED,
    fetch.is_token,
)
_WIRE = _Words(
    WIRE_INITIALS, b"access-control-", b"vary", b"vary", b",", b", ", b"*", b" \t",
    fetch.EXPOSE_HEADERS.lower().encode("ascii"), frozenset(name.encode("ascii") for name in _UNEXPOSED),
    lambda name: fetch.is_token(name.decode("latin-1")),
)  # fmt: skip


def _write(
    headers: Iterable[tuple[AnyStr, AnyStr]],
    ours: tuple[tuple[AnyStr, AnyStr], ...],
    vary: tuple[AnyStr, ...],
    keep: frozenset[AnyStr],
    expose_all: bool,
    words: _Words[AnyStr],
) -> list[tuple[AnyStr, AnyStr]]:
    written: list[tuple[AnyStr, AnyStr]] = []
    varied: list[AnyStr] = []
    for name, value in headers:
        if not name or name[0] not in words.initials:
            written.append((name, value))
            continue
        lower = name.lower()
        if lower.startswith(words.cors) and lower not in keep:
            continue
        if vary and lower == words.vary:
            varied += [element.strip(words.blanks) for element in value.split(words.comma)]
        else:
            written.append((name, value))
    if expose_all:
        names = (name.lower() for name, _ in written if not name.lower().startswith(words.cors))
        # One name that is no token would spoil the whole list (§2.2.2 extract header list values).
        exposed = dict.fromkeys(name for name in names if name not in words.unexposed and words.is_token(name))
        if exposed:
            ours += ((words.expose, words.separator.join(exposed)),)
    written += ours
    if vary and not varied:
        written.append((words.vary_name, words.separator.join(vary)))
    elif vary:
        # RFC 9110 §12.5.5: names are compared without case, and `*` says already that anything may matter.
        merged: dict[AnyStr, AnyStr] = {}
        for element in varied + list(vary):
            if element:
                merged.setdefault(element.lower(), element)
        value = words.star if words.star in merged else words.separator.join(merged.values())
        written.append((words.vary_name, value))
    return written
