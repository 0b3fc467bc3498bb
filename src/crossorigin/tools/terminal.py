"""What all commands share: where they write, in which of three ways, and how they refuse what they cannot do.

A command writes for a person at a terminal (drawn, in colour), for a pipe or a file (plain lines, nothing drawn), or
for a machine (one JSON document). Knows nothing of policies. What goes wrong with the use of a command is a `WrongUse`:
one sentence, without a traceback.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console

from ..browser.verdicts import shortened

# Exit statuses of every command.
GOOD, FOUND, WRONG = 0, 1, 2

_NARROWEST = 60


class WrongUse(Exception):  # noqa: N818 - what it says of the command, not of the program
    """What a command was given, and cannot work with: one sentence for the person who can mend it."""


class Terminal:
    """Where a command writes.

    Args:
        as_json: Whether it writes for machines.
        stdout: For what was asked for; ``sys.stdout`` if not given.

    Attributes:
        console: Rich's, on the same stream. It honours ``NO_COLOR``, and knows how wide a terminal is.

    >>> import io
    >>> Terminal(stdout=io.StringIO()).is_drawn
    False
    """

    def __init__(self, *, as_json: bool = False, stdout: TextIO | None = None) -> None:
        self.as_json = as_json
        self.console = Console(file=stdout or sys.stdout, highlight=False, markup=False, emoji=False)

    @property
    def is_drawn(self) -> bool:
        """Whether a person looks at a terminal that can draw, and is wide enough for columns."""
        console = self.console
        # Not as rich has it, to which FORCE_COLOR makes a terminal of a pipe.
        can_draw = console.file.isatty() and not console.is_dumb_terminal and console.width >= _NARROWEST
        return can_draw and not self.as_json

    @property
    def is_ascii(self) -> bool:
        """Whether the terminal knows no characters to draw lines with."""
        return self.console.options.ascii_only

    def plain(self, *lines: str) -> None:
        """Write *lines* as they are, however long; what the stream's encoding lacks is escaped."""
        encoding = self.console.encoding
        for line in lines:
            self.console.file.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")

    def data(self, document: object) -> None:
        """Write *document* as JSON."""
        self.plain(json.dumps(document, indent=2, default=repr, allow_nan=False))


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Yield the standard output, and from here on, to the end of the process, let all others write to stderr instead.

    A module that is looked at may print, or start a program that does, or print as it ends: what is read by a machine
    must stay free of that.
    """
    stdout = sys.stdout
    stdout.flush()
    own: TextIO = stdout
    if not stdout.isatty():  # at a terminal both are the same
        own = os.fdopen(os.dup(stdout.fileno()), "w", encoding=stdout.encoding, errors=stdout.errors)
        os.dup2(os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else sys.stderr.fileno(), stdout.fileno())
    try:
        yield own
        own.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), own.fileno())  # or Python fails at it once more as it ends
        raise


def shown(value: object) -> str:
    """Return how *value* is shown, whatever its own ``__repr__`` does.

    >>> shown([1, 2])
    '[1, 2]'
    """
    try:
        return shortened(repr(value))
    except Exception:
        return f"<{type(value).__name__}>"


def last_line(error: BaseException) -> str:
    r"""Return the last line of *error*'s traceback, which says what happened.

    >>> last_line(ValueError("too\nbad"))
    'ValueError: too bad'
    """
    if isinstance(error, SyntaxError):
        return shortened(f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})")
    return shortened(" ".join("".join(traceback.format_exception_only(error)).split()))
