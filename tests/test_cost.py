"""What CORS costs: the bounds that hold on any machine, the harness that measures it, and the page with the figures."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import terminal
from benchmarks.cost import __main__ as command
from benchmarks.cost import (
    counted,
    hostile,
    importing,
    instructions,
    kinds,
    libraries,
    on_asgi,
    origins,
    parts,
    plots,
    requests,
    throughput,
    timing,
)
from benchmarks.cost.libraries import BARE, LIMIT, Group, Library
from benchmarks.cost.page import BEGIN, END, SECTIONS, page, readme
from benchmarks.cost.plain import bare_asgi
from benchmarks.cost.quiet import quiet
from benchmarks.cost.reporting import Target
from conformance.messages import Request
from crossorigin import Policy
from crossorigin.asgi import CORSMiddleware, Receive, Scope, Send
from tests.needs import missed

ALL = [pytest.param(group, id=group.name) for group in requests.GROUPS]


def required(reason: str | None) -> None:
    """Do without the test for *reason*, if there is one."""
    if reason:
        missed(reason)


class Slow:
    """A middleware that does something for nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sum(range(2000))
        await self.app(scope, receive, send)


def group_of(*others: Library) -> Group:
    """Return the plain ASGI group with *others* in place of the libraries."""
    return on_asgi.PLAIN._replace(libraries=(*on_asgi.PLAIN.libraries[:2], *others))


# The regression guard


@pytest.fixture(scope="module")
def counts() -> instructions.Counts:
    required(instructions.missing())
    return instructions.count()


@pytest.mark.parametrize("stack", ["ASGI", "WSGI"])
def test_p1_crossorigin_adds_no_more_instructions_than_its_bound_beside_the_limit(
    counts: instructions.Counts, stack: str
) -> None:
    ratios = {kind: ratio for (where, kind), ratio in instructions.ratios(counts).items() if where == stack}

    too_much = {kind: ratio for kind, ratio in ratios.items() if ratio > instructions.BOUNDS[stack, kind]}

    assert list(ratios) == [kind.name for kind in kinds.KINDS]
    assert too_much == {}


def test_instructions_are_those_of_the_requests_alone(counts: instructions.Counts) -> None:
    # What is bare answers at once, and the limit makes one closure and one list: it is known about what that takes.
    for (_, role, _), found in counts.items():
        if role == BARE:
            assert 2_000 < found < 15_000
    for stack, kind in instructions.BOUNDS:
        assert 1_000 < counts[stack, LIMIT, kind] - counts[stack, BARE, kind] < 15_000


def test_every_batch_that_is_counted_has_its_bound() -> None:
    assert set(instructions.BOUNDS) == {(stack, kind) for stack, _, kind in counted.BATCHES}


def test_a_program_that_fails_is_not_taken_for_a_cheap_one() -> None:
    required(instructions.missing())

    with pytest.raises(RuntimeError, match="0 batches were counted"):
        instructions.count("benchmarks.no_such_module")


# What is measured


@pytest.mark.parametrize("group", ALL)
def test_every_library_answers_as_its_policy_says(group: Group) -> None:
    with quiet():
        libraries.check(group)


def saying(origins: Sequence[str], **other: Any) -> CORSMiddleware:
    return CORSMiddleware(bare_asgi, kinds.policy(origins).replace(**other))


