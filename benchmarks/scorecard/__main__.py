"""The command: ``python -m benchmarks.scorecard`` prints the table, and ``--help`` says what else it does."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import terminal
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


DESCRIPTION = """\
Play the server's rules for CORS on crossorigin and on the other Python libraries, and print the table. With --library,
--rule or --situation, each of which can be repeated, play these alone, and show what was sent, what came, and what must
hold."""
EPILOGUE = """\
libraries: {libraries}
rules: {rules}
situations: an unknown name lists them all

exit status: 0 if crossorigin keeps all that was played, 1 if it breaks a rule, 2 if there is nothing to play"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status: 1 if crossorigin breaks a rule, 2 if there is nothing to play."""
    known = {
        "library": [*FAMILIES, *(library.name for library in LIBRARIES if library.name not in FAMILIES)],
        "rule": list(RULES),
        "situation": [situation.name for situation in SITUATIONS],
    }
    given = _parsed(known, arguments)
    for kind, names in known.items():
        for name in getattr(given, kind):
            if name not in names:
                return _mistaken(f"there is no {kind} {name!r}; there are {', '.join(names)}")
    console = terminal.console()
    if given.library or given.rule or given.situation:
        situations = _chosen_situations(given)
        if not situations:
            rules = ", ".join(dict.fromkeys(each.rule for each in SITUATIONS if each.name in given.situation))
            return _mistaken(
                f"nothing to play: {', '.join(given.situation)} shows {rules}, not {', '.join(given.rule)}"
            )
        return _show(console, _chosen_libraries(given), situations)
    found = scores()
    if given.write:
        PAGE.write_text(page(found), encoding="utf-8")
        PICTURE.write_text(picture(found), encoding="utf-8")
    for each in tables(found, console):
        console.print(each)
    for mark in Mark:
        console.print(Text.assemble((f"{mark.sign:>4} ", STYLES[mark]), mark.meaning))
    return int(any(cell.broken for score in found if score.family == OURS for cell in score.cells.values()))


def tables(found: Sequence[Score], console: Console) -> list[Table]:
    """Return the table for the terminal, a row for each rule.

    Where it is wider than *console*, the titles of the rules stand in a list before it, and the libraries in as many
    tables as they need, crossorigin in each.
    """
    whole = _table(found, titles=True)
    if terminal.fits(whole, console):
        return [whole]
    titles = Table("rule", "", box=None, show_header=False)
    for rule, title in RULES.items():
        titles.add_row(rule, title)
    made, (first, *rest) = [titles], found
    shown = [first]
    for score in rest:
        if len(shown) > 1 and not terminal.fits(_table([*shown, score]), console):
            made.append(_table(shown))
            shown = [first]
        shown.append(score)
    return [*made, _table(shown)]


def _table(found: Sequence[Score], titles: bool = False) -> Table:
    made = Table()
    made.add_column("", no_wrap=True)
    if titles:
        made.add_column("", no_wrap=True)
    for score in found:
        made.add_column(score.family.replace("-", "\n"), justify="center", no_wrap=True)
    for rule, title in RULES.items():
        cells = [score.cells[rule] for score in found]
        made.add_row(rule, *([title] if titles else []), *(Text(cell.sign, STYLES[cell.mark]) for cell in cells))
    return made


def _parsed(known: Mapping[str, Sequence[str]], arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.scorecard",
        description=DESCRIPTION,
        epilog=EPILOGUE.format(libraries=", ".join(known["library"]), rules=", ".join(known["rule"])),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    examples = {"library": "flask-cors", "rule": "S10", "situation": "vary-denied"}
    for kind, example in examples.items():
        parser.add_argument(
            f"--{kind}", action="append", default=[], metavar="NAME", help=f"this {kind} alone, such as {example}"
        )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and {PICTURE.name} into docs/, too")
    given = parser.parse_args(arguments)
    if given.write and (given.library or given.rule or given.situation):
        parser.error("--write writes all of it: leave out --library, --rule and --situation")
    return given


def _mistaken(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


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
