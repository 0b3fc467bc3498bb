"""What the servers of the lab saw: each request, by the id in its query, with the response as it left the policy.

Knows nothing of frameworks: a stack tells it what passes outside of everything else. It remembers so many and no more,
and only those whose ids the lab has handed out.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs

from ...browser.messages import Header, get

ID = "lab"  # the name in the query
MOST_IDS = 1000
MOST_SEEN = 30  # more requests than one fetch can make: a preflight and an actual one for each of 20 redirects, less


class Seen(NamedTuple):
    """One request as a server saw it, and what it answered.

    Attributes:
        method: As it came.
        target: Its path and query.
        request: Its header lines.
        status: That of the response.
        response: The header lines of the response.
        revision: Which of the policies that the page has set answered.
    """

    method: str
    target: str
    request: tuple[Header, ...]
    status: int
    response: tuple[Header, ...]
    revision: int

    @property
    def asks_for(self) -> tuple[str | None, str | None]:
        """The method and the headers that a preflight asks for; nothing and nothing for any other request."""
        return get(self.request, "Access-Control-Request-Method"), get(self.request, "Access-Control-Request-Headers")


class Journal:
    """The requests by id, in order. Several threads may write.

    Args:
        revision: Tells which policy answers now.

    >>> journal = Journal(lambda: 1)
    >>> journal.expect("a")
    >>> journal.note("GET", "/items", "lab=a", [("Origin", "null")], 200, [])
    >>> [seen.target for seen in journal.of("a")], journal.of("b")
    (['/items?lab=a'], [])
    """

    def __init__(self, revision: Callable[[], int]) -> None:
        self._revision = revision
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
        ids = parse_qs(query).get(ID)
        if not ids:
            return
        seen = Seen(method, f"{path}?{query}", tuple(request), status, tuple(response), self._revision())
        with self._lock:
            under = self._seen.get(ids[0])
            if under is not None and len(under) < MOST_SEEN:
                under.append(seen)

    def of(self, identity: str) -> list[Seen]:
        """Return what was seen under *identity*."""
        with self._lock:
            return list(self._seen.get(identity, ()))