WRONG = {
    "allows everybody": lambda origins: CORSMiddleware(bare_asgi, Policy("*")),
    "allows nobody": lambda origins: bare_asgi,
    "allows fewer methods": lambda origins: CORSMiddleware(
        bare_asgi, Policy(origins, allow_credentials=True, allow_headers=kinds.HEADERS)
    ),
    "allows fewer headers": lambda origins: CORSMiddleware(
        bare_asgi, Policy(origins, allow_credentials=True, allow_methods=kinds.METHODS)
    ),
    "says other credentials": lambda origins: saying(origins, allow_credentials=False),
    "says other exposed headers": lambda origins: saying(origins, expose_headers=()),
    "says another max_age": lambda origins: saying(origins, max_age=5),
    "answers for the application": lambda origins: CORSMiddleware(
        bare_asgi, kinds.policy(["https://other.example.com"]), enforce=True
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_library_whose_answer_is_wrong_is_not_measured(name: str) -> None:
    with pytest.raises(kinds.WrongAnswerError, match=name), quiet():
        libraries.check(group_of(Library(name, WRONG[name])))


def test_an_application_that_fails_is_not_measured() -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("no")

    with pytest.raises(kinds.WrongAnswerError, match="raised"), quiet():
        libraries.check(group_of(Library("fails", lambda origins: CORSMiddleware(fails, kinds.policy(origins)))))


def test_what_is_slow_is_shown_slow() -> None:
    group = group_of(
        Library("slow", lambda origins: Slow(bare_asgi)),
        Library("twice as slow", lambda origins: Slow(Slow(bare_asgi))),
    )

    found = timing.measure(group, 20, [kinds.ALLOWED])

    slow, slower = found["slow"]["allowed"], found["twice as slow"]["allowed"]
    assert slow["ratio"] is not None
    assert slow["ratio"] > 5
    assert 1.5 < slower["added"] / slow["added"] < 3
    assert found[LIMIT]["allowed"]["ratio"] == 1


def test_no_request_of_what_was_never_seen_is_asked_twice() -> None:
    asked = [kind.repeated(50) for kind in kinds.UNSEEN for _ in range(2)]

    lines = [value for batch in asked for request in batch for name, value in request.headers if name == "Origin"]

    assert len(lines) == len(set(lines)) == 200


def test_figures_are_differences_to_the_bare_application() -> None:
    samples = {("bare", "k"): [10.0, 12.0, 11.0], ("limit", "k"): [15.0, 16.0, 20.0], ("ours", "k"): [20.0, 24.0, 30.0]}

    found = timing.figures(samples, "ours", "k")

    assert found == {
        "minimum": 20.0,
        "median": 24.0,
        "added": 10.0,
        "added_median": 12.0,
        "ratio": 2.0,
        "ratio_median": 12 / 5,
    }


@pytest.mark.parametrize(
    ("target", "row"),
    [
        (Target("P1", "a", 2.0, 1.5, "x"), ("P1", "a", "at most 2x", "1.50x", "met")),
        (
            Target("P1", "a", 2.0, 2.5, "x", note="median 3x"),
            ("P1", "a", "at most 2x", "2.50x (median 3x)", "missed by 0.50x"),
        ),
        (Target("P2", "b", 97, 96.1, " %", at_least=True), ("P2", "b", "at least 97 %", "96.1 %", "missed by 0.90 %")),
        (Target("P2", "b", 97, 99.0, " %", at_least=True), ("P2", "b", "at least 97 %", "99 %", "met")),
    ],
)
def test_a_target_says_whether_it_is_met_and_by_how_much_not(target: Target, row: tuple[str, ...]) -> None:
    assert target.row == row


# The sections


def test_p2_wrk_asks_a_real_server() -> None:
    required(throughput.missing())
    server = throughput.SERVERS[0]

    with server.serve(bare_asgi) as address:
        assert min(throughput.load(address)) > 10


def test_p2_a_server_that_answers_with_errors_is_not_measured() -> None:
    required(throughput.missing())

    async def missing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with throughput.SERVERS[0].serve(missing) as address, pytest.raises(RuntimeError, match="wrk failed"):
        throughput.load(address)


def test_p2_a_share_is_the_median_over_rounds() -> None:
    found = {"bare": [100.0, 200.0, 100.0], "bare, again": [100.0, 200.0, 100.0], "ours": [90.0, 190.0, 99.0]}

    assert throughput.share(found, "ours") == 95.0


def test_p2_what_the_bare_application_differs_from_itself_decides_nothing() -> None:
    found = {"bare": [100.0] * 4, "bare, again": [60.0, 80.0, 120.0, 140.0], "ours": [90.0] * 4}

    assert throughput.scatter(found) > 20
    assert throughput.scatter({**found, "bare, again": [100.0] * 4}) == 0
    assert throughput.scatter({"bare": [1.0], "bare, again": [1.0]}) == 100
    assert Target("P2", "a", 97, 90.0, " %", at_least=True, scatter=20).row[-1] == "not decided: noise of 20 %"
    assert Target("P2", "a", 97, 70.0, " %", at_least=True, scatter=20).row[-1] == "missed by 27 %"


async def logged(group: Group, rounds: int) -> int:
    """Return how many refusals are logged, while rounds of what was never seen are played."""
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("crossorigin")
    logger.addHandler(handler)
    try:
        for _ in range(rounds):
            await timing._batch(group, group.libraries[2], None, kinds.UNSEEN[0], timing.MOST)
    finally:
        logger.removeHandler(handler)
    return len([message for message in seen if "is not allowed" in message])


def test_every_refusal_of_what_was_never_seen_is_logged_however_many_rounds_there_are() -> None:
    rounds = 15  # more requests than the log of one application would take

    assert asyncio.run(logged(on_asgi.PLAIN, rounds)) == rounds * (timing.MOST + 2)


def test_p3_a_policy_of_many_origins_keeps_few_bytes_for_each() -> None:
    for spelling in origins.SPELLINGS.values():
        declared = [spelling.declare(number) for number in range(1000)]

        policy, added = origins._memory(declared)

        assert policy.actual(spelling.origin(999)).allowed
        assert 10 < added / 1000 < 1000


def test_p1_the_fast_path_of_every_stack_is_what_is_measured() -> None:
    # What is built for one stack must not switch off what another one remembers.
    program = (
        "import crossorigin.aiohttp\n"
        "from benchmarks.cost import kinds, libraries, on_aiohttp, requests\n"
        "for group in requests.GROUPS:\n"
        "    libraries.check(group)\n"
        "app = on_aiohttp.with_crossorigin(libraries.ORIGINS)\n"
        "for _ in range(2):\n"
        "    libraries.ASK['aiohttp'](app, kinds.ALLOWED.request)\n"
        "print(app[crossorigin.aiohttp._ADAPTER]._only is not None)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=instructions.ROOT, capture_output=True, text=True
    )

    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("shape", hostile.SHAPES)
def test_p4_hostile_requests_are_as_large_as_they_say(shape: str) -> None:
    request: Request = hostile.SHAPES[shape](64 * 1024)

    assert 64 * 1024 <= max(len(value) for _, value in request.headers) <= 64 * 1024 + 100


def test_p5_an_import_of_much_is_seen() -> None:
    found = importing.third_party(importing.Import("starlette.middleware.cors"))

    assert found > 0


def test_p5_what_an_import_adds_beyond_others_is_no_target() -> None:
    row = {"added_ns": 20e6, "added_median_ns": 20e6, "third_party": 0}
    whole = [row | {"module": name, "beyond": None} for name in importing.TARGETED]
    beyond = row | {"module": "crossorigin.asgi", "beyond": "typing", "added_ns": 1e6}

    found = importing.targets({"start_ns": 1e6, "imports": [*whole, beyond]})

    assert [target.measured for target in found] == [20, 20, 20, 0]


def test_p5_what_was_compiled_once_is_not_compiled_for_each_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.py").write_text("")
    monkeypatch.setitem(importing.ENVIRONMENT, "PYTHONPATH", str(tmp_path))

    importing.run("import small")

    assert list(tmp_path.glob("__pycache__/small.*.pyc"))


# The command and the page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "there is no section nothing"),
        (["requests", "--write"], "whole run"),
        (["--quick", "--write"], "whole run"),
    ],
)
def test_a_mistake_in_the_command_is_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)

    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_the_command_prints_tables_and_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["hostile", "--quick"]) == 0

    printed = capsys.readouterr().out
    assert "commas" in printed
    assert "P4" in printed


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(command.RESULTS.read_text(encoding="utf-8"))
    return found


