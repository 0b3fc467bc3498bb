"""P5: what an import adds to the start of the interpreter, in processes that take turns.

A library that only works inside a framework is measured beyond the import of that framework: an application has that
one anyway.
"""

import os
import random
import subprocess
import sys
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple

from .reporting import Table, Target, nanoseconds

TITLE = "time to import"
ROUNDS, QUICK_ROUNDS = 30, 1
MILLISECONDS = 15
# An installed package is compiled once. Where Python may not keep what it compiled, that would be measured each time.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Import(NamedTuple):
    """An import, and what is imported already."""

    module: str
    beyond: str | None = None


IMPORTS = (
    Import("crossorigin"),
    Import("crossorigin.asgi"),
    Import("crossorigin.wsgi"),
    Import("crossorigin.asgi", "re, typing"),
    Import("crossorigin.starlette", "starlette.applications"),
    Import("crossorigin.kui", "kui.asgi, kui.wsgi"),
    Import("crossorigin.aiohttp", "aiohttp.web"),
    Import("asgi_cors"),
    Import("wsgicors"),
    Import("starlette.middleware.cors"),
    Import("starlette.middleware.cors", "starlette.applications"),
    Import("quart_cors", "quart"),
    Import("flask_cors", "flask"),
    Import("corsheaders.middleware", "django.core.wsgi"),
    Import("aiohttp_cors", "aiohttp.web"),
)
TARGETED = ("crossorigin", "crossorigin.asgi", "crossorigin.wsgi")

Data = dict[str, Any]


def measure(quick: bool = False) -> Data:
    """Measure all imports."""
    statements = [_statement(one.beyond) for one in IMPORTS] + [_statement(one.beyond, one.module) for one in IMPORTS]
    programs = list(dict.fromkeys(statements))
    for program in programs:
        run(program)  # compiles what was not compiled yet
    samples: dict[str, list[int]] = {program: [] for program in programs}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        # In another order each time, so that none always comes behind the same one.
        for program in random.sample(programs, len(programs)):
            samples[program].append(run(program))
    rows = []
    for one in IMPORTS:
        before, after = samples[_statement(one.beyond)], samples[_statement(one.beyond, one.module)]
        rows.append(
            {
                "module": one.module,
                "beyond": one.beyond,
                "added_ns": min(after) - min(before),
                "added_median_ns": median(x - y for x, y in zip(after, before, strict=True)),
                "third_party": third_party(one),
            }
        )
    return {"start_ns": min(samples[_statement(None)]), "imports": rows}


def _statement(*modules: str | None) -> str:
    named = [module for module in modules if module]
    return f"import {', '.join(named)}" if named else "pass"


def run(program: str) -> int:
    """Return how many nanoseconds an interpreter takes to start, to run *program* and to end."""
    start = perf_counter_ns()
    subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)
    return perf_counter_ns() - start


def third_party(one: Import) -> int:
    """Return how many modules, neither its own nor the standard library's, an import loads besides."""
    own = one.module.partition(".")[0]
    program = (
        f"import sys; {_statement(one.beyond)}\nbefore = set(sys.modules)\nimport {one.module}\n"
        "found = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        f"print(len(found - set(sys.stdlib_module_names) - {{{own!r}}}))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return int(done.stdout)


def tables(data: Data) -> list[Table]:
    """Return one table."""
    rows = [
        [
            f"{row['module']}" + (f", beyond {row['beyond']}" if row["beyond"] else ""),
            _signed(row["added_ns"]),
            _signed(row["added_median_ns"]),
            str(row["third_party"]),
        ]
        for row in data["imports"]
    ]
    head = ("import", "added, by the minima", "added, median", "third-party packages loaded")
    return [Table(f"An interpreter that does nothing takes {nanoseconds(data['start_ns'])}", head, rows)]


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'}{nanoseconds(abs(value))}"


def targets(data: Data) -> list[Target]:
    """Return P5."""
    rows = {row["module"]: row for row in data["imports"] if row["module"] in TARGETED and not row["beyond"]}
    found = [
        Target("P5", f"import {name}: added to the start", MILLISECONDS, rows[name]["added_ns"] / 1e6, " ms")
        for name in TARGETED
    ]
    loaded = sum(row["third_party"] for row in rows.values())
    return [*found, Target("P5", "third-party packages loaded by these", 0, loaded, "")]
