"""The browser engines as fixtures, started once per run, the table of what they judged, and how hypothesis works."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from conformance.engines import ENGINES, Engine, missing, start
from conformance.engines.network import Network, loopback
from tests.needs import IN_CI, missed

JUDGED = "situations judged"
COUNTED = "preflights counted"
COMPARED = "drop-ins: differences on purpose from the originals"

# These machines are shared: how long an example takes says nothing. In CI the examples are the same each time, so that
# a change is judged by what it changes; elsewhere each run tries new ones.
settings.register_profile("unhurried", deadline=None, derandomize=IN_CI)
settings.load_profile("unhurried")

Judged = Callable[[str, Engine, int], None]


class EnginesOnOneWorker(LoadScopeScheduling):  # type: ignore[misc]
    """Gives all tests with engines to one worker, since ports and engines are there once, and the others to any.

    ``--dist loadgroup`` is meant for that, and does nothing with pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        folder = "tests/engines/"
        return folder if nodeid.startswith(folder) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> EnginesOnOneWorker:
    """Choose how pytest-xdist, where it runs, gives tests to its workers."""
    return EnginesOnOneWorker(config, log)


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, Engine]]:
    """The engines that are installed, by name, all started side by side."""
    engines = {name: start(name) for name in ENGINES if missing(name) is None}
    with ThreadPoolExecutor(len(ENGINES)) as executor:
        starting = {name: executor.submit(engine.__enter__) for name, engine in engines.items()}
        try:
            yield {name: started.result() for name, started in starting.items()}
        finally:
            running = [engines[name] for name, started in starting.items() if started.exception() is None]
            list(executor.map(lambda engine: engine.__exit__(None, None, None), running))


def required(name: str, engines: dict[str, Engine]) -> Engine:
    """Return the engine *name*. Where it is not installed, the test is skipped, but fails in CI."""
    if name not in engines:
        missed(missing(name) or f"{name} did not start")
    return engines[name]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """Each engine in turn."""
    return required(request.param, engines)


@pytest.fixture
def all_engines(engines: dict[str, Engine]) -> dict[str, Engine]:
    """All engines side by side, for what they are asked at once."""
    return {name: required(name, engines) for name in ENGINES}


@pytest.fixture(scope="module")  # and no longer: the lab's tests want its port 80
def network() -> Iterator[Network]:
    """The servers that the pages come from, and what they fetch from."""
    with loopback() as served:
        yield served


@pytest.fixture
def judged(record_property: Callable[[str, object], None]) -> Judged:
    """Count situations for the table at the end of the run: ``judged("our servers", engine, 12)``.

    The suite is the table's row, and whatever is judged under one name adds up, over tests and over processes. Call it
    where the situations have been judged, whether rightly or not.
    """

    def count(suite: str, engine: Engine, situations: int) -> None:
        record_property(JUDGED, [suite, engine.name, engine.version, situations])

    return count


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[str, Engine, str], None]:
    """Note what a library costs for the second table: ``counted("wsgicors", engine, "4")``."""

    def note(library: str, engine: Engine, cost: str) -> None:
        record_property(COUNTED, [library, engine.name, engine.version, cost])

    return note


@pytest.fixture
def compared(record_property: Callable[[str, object], None]) -> Callable[[str, int, int, Mapping[str, int]], None]:
    """Note for the third table what a drop-in was compared in: ``compared("wsgicors", 300, 2400, {"vary": 12})``.

    That is how many configurations, how many answers, and how often each named difference was seen.
    """

    def note(library: str, configurations: int, answers: int, rows: Mapping[str, int]) -> None:
        record_property(COMPARED, [library, configurations, answers, dict(rows)])

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what engines judged, what each library costs in preflights, and where drop-ins differ from originals."""
    properties = [
        (kind, values)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for kind, values in report.user_properties
    ]
    _print_compared(terminalreporter, [values for kind, values in properties if kind == COMPARED])
    noted = [(kind, *values) for kind, values in properties if kind in (JUDGED, COUNTED)]
    situations: Counter[tuple[str, str]] = Counter()
    costs: dict[tuple[str, str], str] = {}
    versions: dict[str, str] = {}
    for kind, row, engine, version, value in noted:
        versions[engine] = ".".join(version.split(".")[:2]) if engine != "webkit" else version
        if kind == JUDGED:
            situations[row, engine] += value
        else:
            costs[row, engine] = value
    shown = [name for name in ENGINES if name in versions]
    head = [f"{name} {versions[name]}" for name in shown]
    for title, cells in (
        ("engines: " + JUDGED, {key: str(value) for key, value in situations.items()}),
        ("engines: preflights for four methods and three headers, without / with credentials", costs),
    ):
        rows = list(dict.fromkeys(row for row, _ in cells))
        if rows:
            terminalreporter.section(title, sep="-")
            _print_table(terminalreporter, head, {row: [cells.get((row, name), "") for name in shown] for row in rows})


def _print_compared(reporter: pytest.TerminalReporter, noted: list[Any]) -> None:
    if noted:
        reporter.section(COMPARED, sep="-")
    for library, configurations, answers, rows in sorted(noted):
        reporter.write_line(f"{library}: {configurations} configurations, {answers} answers compared")
        for name, times in sorted(rows.items(), key=lambda row: -row[1]):
            reporter.write_line(f"  {times:>6}  {name}")


def _print_table(reporter: pytest.TerminalReporter, head: list[str], rows: dict[str, list[str]]) -> None:
    first = max(map(len, rows))
    widths = [max(map(len, column)) for column in zip(head, *rows.values(), strict=True)]
    for name, cells in (("", head), *rows.items()):
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        reporter.write_line(f"{name:<{first}}  {'  '.join(aligned)}")
