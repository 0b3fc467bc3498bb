"""``crossorigin check``: everything that is wrong with a policy, with its fix, and what the policy means in words.

Owns how findings are sorted and told: drawn, as lines, or as JSON. What is wrong is the policy's business, and what it
means that of ``words``.
"""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..answer import Rules
from ..files import PolicyFile, PolicyFileError, Problem
from ..findings import Finding, PolicyError
from .applications import found_in, what_to_write
from .source import Address, Application, guarded, target_of
from .terminal import FOUND, GOOD, Terminal, WrongUse, shown
from .words import ALWAYS, Meaning, meanings

# True of every policy with '*' for the headers, and right unless pages send Authorization: no change would settle it.
_MAY_BE_MEANT = {"headers-without-authorization"}
_HEADINGS = {"errors": "bold red", "dangers accepted": "bold yellow", "warnings": "bold cyan"}


@dataclass(frozen=True)
class Row:
    """One thing to tell, whether a policy or a file has it.

    Attributes:
        where: The file and line, if there are any, and the argument.
        value: What was given there, as code; empty where the advice says it.
        advice: What is wrong, and what to write.
        code: Of the catalogue; empty for what is wrong with a file.
        data: All of it, for machines.
    """

    where: str
    value: str
    advice: str
    code: str
    data: dict[str, object] = field(compare=False)


