"""The command: ``python -m benchmarks.scorecard`` prints the table, and ``--help`` says what else it does."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .evidence import in_full
from .libraries import LIBRARIES
from .library import OURS, Library
from .page import page
from .picture import picture
from .playing import Outcome
from .scoring import FAMILIES, Mark, Score, outcome, scores
from .situation import Situation
from .situations import RULES, SITUATIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "scorecard.md", DOCS / "scorecard.svg"

STYLES = {Mark.KEPT: "green", Mark.PARTLY: "green", Mark.TASTE: "yellow", Mark.BROKEN: "bold red", Mark.LACKS: "dim"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status: 1 if crossorigin breaks a rule, 2 for a name that does not exist."""
    parser = argparse.ArgumentParser("python -m benchmarks.scorecard", description=__doc__)
    parser.add_argument(
        "--library", action="append", default=[], help="play on this library alone, and show everything"
    )
    parser.add_argument("--rule", action="append", default=[], help="play this rule alone, and show everything")
    parser.add_argument(
        "--situation", action="append", default=[], help="play this situation alone, and show everything"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and {PICTURE.name} into docs/")
    given = parser.parse_args(arguments)
    chosen = given.library or given.rule or given.situation
    if given.write and chosen:
        parser.error("--write writes all of it: leave out --library, --rule and --situation")
    known = {
        "library": [*FAMILIES, *(library.name for library in LIBRARIES if library.name not in FAMILIES)],
        "rule": list(RULES),
        "situation": [situation.name for situation in SITUATIONS],
    }
    for kind, names in known.items():
        for name in getattr(given, kind):
            if name not in names:
                print(f"there is no {kind} {name!r}; there are {', '.join(names)}", file=sys.stderr)
                return 2
    console = Console()
    if chosen:
        return _show(console, _chosen_libraries(given), _chosen_situations(given))
    found = scores()
    if given.write:
        PAGE.write_text(page(found), encoding="utf-8")
        PICTURE.write_text(picture(found), encoding="utf-8")
    console.print(table(found))
    for mark in Mark:
        console.print(Text.assemble((f"{mark.sign:>4} ", STYLES[mark]), mark.meaning))
    return int(any(cell.broken for score in found if score.family == OURS for cell in score.cells.values()))


def table(found: Sequence[Score]) -> Table:
    """Return the table for the terminal: a row for each rule."""
    made = Table("", "")
    for score in found:
        made.add_column(score.family.replace("-", "\n"), justify="center", no_wrap=True)
    for rule, title in RULES.items():
        cells = [score.cells[rule] for score in found]
        made.add_row(rule, title, *(Text(cell.sign, STYLES[cell.mark]) for cell in cells))
    return made


def _chosen_libraries(given: argparse.Namespace) -> list[Library]:
    return [each for each in LIBRARIES if not given.library or {each.name, each.family} & set(given.library)]


def _chosen_situations(given: argparse.Namespace) -> list[Situation]:
    return [
        each
        for each in SITUATIONS
        if (not given.rule or each.rule in given.rule) and (not given.situation or each.name in given.situation)
    ]


def _show(console: Console, libraries: list[Library], situations: list[Situation]) -> int:
    played = [outcome(library, situation) for library in libraries for situation in situations]
    for each in played:
        sign, style = _judged(each)
        heading = f"{each.library.name}, {each.situation.rule} {each.situation.name}: {sign}"
        console.print(Text(heading, style), soft_wrap=True)
        for line in in_full(each):
            console.print(Text(f"  {line}" if line else ""), soft_wrap=True)
        console.print()
    broken = [each for each in played if each.is_broken]
    console.print(f"{len(played)} played, {len(broken)} broken.")
    return int(any(each.library.is_ours for each in broken))


def _judged(each: Outcome) -> tuple[str, str]:
    if each.lacks:
        return "not offered", STYLES[Mark.LACKS]
    if each.is_kept:
        return "kept", STYLES[Mark.KEPT]
    return ("differs in a matter of taste", STYLES[Mark.TASTE]) if each.is_taste else ("broken", STYLES[Mark.BROKEN])


if __name__ == "__main__":
    sys.exit(main())
