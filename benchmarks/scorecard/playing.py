"""Playing a situation on a library: everything that is sent, and what was seen of it.

An application is built once for each library and policy, and asked by whatever follows, in any order; only where time
or the past matters, a fresh one is built.
"""

import gc
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from conformance.messages import Request, Response
from crossorigin import browser

from .library import Library, NotOffered
from .policies import OWN, Neutral
from .situation import Asks, Compares, Cost, Exchange, Fetches, Logs, Opens, Seen, Situation

COOKIE = ("Cookie", "session=1")
ROUNDS, MOST_ROUNDS = 30, 90  # of measuring: noise may hide what grows, and more of them tell it from what does
CLEAR = 100  # times what a scan takes is no noise


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
    """Play *situation* on *library*.

    A rule that the library does not offer is played, too, and what it keeps of it is kept; but what its application
    keeps without the library, such as letting requests through, is not to the library's credit.
    """
    found = _played(library, situation)
    if found.problems:
        lacks = library.lacks.get(situation.rule) or library.excuses.get(situation.name, "")
        return replace(found, lacks=lacks)
    if found.is_kept and situation.rule in library.lacks and _played(library.without, situation).is_kept:
        return replace(found, lacks=library.lacks[situation.rule])
    return found


def _played(library: Library, situation: Situation) -> Outcome:
    try:
        with _listening(library.logger or "crossorigin", isinstance(situation.play, Logs)) as records:
            seen = _see(library, situation)
    except NotOffered as error:
        return Outcome(library, situation, lacks=str(error))
    seen = replace(seen, log=tuple(records))
    return Outcome(library, situation, seen, tuple(dict.fromkeys(situation.holds(seen))))


def _see(library: Library, situation: Situation) -> Seen:
    match situation.play:
        case Asks(requests):
            app, bare = served(library, situation.policy), served(library, None)
            exchanges = tuple(_exchange(library, app, request) for request in requests)
            return Seen(exchanges, tuple(_exchange(library, bare, request).answer for request in requests))
        case Fetches() as fetch:
            return _fetch(library, served(library, situation.policy), fetch)
        case Opens(origin):
            if library.open is None:
                raise NotOffered(library.lacks[situation.rule])
            request = Request.actual(origin, "/ws", Upgrade="websocket")
            handshake, app = library.open, library.serve(situation.policy)
            return Seen((Exchange(request, _tried(lambda: handshake(app, origin))),))
        case Logs(requests):
            app = library.serve(situation.policy)  # a fresh one has logged nothing yet
            return Seen(tuple(_exchange(library, app, request) for request in requests))
        case Compares(request_of, more):
            apps = (library.serve(situation.policy), library.serve(more))
            added = list(more.origins[len(situation.policy.origins) :])
            cost = _cost(lambda number, app: _exchange(library, app, request_of(number)), apps, added)
            return Seen((_exchange(library, apps[0], request_of(0)),), cost=cost)


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
def _listening(name: str, debugging: bool) -> Iterator[list[str]]:
    """Keep what a library's logger says from the terminal, and read all of it where *debugging*."""
    records: list[str] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    logger = logging.getLogger(name)
    reader = Reader() if debugging else logging.NullHandler()
    before = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG if debugging else before[0])
    logger.propagate = False
    logger.addHandler(reader)
    try:
        yield records
    finally:
        logger.removeHandler(reader)
        logger.level, logger.propagate = before


def _cost(ask: Callable[[int, Any], object], apps: tuple[Any, Any], added: list[str]) -> Cost:
    """Return what a request costs on each of *apps*, the second of which has the origins *added*.

    The three are measured in turns, so that what disturbs one disturbs the others; each twice in its turn, so that it
    finds in the caches of its library what it left there. An answer that is remembered costs nothing, and so the origin
    is another one each time.
    """
    missing = f"{added[0][:-1]}?"  # as long as those that are there, and alike but for its end
    cost = Cost(math.inf, math.inf, math.inf)
    gc.collect()
    for number in range(MOST_ROUNDS):
        fewer, more = (min(_timed(ask, 2 * number + turn, app) for turn in (0, 1)) for app in apps)
        scan = min(_timed(added.__contains__, missing) for turn in (0, 1))
        cost = Cost(min(cost.fewer, fewer), min(cost.more, more), min(cost.scan, scan))
        if cost.more - cost.fewer > CLEAR * cost.scan or (number >= ROUNDS and not cost.grows):
            break
    return cost


def _timed(act: Callable[..., object], *given: object) -> float:
    """Return how long the processor takes for it, in all threads; what else the machine is busy with does not count."""
    gc.disable()
    try:
        start = time.process_time()
        act(*given)
        return time.process_time() - start
    finally:
        gc.enable()
