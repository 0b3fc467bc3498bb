"""Something to write on: a terminal of a given width, and what is none."""

import io
import re
from collections.abc import Callable

import pytest

from crossorigin.tools.terminal import Terminal


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def piped(command: Callable[[Terminal], int], *, as_json: bool = False) -> tuple[int, str]:
    """Return what *command* returns and writes where no terminal is."""
    out = io.StringIO()
    return command(Terminal(as_json=as_json, stdout=out)), out.getvalue()


def drawn(monkeypatch: pytest.MonkeyPatch, command: Callable[[Terminal], int], columns: int = 80) -> str:
    """Return what *command* writes on a terminal without colours, *columns* wide."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    command(Terminal(stdout=screen))
    out = screen.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*[349][0-7]", out), "NO_COLOR is honoured"
    return re.sub(r"\x1b\[[0-9;]*m", "", out)  # bold and dim are no colours
