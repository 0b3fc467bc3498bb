"""P3: what a decision, a request and the policy itself cost by the number of origins that are declared.

Origins are drawn at random, each time another one of those that are declared: the hardest case, in which neither an
answer nor a line of memory is there from the time before. Beside it stand the same one over and over, and a look into a
plain `frozenset` of as many strings, which shows what of the growth is the machine's memory.
"""

import asyncio
import gc
import random
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple

from crossorigin import Policy

from . import kinds, on_aiohttp, on_asgi, on_wsgi
from .libraries import BARE, LIMIT, Group, Library
from .quiet import quiet
from .reporting import Table, Target, nanoseconds

TITLE = "the number of declared origins"
SIZES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1, 100, 10_000)
ROUNDS, QUICK_ROUNDS = 60, 10
BATCH = 500  # decisions in a row

PEER_SIZES = SIZES[:5]
QUICK_PEER_SIZES = (1, 1_000)
PEER_ROUNDS, QUICK_PEER_ROUNDS = 5, 2
PEER_BATCH = 20_000_000  # nanoseconds, about
SLOW_REQUEST, SLOW_BUILD = 10_000_000, 3_000_000_000  # nanoseconds; who needs longer is not given more origins
GROUPS = (*on_asgi.GROUPS, *on_wsgi.GROUPS, *on_aiohttp.GROUPS)

WITHIN_ONE = 1.2
BYTES = 200
MICROSECONDS = 5

Data = dict[str, Any]


class Spelling(NamedTuple):
    """How origins are declared, and by which origin of a page each is met."""

    declare: Callable[[int], str]
    origin: Callable[[int], str]


def _exact(number: int) -> str:
    return f"https://tenant{number:07}.example.com"


SPELLINGS = {
    "exact": Spelling(_exact, _exact),
    "wildcard": Spelling(
        lambda number: f"https://*.tenant{number:07}.example.com",
        lambda number: f"https://a.tenant{number:07}.example.com",
    ),
}


def measure(quick: bool = False) -> Data:
    """Measure policies of every size, with exact origins and with wildcards, and requests to libraries."""
    sizes: tuple[int, ...]
    sizes, rounds = (QUICK_SIZES, QUICK_ROUNDS) if quick else (SIZES, ROUNDS)
    found: Data = {name: _decisions(spelling, sizes, rounds) for name, spelling in SPELLINGS.items()}
    sizes, rounds = (QUICK_PEER_SIZES, QUICK_PEER_ROUNDS) if quick else (PEER_SIZES, PEER_ROUNDS)
    with quiet():
        rows = [row for group in GROUPS for row in asyncio.run(_requests(group, sizes, rounds))]
    return {**found, "requests": {"sizes": list(sizes), "libraries": rows}}


# Decisions


