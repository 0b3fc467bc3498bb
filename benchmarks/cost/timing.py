"""How long a request takes: many short rounds in one process, in which all libraries of a group take turns.

The machine may be noisy: of all rounds the minimum and the median are told, and what a library adds is a difference to
the bare application in the same round. The collector of garbage rests while a round is played.
"""

import asyncio
import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter_ns
from typing import Any, TypedDict

from .kinds import KINDS, Kind
from .libraries import BARE, LIMIT, ORIGINS, Group, Library
from .quiet import quiet

BATCH = 2_000_000  # nanoseconds that a batch takes, about
FEWEST, MOST = 20, 200  # requests in a batch


class Figures(TypedDict):
    """What was measured of one library with one kind of request, in nanoseconds a request.

    `added` and `added_median` are beyond the bare application, by the minima and by the median of the differences in
    each round; `ratio` and `ratio_median` are these beside what the limit adds.
    """

    minimum: float
    median: float
    added: float
    added_median: float
    ratio: float | None
    ratio_median: float | None


Samples = dict[tuple[str, str], list[float]]  # by library and kind of request, a value a round


def measure(
    group: Group, rounds: int, kinds: Sequence[Kind] = KINDS, tick: Callable[[], None] = lambda: None
) -> dict[str, dict[str, Figures]]:
    """Return the figures of every library of *group*, by its name and by the kind of request.

    Args:
        group: What is measured. It has to have been checked.
        rounds: How often every library takes its turn with every kind of request.
        kinds: The kinds of request.
        tick: Called after each round.
    """
    with quiet(), _collector_resting():
        samples = asyncio.run(_measured(group, rounds, kinds, tick))
    return {
        library.name: {kind.name: figures(samples, library.name, kind.name) for kind in kinds}
        for library in group.libraries
    }


async def _measured(group: Group, rounds: int, kinds: Sequence[Kind], tick: Callable[[], None]) -> Samples:
    apps: list[tuple[Library, Any]] = []
    for library in group.libraries:
        with library.during(ORIGINS):
            apps.append((library, library.build(ORIGINS)))
    turns = [(built, kind) for built in apps for kind in kinds]
    for built, kind in turns:
        await _batch(group, *built, kind, FEWEST)  # warms up
    slowest = max([await _batch(group, *built, kind, FEWEST) for built, kind in turns])
    size = max(FEWEST, min(MOST, round(BATCH / slowest)))
    samples: Samples = {(library.name, kind.name): [] for (library, _), kind in turns}
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(turns)
        for (library, app), kind in turns:
            samples[library.name, kind.name].append(await _batch(group, library, app, kind, size))
        gc.collect(1)
        tick()
    return samples


async def _batch(group: Group, library: Library, app: Any, kind: Kind, size: int) -> float:
    """Return how many nanoseconds one request takes, of a batch of that *size*."""
    with library.during(ORIGINS):
        if kind.unseen:
            app = library.build(ORIGINS)  # a flood mutes the log for a minute: each batch is to find it as at first
        await (await group.carrier.batch(app, kind.repeated(2)))()  # settings are read, and what was idle is awake
        play = await group.carrier.batch(app, kind.repeated(size))
        start = perf_counter_ns()
        await play()
        return (perf_counter_ns() - start) / size


def figures(samples: Samples, library: str, kind: str) -> Figures:
    """Return the figures that *samples* give for one library and one kind of request."""
    ours, bare, limit = (samples[name, kind] for name in (library, BARE, LIMIT))
    added, added_median = _added(ours, bare)
    limit_added, limit_added_median = _added(limit, bare)
    return {
        "minimum": min(ours),
        "median": median(ours),
        "added": added,
        "added_median": added_median,
        "ratio": added / limit_added if limit_added > 0 else None,
        "ratio_median": added_median / limit_added_median if limit_added_median > 0 else None,
    }


def _added(ours: list[float], bare: list[float]) -> tuple[float, float]:
    return min(ours) - min(bare), median(one - other for one, other in zip(ours, bare, strict=True))


@contextmanager
def _collector_resting() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
