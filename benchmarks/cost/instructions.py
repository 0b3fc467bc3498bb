"""How many instructions a request takes: what can be compared on a machine that is not ours alone.

Valgrind's callgrind counts what the processor would do. Two counts of the same code differ by less than one per cent,
whatever else the machine is busy with, so that a test can hold a bound. What is counted is in `counted`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import crossorigin

from .counted import BATCHES, REQUESTS
from .kinds import KINDS
from .reporting import Table, Target

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 300  # seconds

Counts = dict[tuple[str, str, str], float]  # by stack, role and kind of request

_SUMMARY = re.compile(r"^summary: (\d+)$", re.MULTILINE)


def missing() -> str | None:
    """Return why nothing can be counted, or ``None``."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed; on Debian and Ubuntu: apt-get install valgrind"
    return None


def count(module: str = "benchmarks.cost.counted") -> Counts:
    """Return how many instructions one request takes, for each of `counted.BATCHES`.

    Args:
        module: What is run: `counted`, or what plays the same batches otherwise.

    Raises:
        RuntimeError: If the program fails, or does not play just these batches.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=sched_yield"]
        # Sets are walked in the same order each time, and what site-packages starts by itself stays away.
        path = os.pathsep.join(map(str, (Path(crossorigin.__file__).parent.parent, ROOT)))
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path}
        done = subprocess.run(
            [*command, sys.executable, "-S", "-m", module],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        # Of the numbered parts the first, third, fifth ... is what led to a batch, and the one behind it the batch.
        parts = sorted(out.parent.glob("callgrind.*"), key=lambda part: int(part.suffix[1:]))
        batches = [_instructions(part) for part in parts[1::2]]
    if done.returncode or len(batches) != len(BATCHES):
        raise RuntimeError(f"{len(batches)} batches were counted, and not {len(BATCHES)}: {done.stderr}")
    return {key: instructions / REQUESTS for key, instructions in zip(BATCHES, batches, strict=True)}


def _instructions(part: Path) -> int:
    found = _SUMMARY.search(part.read_text(encoding="utf-8"))
    assert found is not None, f"{part} is no profile of callgrind's"
    return int(found[1])


def ratios(counts: Counts) -> dict[tuple[str, str], float]:
    """Return what crossorigin adds to the bare application beside what the limit adds, by stack and kind of request."""
    return {
        (stack, kind): (ours - counts[stack, "bare", kind])
        / (counts[stack, "limit", kind] - counts[stack, "bare", kind])
        for (stack, role, kind), ours in counts.items()
        if role == "crossorigin"
    }


# The section of the command


TITLE = "instructions a request, counted by callgrind"

# What the test holds: about a tenth above what was counted with Python 3.11. Other versions count otherwise.
BOUNDS = {
    ("ASGI", "no Origin"): 2.9,
    ("ASGI", "allowed"): 3.1,
    ("ASGI", "denied"): 3.2,
    ("ASGI", "preflight allowed"): 3.3,
    ("ASGI", "preflight denied"): 3.4,
    ("WSGI", "no Origin"): 3.6,
    ("WSGI", "allowed"): 3.9,
    ("WSGI", "denied"): 4.0,
    ("WSGI", "preflight allowed"): 2.3,
    ("WSGI", "preflight denied"): 2.6,
}

Data = dict[str, Any]


def measure(quick: bool = False) -> Data:
    """Count; without valgrind, say why not."""
    reason = missing()
    if reason:
        return {"skipped": reason}
    return {"counts": [[*key, instructions] for key, instructions in count().items()]}


def tables(data: Data) -> list[Table]:
    """Return one table, in instructions."""
    if "skipped" in data:
        return [Table("Not counted", ("why",), [[data["skipped"]]])]
    counts: Counts = {(stack, role, kind): found for stack, role, kind, found in data["counts"]}
    found = ratios(counts)
    rows = []
    for stack, role in dict.fromkeys((stack, role) for stack, role, _ in counts):
        cells = []
        for kind in KINDS:
            bare, here = counts[stack, "bare", kind.name], counts[stack, role, kind.name]
            ratio = f" ({found[stack, kind.name]:.2f}x)" if role == "crossorigin" else ""
            cells.append(f"{here:,.0f}" if role == "bare" else f"+{here - bare:,.0f}{ratio}")
        rows.append([f"{role} ({stack})", *cells])
    return [Table("Instructions", ("a request", *(kind.name for kind in KINDS)), rows)]


def targets(data: Data) -> list[Target]:
    """Return nothing: the bounds are those of a test."""
    return []
