"""What comes out of a fetch in a test: the response as the page's script has it, or the error that it gets.

Owns how a `Verdict` reads in Python and on a terminal. Knows nothing of how it was reached. The response's members are
those of ``Response`` in the Fetch standard (§5.5), in Python's spelling.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import fetch
from ..browser import Exchange, HTTPResponse, Verdict, VisibleResponse
from ..browser.messages import Header, get
from ..browser.transcript import transcript
from ..browser.verdicts import ResponseType

# The commonest mistake of all leaves nothing on the wire to be named by.
_NOT_ALLOWED = (
    "the server does not allow the origin {}, or has no CORS at this URL: allowed origins are compared letter for "
    "letter, with their scheme and port, and end without a slash"
)
# A status of the application's own failure, which says nothing of origins.
_FAILED = (
    "the application failed ({}), and its log says why: most CORS middleware adds nothing to such a response, whatever "
    "the origin"
)


class Headers(Mapping[str, str]):
    """Response headers that the page sees, by name in any case.

    Those that the response had and the page does not see are missing here, as they are in a browser; the ``repr`` and
    the ``KeyError`` tell of them.

    >>> headers = Headers([("Content-Type", "text/plain")], hidden=["X-Total-Count"])
    >>> headers["content-type"], headers.get("X-Total-Count")
    ('text/plain', None)
    >>> headers
    Headers({'content-type': 'text/plain'}, hidden from the page: x-total-count)
    """

    def __init__(self, lines: Iterable[Header], hidden: Iterable[str] = ()) -> None:
        self._lines = tuple(lines)
        self._names = tuple(dict.fromkeys(fetch.lower_name(name) for name, _ in self._lines))
        self._hidden = tuple(dict.fromkeys(map(fetch.lower_name, hidden)))

    def __getitem__(self, name: str) -> str:
        value = get(self._lines, name)
        if value is not None:
            return value
        lower = fetch.lower_name(name)
        if lower in fetch.FORBIDDEN_RESPONSE_HEADERS:
            raise KeyError(f"{name}, which no page ever sees")
        if lower in self._hidden:
            raise KeyError(f"{name}, which is hidden from the page: Access-Control-Expose-Headers does not list it")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        hidden = f", hidden from the page: {', '.join(self._hidden)}" if self._hidden else ""
        return f"Headers({dict(self)!r}{hidden})"


class Response:
    """A response as the page's script sees it.

    Attributes:
        verdict: How it came about: the steps, and all that went over the wire.
        exception: What the application raised while it answered, if it runs in this process and let it pass.
    """

    def __init__(self, verdict: Verdict, visible: VisibleResponse, exception: Exception | None = None) -> None:
        self.verdict = verdict
        self.exception = exception
        self._visible = visible

    @property
    def status(self) -> int:
        """The status; 0 for an opaque response."""
        return self._visible.status

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status <= 299

    @property
    def type(self) -> ResponseType:
        """One of ``"basic"``, ``"cors"``, ``"opaque"`` and ``"opaqueredirect"``."""
        return self._visible.type

    @property
    def url(self) -> str:
        """Where the response came from, after all redirects; empty for an opaque one."""
        return self._visible.url

    @property
    def redirected(self) -> bool:
        """Whether a redirect was followed."""
        return self._visible.redirected

    @property
    def headers(self) -> Headers:
        """The headers that the page sees."""
        return Headers(self._visible.headers, [name for name, _ in self._hidden_lines])

    @property
    def hidden_headers(self) -> Headers:
        """The headers that the response had and the page does not see."""
        return Headers(self._hidden_lines)

    @property
    def body(self) -> bytes:
        """The bytes that the page can read, with the content coding undone."""
        return self._visible.body

    @property
    def text(self) -> str:
        """The body as UTF-8, whatever the Content-Type says, as ``await response.text()`` has it."""
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """Return what the body says in JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.text)

    def __repr__(self) -> str:
        raised = f", the application raised {self.exception!r}" if self.exception else ""
        return f"<Response {self.status} {self.type} {self.url}{raised}>"

    @property
    def _hidden_lines(self) -> list[Header]:
        answered = self.verdict.exchanges[-1].response
        lines = answered.headers if isinstance(answered, HTTPResponse) else ()
        seen = {fetch.lower_name(name) for name, _ in self._visible.headers}
        return [line for line in lines if fetch.lower_name(line[0]) not in seen]


class CORSError(Exception):
    """The page gets no response: its ``fetch()`` fails with a TypeError, and the console says why.

    What the application raised meanwhile, if it runs in this process and let it pass, is the error's ``__cause__``.

    Attributes:
        verdict: Why, by a stable `Verdict.code`, and all that went over the wire.
    """

    __module__ = "crossorigin.testing"  # where it is imported from, and what a traceback says

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict

    def __str__(self) -> str:
        lines = [self.verdict.message, f"  ({self.verdict.clause}; code {self.verdict.code!r})"]
        if self.__cause__:
            lines.append(f"  the application raised {self.__cause__!r}")
        elif self.verdict.code == "allow-origin-missing":
            lines.append(f"  {_not_allowed(self.verdict.exchanges[-1])}")
        return "\n".join(lines + transcript(self.verdict.exchanges))


def _not_allowed(exchange: Exchange) -> str:
    """Return what a response without Access-Control-Allow-Origin comes of."""
    if isinstance(exchange.response, HTTPResponse) and exchange.response.status >= 500:
        return _FAILED.format(exchange.response.status)
    return _NOT_ALLOWED.format(exchange.request.get(fetch.ORIGIN))


def outcome(verdict: Verdict, exception: Exception | None) -> Response:
    """Return the response that *verdict* lets the page have.

    Raises:
        CORSError: It lets the page have none.
    """
    __tracebackhide__ = True
    if verdict.response is None:
        raise CORSError(verdict) from exception
    return Response(verdict, verdict.response, exception)
