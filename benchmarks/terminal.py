"""The terminal that both commands print on, and what fits on it."""

import io
import os
import sys
from typing import Never

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

WIDE = 240  # where nobody says how wide: a file or a pipe
CLOSED = 141  # what a shell shows for a program that wrote where nobody reads: 128 and the number of SIGPIPE


class _Console(Console):
    def on_broken_pipe(self) -> Never:
        # As rich does, but with a status of its own: 1 says that something was found.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(CLOSED)


def console() -> Console:
    """Return the terminal, as wide as it is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal can show every sign
    return _Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)


def fits(table: Table, console: Console) -> bool:
    """Return whether *table* fits on *console* with no cell folded."""
    return Measurement.get(console, console.options.update(width=10_000), table).maximum <= console.width
