"""P4: what a hostile request costs, by its size: megabytes of commas, endless origins, more labels than any name has.

Servers bound the size of a header, most of them well below these sizes; here nothing does, so that what is measured is
the library. Each is asked by itself, and the bare application beside it.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from conformance.messages import Request
from crossorigin import Policy
from crossorigin.asgi import CORSMiddleware as ASGIMiddleware
from crossorigin.wsgi import CORSMiddleware as WSGIMiddleware

from . import on_asgi, on_wsgi
from .kinds import ORIGIN, PATH
from .libraries import LIMIT, ORIGINS, Group, Library
from .plain import bare_asgi, bare_wsgi
from .quiet import quiet
from .reporting import Table, Target, nanoseconds

TITLE = "hostile requests, by size"
KIB, MIB = 2**10, 2**20
SIZES = (KIB, 16 * KIB, 256 * KIB, MIB, 16 * MIB)
QUICK_SIZES = (KIB, MIB)
TRIES = 5
PATIENCE = 20_000_000  # nanoseconds; whoever took longer is not asked for more

NANOSECONDS_A_BYTE = 1.0
BEYOND_LINEAR = 4.0  # for 16 times the size, where what is quadratic would reach 16, and caches alone make 2 or 3

Data = dict[str, Any]


def _asking_for(names: str) -> Request:
    asked = (("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", names))
    return Request("OPTIONS", PATH, (("Origin", ORIGIN), *asked))


def _preflight_from(origin: str) -> Request:
    return Request("OPTIONS", PATH, (("Origin", origin), ("Access-Control-Request-Method", "PUT")))


SHAPES: dict[str, Callable[[int], Request]] = {
    "commas": lambda size: _asking_for("," * size),
    "names": lambda size: _asking_for("a," * (size // 2)),
    "a long name": lambda size: _asking_for("a" * size),
    "a long origin": lambda size: _preflight_from("https://" + "a" * size),
    "labels": lambda size: Request.actual("https://" + "a." * (size // 2) + "example.com", PATH),
}


def _patterned() -> Policy:
    return Policy([ORIGIN, "https://*.example.com", "http://localhost:*"], allow_methods="*", allow_headers="*")


# Wildcards everywhere: the code that exact lists never reach.
PATTERNED = {
    "ASGI": Library("crossorigin.asgi, with wildcards", lambda origins: ASGIMiddleware(bare_asgi, _patterned())),
    "WSGI": Library("crossorigin.wsgi, with wildcards", lambda origins: WSGIMiddleware(bare_wsgi, _patterned())),
}
GROUPS = (on_asgi.PLAIN, on_asgi.LITESTAR, on_asgi.QUART, on_wsgi.PLAIN, on_wsgi.FLASK, on_wsgi.DJANGO, on_wsgi.FALCON)


def measure(quick: bool = False) -> Data:
    """Measure every library with every shape of request."""
    sizes = QUICK_SIZES if quick else SIZES
    with quiet():
        shapes = {
            shape: [row for group in GROUPS for row in asyncio.run(_measured(group, request, sizes))]
            for shape, request in SHAPES.items()
        }
    return {"sizes": list(sizes), "shapes": shapes}


async def _measured(group: Group, request: Callable[[int], Request], sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    # A framework's own application costs more than it all; ours is measured in front of none.
    libraries = [library for library in group.libraries if library.name != LIMIT]
    if group.package is None:
        libraries.append(PATTERNED[group.stack])
    else:
        libraries = [library for library in libraries if library.is_peer]
    rows = []
    for library in libraries:
        with library.during(ORIGINS):
            app = library.build(ORIGINS)
            row: dict[str, Any] = {"library": library.name, "stack": group.stack, "times": []}
            for size in sizes:
                if row["times"] and row["times"][-1] > PATIENCE:
                    break
                row["times"].append(await _time(group, app, request(size)))
        rows.append(row)
    return rows


async def _time(group: Group, app: Any, request: Request) -> int:
    """Return the shortest time that *request* took, of few tries."""
    times: list[int] = []
    while len(times) < TRIES and sum(times) < TRIES * PATIENCE:
        play = await group.carrier.batch(app, [request])
        start = perf_counter_ns()
        await play()
        times.append(perf_counter_ns() - start)
    return min(times)


def tables(data: Data) -> list[Table]:
    """Return a table for each shape."""
    sizes = [f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB" for size in data["sizes"]]
    return [
        Table(
            shape,
            (f"one request with {shape}", *sizes),
            [
                [
                    f"{row['library']} ({row['stack']})" if row["library"] == "bare" else row["library"],
                    *(nanoseconds(time) for time in row["times"]),
                    *("not asked" for _ in sizes[len(row["times"]) :]),
                ]
                for row in rows
            ],
        )
        for shape, rows in data["shapes"].items()
    ]


def targets(data: Data) -> list[Target]:
    """Return P4, for what costs us most: the time a byte takes, and how it grows between the two largest sizes."""
    before, largest = data["sizes"][-2:]
    growth = [
        (row["times"][-1] / row["times"][-2] / (largest / before), f"{row['library']}, {shape}")
        for shape, rows in data["shapes"].items()
        for row in rows
        if row["library"].startswith("crossorigin")
    ]
    aim = f"growth up to {largest // MIB} MiB beside linear, at worst ({max(growth)[1]})"
    found = [Target("P4", aim, BEYOND_LINEAR, max(growth)[0], "x")]
    for at, size in enumerate(data["sizes"]):
        if size < MIB:
            continue  # where a request without all this takes longer than the bytes
        each = [
            (row["times"][at] / size, f"{row['library']}, {shape}")
            for shape, rows in data["shapes"].items()
            for row in rows
            if row["library"].startswith("crossorigin")
        ]
        aim = f"a byte of {size // MIB} MiB, at worst ({max(each)[1]})"
        found.append(Target("P4", aim, NANOSECONDS_A_BYTE, max(each)[0], " ns"))
    return found
