"""Playing a situation on a library: everything that is sent, and what was seen of it.

An application is built once for each library and policy, and asked by whatever follows, in any order; only where time
or the past matters, a fresh one is built.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from conformance.messages import Request, Response
from crossorigin import browser

from .library import Library, NotOffered
from .policies import OWN, Neutral
from .situation import Asks, Compares, Cost, Exchange, Fetches, Logs, Opens, Seen, Situation

COOKIE = ("Cookie", "session=1")
TIMES = 5


@dataclass(frozen=True)
class Outcome:
    """What came of a situation on a library.

    Attributes:
        library: The library.
        situation: The situation.
        seen: What was seen.
        problems: What did not hold.
        lacks: Why the library does not offer it, if it does not.
    """

    library: Library
    situation: Situation
    seen: Seen = field(default_factory=Seen)
    problems: tuple[str, ...] = ()
    lacks: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether it breaks the rule."""
        return bool(self.problems) and not self.lacks and not self.situation.taste

    @property
    def is_kept(self) -> bool:
        """Whether it keeps the rule."""
        return not self.problems and not self.lacks

    @property
    def is_taste(self) -> bool:
        """Whether it differs from the rule in a matter of taste."""
        return bool(self.problems) and not self.lacks and bool(self.situation.taste)


def play(library: Library, situation: Situation) -> Outcome:
    """Play *situation* on *library*."""
    lacks = library.lacks.get(situation.rule, "")
    if lacks:
        return Outcome(library, situation, lacks=lacks)
    try:
        with _listening(library.logger or "crossorigin") as records:
            seen = _see(library, situation)
    except NotOffered as error:
        return Outcome(library, situation, lacks=str(error))
    seen = replace(seen, log=tuple(records))
    problems = tuple(dict.fromkeys(situation.holds(seen)))
    return Outcome(library, situation, seen, problems, library.excuses.get(situation.name, "") if problems else "")


def _see(library: Library, situation: Situation) -> Seen:
    match situation.play:
        case Asks(requests):
            app, bare = served(library, situation.policy), served(library, None)
            exchanges = tuple(_exchange(library, app, request) for request in requests)
            return Seen(exchanges, tuple(_exchange(library, bare, request).answer for request in requests))
        case Fetches() as fetch:
            return _fetch(library, served(library, situation.policy), fetch)
        case Opens(origin):
            assert library.open is not None, f"{library.name} says nothing of WebSockets"
            request = Request.actual(origin, "/ws", Upgrade="websocket")
            handshake, app = library.open, library.serve(situation.policy)
            return Seen((Exchange(request, _tried(lambda: handshake(app, origin))),))
        case Logs(requests):
            app = library.serve(situation.policy)  # a fresh one has logged nothing yet
            return Seen(tuple(_exchange(library, app, request) for request in requests))
        case Compares(request_of, other):
            policies = (situation.policy, other)
            costs = tuple(_cost(library, library.serve(policy), request_of) for policy in policies)
            return Seen((_exchange(library, served(library, other), request_of(0)),), costs=costs)


@cache
def served(library: Library, policy: Neutral | None) -> Any:
    """Return the application of *library* under *policy*, the same one every time."""
    return library.serve(policy)


def _exchange(library: Library, app: Any, request: Request) -> Exchange:
    return Exchange(request, _tried(lambda: library.ask(app, request)))


def _tried(ask: Callable[[], Response]) -> Response | str:
    try:
        return ask()
    except Exception as error:  # whatever a library raises is what came of the request
        cause = error.__cause__ or error
        return f"{type(cause).__name__}: {cause}".removesuffix(": ")


def _fetch(library: Library, app: Any, fetch: Fetches) -> Seen:
    exchanges: list[Exchange] = []

    def send(sent: browser.HTTPRequest) -> browser.HTTPResponse | browser.NoResponse:
        url = urlsplit(sent.url)
        if f"{url.scheme}://{url.netloc}" != OWN:
            return browser.NoResponse(f"the redirect leads to {sent.url}")
        cookie = (COOKIE,) if sent.credentials and fetch.cookie else ()
        request = Request(sent.method, url.path, (*sent.headers, *cookie), sent.body or b"")
        exchanges.append(_exchange(library, app, request))
        given = exchanges[-1].response
        if isinstance(given, str):
            return browser.NoResponse(given)
        return browser.HTTPResponse(given.status, given.headers, given.body)

    asked = browser.Request.of(
        OWN + fetch.path,
        method=fetch.method,
        headers=fetch.headers,
        credentials=fetch.credentials,
        body=fetch.body,
    )
    verdict = browser.run(browser.Browser().fetch(asked, origin=fetch.origin), send)
    return Seen(tuple(exchanges), verdict=verdict)


@contextmanager
def _listening(name: str) -> Iterator[list[str]]:
    """Read what a library's logger says, and keep it from the terminal."""
    records: list[str] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    logger, reader = logging.getLogger(name), Reader()
    before = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(reader)
    try:
        yield records
    finally:
        logger.removeHandler(reader)
        logger.level, logger.propagate = before


def _cost(library: Library, app: Any, request_of: Callable[[int], Request]) -> Cost:
    """Return what a request costs, each time from another origin: an answer that is remembered costs nothing."""
    times = []
    for number in range(1, TIMES):
        start = time.perf_counter()
        _exchange(library, app, request_of(number))
        times.append(time.perf_counter() - start)
    steps = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        _exchange(library, app, request_of(0))
    finally:
        sys.settrace(before)
    return Cost(steps, min(times))
