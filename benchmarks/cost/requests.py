"""P1: what each library adds to one request, by kind of request."""

from collections.abc import Sequence
from typing import Any

from . import libraries, on_aiohttp, on_asgi, on_wsgi, timing
from .kinds import ALLOWED, KINDS, UNSEEN, Kind
from .libraries import BARE, LIMIT, Group, Library
from .quiet import quiet
from .reporting import Table, Target, nanoseconds
from .timing import Figures

TITLE = "what is added to a request"
GROUPS = (*on_asgi.GROUPS, *on_wsgi.GROUPS, *on_aiohttp.GROUPS)
ROUNDS, QUICK_ROUNDS = 60, 6

# What P1 asks of ours, in front of an application of no framework.
WITHIN_LIMIT = 2.0
WITHIN_STARLETTE = 0.25
OURS = {"ASGI": "crossorigin.asgi", "WSGI": "crossorigin.wsgi"}
STARLETTE = "Starlette's CORSMiddleware"

Data = dict[str, dict[str, Any]]  # by the group's name


def measure(quick: bool = False) -> Data:
    """Check and measure all groups.

    Raises:
        kinds.WrongAnswerError: If a library does not answer as its policy says.
    """
    return {group.name: _measured(group, QUICK_ROUNDS if quick else ROUNDS) for group in GROUPS}


def _measured(group: Group, rounds: int) -> dict[str, Any]:
    with quiet():
        libraries.check(group)
        found = timing.measure(group, rounds, _kinds(group.name))
    rows = [
        {"name": library.name, "title": library.title, "notes": _notes(library), "kinds": found[library.name]}
        for library in group.libraries
    ]
    return {"title": group.title, "rounds": rounds, "libraries": rows}


def _kinds(group: str) -> Sequence[Kind]:
    return (*KINDS, *UNSEEN) if group in OURS else KINDS


def _notes(library: Library) -> list[str]:
    to_the_app = [] if library.preflights else ["answers no preflights: they go to the app, which is in its figures"]
    return [*to_the_app, *([library.note] if library.note else [])]


def tables(data: Data) -> list[Table]:
    """Return a table for each group: the bare application's time, and what the others add to it."""
    return [_table(name, group) for name, group in data.items()]


def _table(name: str, group: dict[str, Any]) -> Table:
    kinds = _kinds(name)
    rows = [[row["title"], *(_cell(row, kind.name, name in OURS) for kind in kinds)] for row in group["libraries"]]
    notes = [f"{row['title']}: {'; '.join(row['notes'])}." for row in group["libraries"] if row["notes"]]
    return Table(group["title"], ("a request", *(kind.name for kind in kinds)), rows, notes)


def summary(data: Data) -> Table:
    """Return what each other library adds to an allowed request, and what crossorigin adds to the same application."""
    rows = []
    for group in data.values():
        ours = next(row for row in group["libraries"] if row["name"].startswith("crossorigin"))
        others = [row for row in group["libraries"] if row["name"] not in (BARE, LIMIT, ours["name"])]
        rows += [
            [row["title"], group["title"], _cell(row, ALLOWED.name, False), _cell(ours, ALLOWED.name, False)]
            for row in others
            if not row["name"].startswith("crossorigin")
        ]
    return Table("An allowed request", ("added to an allowed request", "in", "by it", "by crossorigin"), rows)


def _cell(row: dict[str, Any], kind: str, with_ratio: bool) -> str:
    found: Figures = row["kinds"][kind]
    if row["name"] == BARE:
        return nanoseconds(found["minimum"])
    # A framework takes so long that what the limit adds is lost in the noise, and nothing to divide by.
    ratio = f" ({found['ratio']:.1f}x)" if with_ratio and found["ratio"] and row["name"] != LIMIT else ""
    return f"{'+' if found['added'] >= 0 else '-'}{nanoseconds(abs(found['added']))}{ratio}"


def targets(data: Data) -> list[Target]:
    """Return P1, for each kind of request."""
    beside = [(stack, name, LIMIT, WITHIN_LIMIT) for stack, name in OURS.items()]
    beside.append(("ASGI", OURS["ASGI"], STARLETTE, WITHIN_STARLETTE))
    found = []
    for stack, name, other, bound in beside:
        for kind in KINDS:
            ours, theirs = (_figures(data, stack, library, kind.name) for library in (name, other))
            aim = f"{name}, {kind.name}: added, beside what {'the limit' if other == LIMIT else other} adds"
            medians = f"median {ours['added_median'] / theirs['added_median']:.2f}x"
            found.append(Target("P1", aim, bound, ours["added"] / theirs["added"], "x", note=medians))
    return found


def _figures(data: Data, group: str, library: str, kind: str) -> Figures:
    figures: Figures = next(row for row in data[group]["libraries"] if row["name"] == library)["kinds"][kind]
    return figures
