"""What passes between the model and the network: a request, a response, and both together.

Header lines are kept as they are: repeated, split, in any case, one character for each byte. Nothing in here knows what
CORS is, but for the one question that tells a preflight from everything else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .. import fetch

Header = tuple[str, str]

# What HTTP strips from both ends of a header's value (RFC 9110 §5.5, Fetch §2.2.2 normalize).
_BLANKS = " \t\r\n"


def values(headers: Iterable[Header], name: str) -> list[str]:
    """Return the value of every line of the header *name*, without the white space around it.

    >>> values([("Vary", "Origin "), ("VARY", "Accept")], "vary")
    ['Origin', 'Accept']
    """
    lower = fetch.lower_name(name)
    return [value.strip(_BLANKS) for key, value in headers if fetch.lower_name(key) == lower]


def get(headers: Iterable[Header], name: str) -> str | None:
    """Return all lines of the header *name* joined by a comma and a space, or ``None`` (Fetch §2.2.2 get).

    >>> get([("Allow", "GET"), ("allow", "PUT")], "Allow")
    'GET, PUT'
    """
    found = values(headers, name)
    return ", ".join(found) if found else None


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A request as the network carries it.

    Attributes:
        method: As it is sent.
        url: The whole URL, without a fragment.
        headers: In the order in which the standard adds them.
        body: ``None`` for no body.
        credentials: Whether cookies are sent with it, and stored from the response.
    """

    method: str
    url: str
    headers: tuple[Header, ...] = ()
    body: bytes | None = None
    credentials: bool = False

    def get(self, name: str) -> str | None:
        """Return the header *name*, or ``None``."""
        return get(self.headers, name)

    def __str__(self) -> str:
        """What is asked for, on one line."""
        names = self.get(fetch.REQUEST_HEADERS)
        asks = f" asks for {self.get(fetch.REQUEST_METHOD)}" if self.is_preflight else ""
        return f"{self.method} {self.url}{asks}{f' with {names}' if names else ''}"

    @property
    def is_preflight(self) -> bool:
        """Whether this is a CORS-preflight request (Fetch §3.3.2)."""
        return (
            self.method == "OPTIONS"
            and self.get(fetch.ORIGIN) is not None
            and self.get(fetch.REQUEST_METHOD) is not None
        )


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """A response as the network brought it: anything that a server may have sent.

    Attributes:
        status: Any number.
        headers: Each line by itself.
        body: All of it.
    """

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """Return every line of the header *name*."""
        return values(self.headers, name)

    def get(self, name: str) -> str | None:
        """Return the header *name*, its lines joined, or ``None``."""
        return get(self.headers, name)


@dataclass(frozen=True, slots=True)
class NoResponse:
    """What the network says when it brought no response: a refused connection, say.

    Attributes:
        reason: Why, in a few words.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on the network, and what came back."""

    request: HTTPRequest
    response: HTTPResponse | NoResponse
