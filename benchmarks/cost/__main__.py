"""What CORS costs: measure it, print the tables, and write the page and its plots if asked to."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from .. import terminal
from . import machine, plots
from .page import SECTIONS, page, readme
from .reporting import targets_table

README = Path(__file__).parent.parent.parent / "README.md"
DOCS = README.parent / "docs"
PAGE = DOCS / "performance.md"
FOLDER = DOCS / "performance"
RESULTS = FOLDER / "results.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"{', '.join(SECTIONS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sizes: a first look in a minute")
    parser.add_argument(
        "--write",
        action="store_true",
        help=f"keep the results, and write {PAGE.name} with its plots, and the table in {README.name}",
    )
    parser.add_argument("--from-results", action="store_true", help="measure nothing: use what was kept, and write")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if options.write and (options.sections or options.quick):
        parser.error("--write is for a whole run: leave out the names of sections, and --quick")
    console = terminal.console()
    if options.from_results:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    else:
        results = _measured(options.sections or list(SECTIONS), options.quick, console)
    if options.write:
        FOLDER.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(_rounded(results), indent=1) + "\n", encoding="utf-8")
        results = json.loads(RESULTS.read_text(encoding="utf-8"))  # so that the page is what the file gives
    if options.write or options.from_results:
        PAGE.write_text(page(results), encoding="utf-8")
        plots.write(results, FOLDER)
        README.write_text(readme(README.read_text(encoding="utf-8"), results), encoding="utf-8")
        console.print(f"Wrote {PAGE} and the table in {README}, and the plots and results in {FOLDER}.")
    return 0


def _measured(sections: list[str], quick: bool, console: Console) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": machine.describe()}
    targets = []
    for name in sections:
        section = SECTIONS[name]
        with console.status(f"Measuring {section.TITLE}."):
            results[name] = section.measure(quick)
        console.rule(f"{name}: {section.TITLE}", align="left")
        for table in section.tables(results[name]):
            table.print(console)
        targets += section.targets(results[name])
    if targets:
        targets_table(targets).print(console)
    return results


def _rounded(value: Any) -> Any:
    """Return *value* without the digits that say nothing."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
