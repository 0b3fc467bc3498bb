"""What the servers of the lab saw: each request, by the id in its query, with the response as it left the policy.

Knows nothing of frameworks: a stack tells it what passes outside of everything else. It remembers so many and no more,
and only those whose ids the lab has handed out.
"""

import threading
from collections import OrderedDict
from typing import NamedTuple
from urllib.parse import parse_qs

from ...browser.messages import Header, get

ID = "lab"  # the name in the query
MOST_IDS = 1000
_MODEL = "model-"  # in front of the id of a play, in the requests that the model sends
MOST_SEEN = 30  # more requests than one fetch can make: a preflight and an actual one for each of 20 redirects, less


class Seen(NamedTuple):
    """One request as a server saw it, and what it answered.

    Attributes:
        method: As it came.
        target: Its path and query.
        request: Its header lines.
        status: That of the response.
        response: The header lines of the response.
    """

    method: str
    target: str
    request: tuple[Header, ...]
    status: int
    response: tuple[Header, ...]

    @property
    def asks_for(self) -> tuple[str | None, str | None]:
        """The method and the headers that a preflight asks for; nothing and nothing for any other request."""
        return get(self.request, "Access-Control-Request-Method"), get(self.request, "Access-Control-Request-Headers")


class Journal:
    """The requests by id, in order. Several threads may write.

    >>> journal = Journal()
    >>> journal.expect("a")
    >>> journal.note("GET", "/items", "lab=a", [("Origin", "null")], 200, [])
    >>> [seen.target for seen in journal.of("a")], journal.of("b")
    (['/items?lab=a'], [])
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, list[Seen]] = OrderedDict()
        self._lock = threading.Lock()

    def expect(self, identity: str) -> None:
        """Remember from now on what comes under *identity*."""
        with self._lock:
            self._seen[identity] = []
            while len(self._seen) > MOST_IDS:
                self._seen.popitem(last=False)

    def note(
        self, method: str, path: str, query: str, request: list[Header], status: int, response: list[Header]
    ) -> None:
        """Remember one request with its response, if its query has an id that is expected."""
        seen = Seen(method, f"{path}?{query}", tuple(request), status, tuple(response))
        with self._lock:
            under = self._seen.get(_id(query))
            if under is not None and len(under) < MOST_SEEN:
                under.append(seen)

    def of(self, identity: str) -> list[Seen]:
        """Return what was seen under *identity*."""
        with self._lock:
            return list(self._seen.get(identity, ()))


def of_model(identity: str) -> str:
    """Return the id under which the model's own requests of the play *identity* come."""
    return _MODEL + identity


def play_of(query: str) -> str:
    """Return the identity of the play that a request with *query* is of, a browser's or the model's; else nothing.

    >>> play_of("lab=abc"), play_of("lab=model-abc"), play_of("")
    ('abc', 'abc', '')
    """
    return _id(query).removeprefix(_MODEL)


def _id(query: str) -> str:
    return parse_qs(query).get(ID, [""])[0]
