"""The terminal that both commands print on, and what fits on it."""

import os
import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

WIDE = 240  # where nobody says how wide: a file or a pipe


def console() -> Console:
    """Return the terminal, as wide as it is."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)


def fits(table: Table, console: Console) -> bool:
    """Return whether *table* fits on *console* with no cell folded."""
    return Measurement.get(console, console.options.update(width=10_000), table).maximum <= console.width
