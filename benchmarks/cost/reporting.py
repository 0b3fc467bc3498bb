"""Tables and targets as the terminal and the page show them, so that both show the same figures."""

from collections.abc import Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from ..terminal import fits


class Table(NamedTuple):
    """A table: the first column holds names, the others figures, or sentences where *prose* says so."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    prose: bool = False

    def markdown(self) -> str:
        """Return it as Markdown, its notes below it."""
        lines = [
            f"| {' | '.join(self.head)} |",
            f"|{'|'.join(['---'] + ['---:'] * (len(self.head) - 1))}|",
            *(f"| {' | '.join(row)} |" for row in self.rows),
        ]
        notes = ["", *self.notes] if self.notes else []
        return "\n".join([f"**{self.title}**", "", *lines, *notes, ""])

    def print(self, console: Console) -> None:
        """Print it on a terminal: where that is too narrow, the figures in several tables, with the names in each."""
        left: Sequence[int] = range(1, len(self.head))
        while True:
            fitting = (count for count in range(len(left), 1, -1) if fits(self._drawn(left[:count]), console))
            count = len(left) if self.prose else next(fitting, 1)
            console.print(self._drawn(left[:count]))
            left = left[count:]
            if not left:
                break
        for note in self.notes:
            console.print(f"  {note}", markup=False)

    def _drawn(self, columns: Sequence[int]) -> RichTable:
        drawn = RichTable(title=self.title, title_justify="left", box=box.SIMPLE_HEAD)
        for column in (0, *columns):
            drawn.add_column(self.head[column], justify="right" if column else "left", overflow="fold")
        for row in self.rows:
            cells = (row[column] for column in (0, *columns))
            drawn.add_row(*cells, style="bold" if row[0].startswith("crossorigin") else None)
        return drawn


class Target(NamedTuple):
    """What was aimed at, and what was measured.

    Attributes:
        rule: The design's number for it, such as ``"P1"``.
        aim: What was aimed at, with what it is measured on.
        wanted: The bound.
        measured: The figure.
        at_least: Whether the figure has to be at least the bound, and not at most.
        unit: What stands behind both, such as ``"x"``.
        note: What else there is to say of the figure.
        scatter: How far equal things were apart in the same run. Within that, there is nothing to say.
    """

    rule: str
    aim: str
    wanted: float
    measured: float
    unit: str
    at_least: bool = False
    note: str = ""
    scatter: float = 0.0

    @property
    def met(self) -> bool:
        """Whether it is met."""
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted

    @property
    def row(self) -> tuple[str, ...]:
        """Its row in a table."""
        bound = f"at {'least' if self.at_least else 'most'} {_number(self.wanted)}{self.unit}"
        measured = f"{_number(self.measured)}{self.unit}" + (f" ({self.note})" if self.note else "")
        by = _number(abs(self.measured - self.wanted))
        missed = f"missed by {by if float(by.replace(',', '')) else 'less than 0.01'}{self.unit}"
        if abs(self.measured - self.wanted) < self.scatter:
            return self.rule, self.aim, bound, measured, f"not decided: noise of {_number(self.scatter)}{self.unit}"
        return self.rule, self.aim, bound, measured, "met" if self.met else missed


def targets_table(targets: Sequence[Target]) -> Table:
    """Return the table of *targets*."""
    head = ("rule", "what", "target", "measured", "")
    return Table("Targets", head, [target.row for target in targets], prose=True)


def _number(value: float) -> str:
    return f"{value:,g}" if value == int(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def nanoseconds(value: float) -> str:
    """Return a duration in the unit in which it reads best.

    >>> nanoseconds(512.3), nanoseconds(4_250), nanoseconds(12_345_678)
    ('512 ns', '4.25 µs', '12.3 ms')
    """
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(value) >= size * 0.9995:  # what would be rounded up to the next unit is written in it
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} ns"