def test_the_page_is_what_the_results_give(results: dict[str, Any]) -> None:
    assert command.PAGE.read_text(encoding="utf-8") == page(results), "run: python -m benchmarks.cost --from-results"


def test_the_table_in_the_readme_is_what_the_results_give(results: dict[str, Any]) -> None:
    text = command.README.read_text(encoding="utf-8")

    assert text == readme(text, results), "run: python -m benchmarks.cost --from-results"
    assert text.count(BEGIN) == text.count(END) == 1


def test_the_parts_are_those_of_crossorigin_and_of_the_limit(results: dict[str, Any]) -> None:
    for found in results["parts"].values():
        of_limit = [what for what in found if what.startswith(parts.OF_LIMIT)]
        assert 0 < len(of_limit) < len(found) / 2

    measured = {name: {"a": 100.0, "b": 20.0, "the limit: c": 30.0} for name in ("ASGI", "WSGI")}
    added = [{"name": "limit", "kinds": {"allowed": {"added": 40.0}}}]
    requested = {
        name: {"libraries": [*added, {"name": f"crossorigin.{name.lower()}", "kinds": {"allowed": {"added": 500.0}}}]}
        for name in measured
    }
    assert parts.shares(measured, requested).startswith("on ASGI 120 ns of 500 ns, and 30 ns of the limit's 40 ns; on")


def test_the_plots_are_what_the_results_give(results: dict[str, Any]) -> None:
    for name, text in plots.draw(results).items():
        assert (command.FOLDER / name).read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize("width", [80, 120, 240])
def test_no_figure_is_folded_on_a_terminal(
    width: int, results: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    tables = [table for name, section in SECTIONS.items() for table in section.tables(results[name])]

    for table in tables:
        table.print(terminal.console())
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= width
        if not table.prose:
            assert all(cell in out for row in table.rows for cell in row[1:])
            assert all(name in out for name in table.head[1:])


def test_the_page_shows_every_plot_and_a_target_of_every_rule(results: dict[str, Any]) -> None:
    text = command.PAGE.read_text(encoding="utf-8")

    assert all(f"(performance/{file.name})" in text for file in command.FOLDER.iterdir())
    assert {target.rule for name, one in SECTIONS.items() for target in one.targets(results[name])} == {
        "P1",
        "P2",
        "P3",
        "P4",
        "P5",
    }