def _decisions(spelling: Spelling, sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each size: times in nanoseconds, and bytes."""
    rows: list[dict[str, Any]] = []
    asked: list[dict[str, Callable[[Sequence[str]], None]]] = []
    for size in sizes:
        declared = [spelling.declare(number) for number in range(size)]
        build = _build_time(declared)
        policy, added = _memory(declared)
        given = sys.getsizeof(declared) + sum(map(sys.getsizeof, declared))
        rows.append({"size": size, "build": build, "added_bytes": added, "given_bytes": given})
        assert policy.actual(spelling.origin(size - 1)).allowed
        assert not policy.actual(spelling.origin(size)).allowed
        plain = frozenset(map(spelling.origin, range(size)))
        ask, look = _asking(policy.actual), _asking(plain.__contains__)
        asked.append({"allowed": ask, "again": ask, "denied": ask, "set": look})
    draw = random.Random(0)
    samples: dict[tuple[int, str], list[float]] = {(at, what): [] for at in range(len(sizes)) for what in asked[0]}
    turns = list(samples)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for _ in range(rounds):
            draw.shuffle(turns)
            for at, what in turns:
                beyond = sizes[at] if what == "denied" else 0
                numbers = [beyond + draw.randrange(sizes[at]) for _ in range(1 if what == "again" else BATCH)]
                origins = [spelling.origin(numbers[turn % len(numbers)]) for turn in range(BATCH)]
                start = perf_counter_ns()
                asked[at][what](origins)
                samples[at, what].append((perf_counter_ns() - start) / BATCH)
    finally:
        gc.enable()
        gc.unfreeze()
    for (at, what), times in samples.items():
        rows[at][what], rows[at][f"{what}_median"] = min(times), median(times)
    return rows


def _asking(question: Callable[[str], Any]) -> Callable[[Sequence[str]], None]:
    def ask(origins: Sequence[str]) -> None:
        for origin in origins:
            question(origin)

    return ask


def _build_time(declared: list[str]) -> int:
    """Return how many nanoseconds it takes to build a policy, at best: of few tries, if these are long."""
    times: list[int] = []
    while len(times) < 20 and sum(times) < 200_000_000:
        gc.collect()
        start = perf_counter_ns()
        Policy(declared)
        times.append(perf_counter_ns() - start)
    return min(times)


def _memory(declared: list[str]) -> tuple[Policy, int]:
    """Return a policy, and how many bytes it keeps beyond what was *declared*."""
    gc.collect()
    tracemalloc.start()
    try:
        policy = Policy(declared)
        gc.collect()
        added, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return policy, added


# Requests


async def _requests(group: Group, sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each library of *group*: what it adds to a request that it allows, in nanoseconds, by size."""
    bare = await _request_time(group, group.libraries[0], [kinds.ORIGIN], rounds)
    rows = []
    for library in group.libraries:
        if library.name in (BARE, LIMIT):
            continue
        added: list[float] = []
        for size in sizes:
            start = perf_counter_ns()
            took = await _request_time(group, library, list(map(_exact, range(size))), rounds)
            added.append(took - bare)
            if took > SLOW_REQUEST or perf_counter_ns() - start > SLOW_BUILD:
                break
        rows.append({"library": library.name, "title": library.title, "group": group.name, "added": added})
    return rows


async def _request_time(group: Group, library: Library, origins: list[str], rounds: int) -> float:
    draw = random.Random(0)
    with library.during(origins):
        app = library.build(origins)
        times: list[float] = []
        count = 1
        for _ in range(rounds + 2):  # two more, to see how long a request takes
            requests = [kinds.from_origin(kinds.ALLOWED.request, draw.choice(origins)) for _ in range(count)]
            play = await group.carrier.batch(app, requests)
            start = perf_counter_ns()
            await play()
            times.append((perf_counter_ns() - start) / count)
            count = max(1, min(200, round(PEER_BATCH / min(times))))
    return min(times)


def tables(data: Data) -> list[Table]:
    """Return a table for each spelling, and one for requests."""
    return [*(_decisions_table(name, data[name]) for name in SPELLINGS), _requests_table(data["requests"])]


def _decisions_table(spelling: str, rows: list[dict[str, Any]]) -> Table:
    times = ("origins", "allowed", "the same again", "denied", "a plain set", "to build", "each")
    head = (*times, "bytes added", "each", "each, in all")
    first = rows[0]

    def beside(row: dict[str, Any], what: str) -> str:
        return f"{nanoseconds(row[what])} ({row[what] / first[what]:.2f}x)"

    cells = [
        [
            f"{row['size']:,}",
            *(beside(row, what) for what in ("allowed", "again", "denied", "set")),
            nanoseconds(row["build"]),
            nanoseconds(row["build"] / row["size"]),
            f"{row['added_bytes']:,}",
            f"{row['added_bytes'] / row['size']:,.0f}",
            f"{(row['added_bytes'] + row['given_bytes']) / row['size']:,.0f}",
        ]
        for row in rows
    ]
    return Table(
        f"{spelling.capitalize()} origins: a decision about another one each time, and the policy", head, cells
    )


def _requests_table(data: dict[str, Any]) -> Table:
    head = ("added to a request, by origins", *(f"{size:,}" for size in data["sizes"]))
    rows = [
        [
            f"{row['title']} ({row['group']})",
            *(nanoseconds(added) for added in row["added"]),
            *("not asked" for _ in data["sizes"][len(row["added"]) :]),
        ]
        for row in data["libraries"]
    ]
    return Table("An allowed request, from another exact origin each time", head, rows)


def targets(data: Data) -> list[Target]:
    """Return P3, for each spelling, at the largest size that was measured."""
    found = []
    for spelling in SPELLINGS:
        first, last = data[spelling][0], data[spelling][-1]
        size = f"{last['size']:,} {spelling} origins"
        plain = f"a plain set: {last['set'] / first['set']:.2f}x"
        for what, aim, note in (
            ("allowed", "allowed, another each time", plain),
            ("again", "allowed, the same again", ""),
            ("denied", "denied, another each time", ""),
        ):
            ratio = last[what] / first[what]
            found.append(Target("P3", f"{size}: {aim}, beside one origin", WITHIN_ONE, ratio, "x", note=note))
        each = last["added_bytes"] / last["size"], last["build"] / last["size"] / 1000
        found.append(Target("P3", f"{size}: added by each", BYTES, each[0], " bytes"))
        found.append(Target("P3", f"{size}: to build, each", MICROSECONDS, each[1], " µs"))
    return found