@dataclass(frozen=True)
class Report:
    """What there is to tell of a policy.

    Attributes:
        errors: What keeps it from being built, dangers that were not accepted among it.
        dangers: The dangers that were accepted.
        warnings: The rest.
        meanings: What it means; nothing where it was not built.
    """

    errors: tuple[Row, ...] = ()
    dangers: tuple[Row, ...] = ()
    warnings: tuple[Row, ...] = ()
    meanings: tuple[Meaning, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to do: what was accepted on purpose is settled, and so is what may well be meant."""
        return not self.errors and all(row.code in _MAY_BE_MEANT for row in self.warnings)

    @property
    def parts(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """The findings under their headings."""
        return tuple(zip(_HEADINGS, (self.errors, self.dangers, self.warnings), strict=True))


def check(terminal: Terminal, source: str | None) -> int:
    """Tell what is wrong with the policy that *source* names, and what it means; return the exit status.

    Raises:
        WrongUse: If *source* names no policy.
    """
    report = report_on(source)
    if terminal.as_json:
        terminal.data(as_data(source, report))
    elif terminal.is_drawn:
        _draw(terminal, report)
    else:
        terminal.plain(*as_lines(report))
    return GOOD if report.is_good else FOUND


def report_on(source: str | None) -> Report:
    """Return what there is to tell of the policy that *source* names.

    Raises:
        WrongUse: If it names none.
    """
    try:
        target = target_of(source)
    except PolicyError as error:
        return Report(errors=tuple(map(_row, error.findings)))
    except PolicyFileError as error:
        return Report(errors=tuple(map(_row_of_file, error.problems)))
    match target:
        case Address(url):
            raise WrongUse(f"{url} is the address of a server: crossorigin explain {url} --origin ... asks it")
        case Application(app, name):
            with guarded(name):
                found = [(one.where, one.rules) for one in found_in(app)]
                if not found:
                    raise WrongUse(what_to_write(app, name))
                return _built(found)
        case PolicyFile(rules=rules, remarks=remarks):
            return _sorted(map(_row_of_file, remarks), meanings(rules))
        case rules:
            return _built([("", rules)])


def _built(policies: Sequence[tuple[str, Rules]]) -> Report:
    rows = [_row(found, where) for where, rules in policies for found in _findings(rules)]
    return _sorted(rows, [meaning for where, rules in policies for meaning in meanings(rules, where)])


def _sorted(rows: Iterable[Row], means: Iterable[Meaning]) -> Report:
    """Return what there is to tell of a policy that was built."""
    rows = list(rows)
    dangers = tuple(row for row in rows if row.data["severity"] == "danger")
    warnings = tuple(row for row in rows if row.data["severity"] != "danger")
    return Report(dangers=dangers, warnings=warnings, meanings=tuple(means))


def _findings(rules: object) -> Iterator[Finding]:
    """Yield the findings of *rules*, and of what a drop-in has inside of it."""
    inner = getattr(rules, "rules", None)
    yield from getattr(rules, "findings", _findings(inner) if isinstance(inner, Rules) else ())


def _row(found: Finding, place: str = "") -> Row:
    advice = found.advice.removesuffix(f" [{found.code}]")
    data = {
        "code": found.code,
        "severity": found.severity,
        "where": found.where,
        "value": _plain(found.value),
        "message": found.message,
        "fix": found.fix,
    }
    where = f"{place}: {found.where}" if place else found.where
    return Row(where, found.given, advice, found.code, {**data, "in": place} if place else data)


def _plain(value: object) -> object:
    """Return *value* if JSON can hold it as it is, or else how it is shown."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return shown(value)
    return value


def _row_of_file(problem: Problem) -> Row:
    line = "" if problem.line is None else f":{problem.line}"
    where = ": ".join(filter(None, [f"{problem.path}{line}", problem.key]))
    place = {"path": problem.path, "line": problem.line, "key": problem.key}
    if problem.finding is None:
        return Row(where, "", problem.message, "", {**place, "message": problem.message})
    row = _row(problem.finding)
    said = problem.message.startswith(f"{row.value}: ")  # or else the key says it
    return replace(row, where=where, value=row.value if said else "", data={**row.data, **place})


def as_data(source: str | None, report: Report) -> dict[str, object]:
    """Return the report as plain data."""
    return {
        "source": source,
        "good": report.is_good,
        **{heading.replace(" ", "_"): [row.data for row in rows] for heading, rows in report.parts},
        "meaning": [meaning._asdict() for meaning in report.meanings],
    }


def as_lines(report: Report) -> list[str]:
    """Return the report as lines, one for each finding and each meaning, aligned."""
    lines: list[str] = []
    for heading, rows in report.parts:
        if rows:
            columns = zip(*((row.where, row.value) for row in rows), strict=True)
            widths = [max(map(len, column)) for column in columns]
            lines.append(_heading(heading, rows))
            for row in rows:
                code = f" [{row.code}]" if row.code else ""
                cells = [
                    f"{cell:<{width}}" for cell, width in zip((row.where, row.value), widths, strict=True) if width
                ]
                lines.append("  ".join(["", *cells, row.advice]) + code)
            lines.append("")
    if report.meanings:
        width = max(len(meaning.where) for meaning in report.meanings)
        lines.append("what it means:")
        lines += [f"  {where:<{width}}{'  ' * bool(width)}{text}" for where, text in report.meanings]
        lines += [f"  {ALWAYS}", ""]
    return [*lines, _summary(report)]


def _heading(heading: str, rows: tuple[Row, ...]) -> str:
    count = len(rows)
    one = {"errors": "1 error", "dangers accepted": "1 danger accepted", "warnings": "1 warning"}[heading]
    return f"{one if count == 1 else f'{count} {heading}'}:"


def _summary(report: Report) -> str:
    if report.is_good:
        kinds = {"what is dangerous was accepted on purpose": report.dangers, "see the warning": report.warnings}
        whys = [why for why, rows in kinds.items() if rows]
        return "nothing to do" + f": {' and '.join(whys)}" * bool(whys)
    counts = [_heading(name, rows).rstrip(":") for name, rows in report.parts if rows and name != "dangers accepted"]
    return ", ".join(counts)


def _draw(terminal: Terminal, report: Report) -> None:
    console = terminal.console
    for heading, rows in report.parts:
        if rows:
            console.print(Text(_heading(heading, rows), _HEADINGS[heading]))
            console.print(Padding(_findings_table(rows, console.width), (0, 0, 0, 2)))
            console.print()
    if report.meanings:
        console.print(Text("what it means:", "bold"))
        console.print(Padding(_meanings_table(report.meanings, console.width), (0, 0, 0, 2)))
        console.print(Text(f"  {ALWAYS}", "dim"))
        console.print()
    console.print(Text(_summary(report), "bold green" if report.is_good else "bold red" if report.errors else "bold"))


def _findings_table(rows: tuple[Row, ...], width: int) -> Table:
    """Return *rows* as a table: a place and a value stand once, however much is wrong with them."""
    values = [row.value for row in rows]
    places = [row.where.replace(": ", "\n") for row in rows]
    table = _table()
    widths = [_fit((part for place in places for part in place.split("\n")), width), _fit(values, width)]
    table.add_column(style="cyan", overflow="fold", width=widths[0])
    table.add_column(overflow="fold", width=widths[1])
    table.add_column()
    rest = width - sum(widths) - 6  # with what is left free before the table and between its columns
    before = ("", "")
    for place, row in zip(places, rows, strict=True):
        # Wrapped here, and long words at their hyphens: rich would tear a word that is longer than the column.
        words = row.advice + f" [{row.code}]" * bool(row.code)
        tears = max(map(len, words.split())) > rest
        advice = Text("\n".join(textwrap.wrap(words, rest, break_on_hyphens=tears)))
        advice.highlight_regex(r"\[[a-z0-9\s-]+\]\Z", "dim")
        this = (place, row.value)
        table.add_row(*(this if this != before else ("", "")), advice)
        before = this
    return table


def _meanings_table(means: tuple[Meaning, ...], width: int) -> Table:
    table = _table()
    if any(meaning.where for meaning in means):
        table.add_column(style="cyan", overflow="fold", width=_fit((meaning.where for meaning in means), width))
    table.add_column(overflow="fold")
    for where, text in means:
        table.add_row(*([where, text] if len(table.columns) > 1 else [text]))
    return table


def _fit(texts: Iterable[str], width: int) -> int:
    """Return how wide a column of *texts* is, of which a table leaves at most three tenths or so."""
    return min(max(map(len, texts)), max(width * 3 // 10, min(width // 3, 26)))


def _table() -> Table:
    return Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2), collapse_padding=True)
