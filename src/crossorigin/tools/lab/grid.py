"""The grid of *run all*: situations by stacks, agreed or not, played by the model alone, and printed.

The page makes the same grid of what its browser does; `print_grid` takes either.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...browser import Engine
from ..terminal import Terminal
from .bench import Bench
from .plays import Play, asked_of
from .situations import Situation
from .stacks import STACKS, Stack

_NARROWEST = 72  # characters in which a table of five stacks leaves the names readable
NOT_BUILT = "unbuilt"  # as short as the other words, so that the grid fits a terminal of 80 columns


@dataclass(frozen=True)
class Row:
    """One situation on all stacks.

    Attributes:
        name: What happens.
        cells: What came of it, by stack: a word for it.
        wrong: What does not agree, in words.
    """

    name: str
    cells: dict[str, str]
    wrong: tuple[str, ...] = ()


@dataclass
class Grid:
    """What *run all* gave.

    Attributes:
        by: Who played: the model, or an engine.
        rows: The situations, in order.
    """

    by: str
    rows: list[Row] = field(default_factory=list)

    @property
    def agreed(self) -> bool:
        """Whether everything agreed, and there was something."""
        return bool(self.rows) and not any(row.wrong for row in self.rows)

    @classmethod
    def of(cls, results: dict[str, Any]) -> "Grid":
        """Return what a page's ``window.lab.results`` holds."""
        rows = [
            Row(
                one["name"],
                {stack: cell["outcome"] for stack, cell in one["cells"].items()},
                tuple(f"{stack}: {why}" for stack, cell in one["cells"].items() for why in cell["disagreements"]),
            )
            for one in results["rows"]
        ]
        return cls(results["engine"], rows)


async def run_model(bench: Bench, policy: str | None = None) -> Grid:
    """Play every situation on every stack that runs, with the model for a browser.

    Args:
        bench: What runs.
        policy: A policy that is in force throughout: then what pages ask for in the situations is played, each once.
    """
    grid = Grid(f"the model of a browser ({Engine.STANDARD.name})")
    for situation in bench.situations if policy is None else _requests(bench.situations, policy):
        reading, plays = await bench.play(situation.policy, asked_of(situation), bench.addresses, Engine.STANDARD)
        if reading.rules is None:
            codes = [problem.code for problem in reading.problems]
            wrong: tuple[str, ...] = ()
            if situation.expects not in codes:
                wrong = (f"{', '.join(codes)} instead of {situation.expects}",)
            grid.rows.append(Row(situation.name, dict.fromkeys(bench.addresses, NOT_BUILT), wrong))
        else:
            wrong = tuple(why for play in plays for why in _wrong(situation, play))
            grid.rows.append(Row(situation.name, {play.stack: _word(play) for play in plays}, wrong))
    return grid


def _requests(situations: Iterable[Situation], policy: str) -> list[Situation]:
    """Return what the pages of *situations* ask for, under *policy*, by what it is: names tell of other policies."""
    asked = {repr(one.request()): one for one in situations}
    return [replace(one, name=_told(one), policy=policy, expects=None) for one in asked.values()]


def _told(situation: Situation) -> str:
    names = [name for name, _ in situation.headers]
    sends = [*names, "credentials"] if situation.credentials == "include" else names
    told = f"{situation.page}: {situation.method} {situation.path}"
    return f"{told} with {', '.join(sends)}" if sends else told


def _wrong(situation: Situation, play: Play) -> list[str]:
    found = [] if play.is_declared else [f"{play.stack}: {play.code}, and the policy says otherwise"]
    if situation.expects not in (None, play.code):
        found.append(f"{play.stack}: {play.code} instead of {situation.expects}")
    return found


def _word(play: Play) -> str:
    if play.verdict is None or play.verdict.response is None:
        return "blocked"
    return str(play.verdict.response.status)


def print_grid(console: Console, grid: Grid) -> None:
    """Print *grid*: as a table, or where there is no room for one as a list, with what does not agree below."""
    stacks = [stack for stack in STACKS if any(stack.key in row.cells for row in grid.rows)]
    with console.capture() as printed:
        console.print(f"As {grid.by} has it:\n", markup=False, highlight=False)
        if console.width < _NARROWEST:
            for row in grid.rows:
                console.print(Text.assemble(_agreed(row), f" {row.name}"), soft_wrap=True)
        else:
            console.print(_table(grid, stacks))
        console.print()
        for row in grid.rows:
            for why in row.wrong:
                console.print(f"{row.name}: {why}", style="red", markup=False, highlight=False, soft_wrap=True)
        right = sum(not row.wrong for row in grid.rows)
        told = f"{right} of {len(grid.rows)} situations agree on all {len(stacks)} stacks."
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    Terminal(stdout=cast(TextIO, console.file)).plain(printed.get().removesuffix("\n"))  # whatever its encoding


def _table(grid: Grid, stacks: Iterable[Stack]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("situation", overflow="fold")
    for stack in stacks:
        table.add_column(stack.label, no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in grid.rows:
        words = [row.cells.get(stack.key, "") for stack in stacks]
        cells = [Text(word, _STYLES.get(word, "green")) for word in words]
        table.add_row(Text(row.name), *cells, _agreed(row))
    return table


def _agreed(row: Row) -> Text:
    return Text("DIFFERS", "bold red") if row.wrong else Text("agreed", "dim")


_STYLES = {"blocked": "yellow", NOT_BUILT: "dim"}
