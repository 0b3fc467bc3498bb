"""P2: how many requests a second a real server answers, asked by wrk over loopback.

Servers are started as everywhere in this project, in threads of this process, which waits while wrk works. What counts
are the requests for each second that this process *computed*: that is the throughput of a server with a processor of
its own, whatever else the machine does meanwhile, wrk among it. Requests by the clock stand beside. All take turns in
every round. The bare application runs twice: what the second differs from the first is what such figures are worth. One
more application sends the lines that the policy gives without any library: what that costs, nobody can save.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from statistics import median, quantiles
from time import process_time
from typing import Any, NamedTuple

from conformance.servers import aiohttp_server, ask_server, uvicorn_server, waitress_server

from . import kinds, on_aiohttp, on_asgi, on_wsgi
from .libraries import BARE, ORIGINS, Group, Library
from .plain import bare_asgi_with_lines, bare_wsgi_with_lines
from .quiet import quiet
from .reporting import Table, Target

TITLE = "requests a second in front of real servers"
ROUNDS, QUICK_ROUNDS = 7, 1
SECONDS = 1  # of one load
CONNECTIONS = 8
AGAIN = "bare, again"
BY_ITSELF = "bare, sending the same lines"
WITHIN_BARE = 97.0


class Server(NamedTuple):
    """A server, and whose applications it serves."""

    name: str
    serve: Callable[[Any], AbstractContextManager[str]]
    group: Group
    ours: str
    by_itself: Callable[[], Any]


SERVERS = (
    Server(
        "uvicorn",
        lambda app: uvicorn_server(app, access_log=False),
        on_asgi.PLAIN,
        "crossorigin.asgi",
        lambda: bare_asgi_with_lines,
    ),
    Server("waitress", waitress_server, on_wsgi.PLAIN, "crossorigin.wsgi", lambda: bare_wsgi_with_lines),
    Server(
        "aiohttp",
        lambda app: aiohttp_server(app, access_log=None),
        on_aiohttp.AIOHTTP,
        "crossorigin.aiohttp",
        on_aiohttp.bare_with_lines,
    ),
)

Data = dict[str, Any]


def missing() -> str | None:
    """Return why nothing can be measured, or ``None``."""
    if shutil.which("wrk") is None:
        return "wrk is not installed; on Debian and Ubuntu: apt-get install wrk"
    return None


def measure(quick: bool = False) -> Data:
    """Measure all servers; without wrk, say why not."""
    reason = missing()
    if reason:
        return {"skipped": reason}
    rounds = QUICK_ROUNDS if quick else ROUNDS
    return {server.name: _measured(server, rounds) for server in SERVERS}


def _measured(server: Server, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the requests a second of all applications behind *server*, a value a round: computed, and by the clock."""
    bare, *others = server.group.libraries
    by_itself, again = Library(BY_ITSELF, lambda origins: server.by_itself()), bare._replace(name=AGAIN)
    with ExitStack() as stack, quiet():
        addresses: dict[str, str] = {}
        for library in (bare, by_itself, *others, again):
            address = stack.enter_context(server.serve(library.build(ORIGINS)))
            enforces = library.enforces and library.name != AGAIN
            kinds.check(kinds.ALLOWED, ask_server(address, kinds.ALLOWED.request), enforces, library.lacks)
            addresses[library.name] = address
        computed: dict[str, list[float]] = {name: [] for name in addresses}
        by_clock: dict[str, list[float]] = {name: [] for name in addresses}
        for number in range(rounds):
            # Forwards and backwards: what drifts in time falls upon all alike.
            for name, address in list(addresses.items())[:: -1 if number % 2 else 1]:
                one = load(address)
                computed[name].append(one.computed)
                by_clock[name].append(one.by_clock)
    return {"computed": computed, "by_clock": by_clock}


class Load(NamedTuple):
    """What a server in this process answered to one load: requests for each second that it computed, and a second."""

    computed: float
    by_clock: float


def load(address: str) -> Load:
    """Return how many requests a second the server at *address* answers.

    Raises:
        RuntimeError: If some of its answers are no success, or wrk fails.
    """
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s"]
    for name, value in kinds.ALLOWED.request.headers:
        command += ["--header", f"{name}: {value}"]
    before = process_time()
    done = subprocess.run([*command, address + kinds.ALLOWED.request.path], capture_output=True, text=True, check=False)
    seconds = process_time() - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    number = re.search(r"(\d+) requests in ", done.stdout)
    if done.returncode or rate is None or number is None or "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    return Load(int(number[1]) / seconds, float(rate[1]))


def share(found: dict[str, list[float]], name: str) -> float:
    """Return the median, over the rounds, of what *name* reaches of the bare application's throughput, in percent.

    Each round is compared with the bare application's two turns in it.
    """
    return median(shares(found, name))


def shares(found: dict[str, list[float]], name: str) -> list[float]:
    """Return, round by round, what *name* reaches of the bare application's throughput, in percent."""
    bare = [(one + other) / 2 for one, other in zip(found[BARE], found[AGAIN], strict=True)]
    return [100 * one / other for one, other in zip(found[name], bare, strict=True)]


def _of_by_itself(found: dict[str, list[float]], name: str) -> float:
    return median(100 * one / other for one, other in zip(found[name], found[BY_ITSELF], strict=True))


def losses(data: Data) -> str:
    """Return in words what is lost with the lines alone, and with the library."""
    if "skipped" in data:
        return ""
    said = []
    for server in SERVERS:
        found = data[server.name]["computed"]
        lines, whole = 100 - share(found, BY_ITSELF), 100 - share(found, server.ours)
        said.append(f"behind {server.name} {lines:.1f} and {whole:.1f}")
    return f"That one loses, and crossorigin does, in per cent of the bare application's throughput: {'; '.join(said)}."


def scatter(found: dict[str, list[float]]) -> float:
    """Return how far the bare application is from itself: half of what the middle half of the rounds spans, in percent.

    One round says nothing of that: then it is all of 100.
    """
    itself = [100 * one / other for one, other in zip(found[AGAIN], found[BARE], strict=True)]
    if len(itself) < 3:
        return 100.0
    low, _, high = quantiles(itself, n=4)
    return (high - low) / 2


def tables(data: Data) -> list[Table]:
    """Return a table for each server."""
    if "skipped" in data:
        return [Table("Not measured", ("why",), [[data["skipped"]]])]
    titles = {library.name: library.title for server in SERVERS for library in server.group.libraries}
    head = (
        "requests",
        "a second by the clock",
        "for each second computed",
        "of the bare application",
        "in single rounds",
    )
    return [
        Table(
            name,
            head,
            [
                [
                    titles.get(library, library),
                    f"{median(found['by_clock'][library]):,.0f}",
                    f"{median(rates):,.0f}",
                    f"{share(found['computed'], library):.1f} %",
                    f"{min(shares(found['computed'], library)):.0f} to {max(shares(found['computed'], library)):.0f} %",
                ]
                for library, rates in found["computed"].items()
            ],
        )
        for name, found in data.items()
    ]


def targets(data: Data) -> list[Target]:
    """Return P2, for each server."""
    if "skipped" in data:
        return []
    return [
        Target(
            "P2",
            f"{server.ours} behind {server.name}: of the bare application's throughput",
            WITHIN_BARE,
            share(data[server.name]["computed"], server.ours),
            " %",
            at_least=True,
            note=f"{_of_by_itself(data[server.name]['computed'], server.ours):.1f} % of one that sends the same lines",
            scatter=scatter(data[server.name]["computed"]),
        )
        for server in SERVERS
    ]
