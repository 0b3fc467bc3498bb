"""The lab: a local page on which a policy, the model of the browser and a real browser are laid side by side.

`lab` is what ``crossorigin lab`` runs: it says where the page is, and serves until it is stopped. Everything listens on
loopback, and nothing is fetched but from the lab's own servers.
"""

import threading
import webbrowser
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console

from ..source import rules_of
from ..terminal import Terminal, WrongUse
from .grid import print_grid, run_model
from .reading import as_text, read
from .running import Lab, running_lab

__all__ = ["Lab", "lab", "running_lab", "wait_for_interrupt"]

# How a policy file is named; of a pyproject.toml the page would show the rest, too.
_SUFFIXES, _PROJECT = (".toml", ".json"), "pyproject.toml"


def lab(
    source: str | None, *, port: int, once: bool, open_browser: bool, console: Console, as_json: bool = False
) -> int:
    """Serve the lab until Ctrl-C, or, with *once*, play all situations with the model and end.

    With *once* and a *source*, its policy is in force in all of them, whatever they are about.

    Args:
        source: The policy to begin with: a policy file or ``module:object``. ``None`` for one of the lab's own.
        port: That of the page; 0 for one that is free.
        once: Whether to play all situations once, print the grid, and end.
        open_browser: Whether to open the page in the usual browser.
        console: Where to print.
        as_json: Whether to print for machines: the address, or with *once* the grid, or why there is none.

    Returns:
        The exit status: 0, or 1 if something did not agree, or a policy to be played cannot be.

    Raises:
        WrongUse: If *port* cannot be had, or *source* has no policy that can be shown.
        PolicyError: If *source* is an object in a module whose policy has problems. The page shows those of a file.
    """
    if not 0 <= port <= 65535:
        raise WrongUse(f"a port is a number from 1 to 65535, or 0 for one that is free, not {port}")
    policy = None if source is None else _policy(source)
    terminal = Terminal(as_json=True, stdout=cast(TextIO, console.file)) if as_json else None
    if once and policy is not None and (obstacles := _obstacles(policy, source)):
        if terminal is not None:
            terminal.data({"error": obstacles[0], "problems": obstacles[1:]})
        for line in obstacles if terminal is None else ():
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return 1
    with ExitStack() as closing:
        try:
            running = closing.enter_context(running_lab(policy, port))
        except OSError as error:
            why = error.strerror or error
            raise WrongUse(f"the lab cannot have port {port} of loopback ({why}): name another one") from error
        if once:
            return _play_once(running, policy, terminal or console)
        if terminal is not None:
            terminal.data({"address": running.address})
            console.file.flush()
        return _serve(running, console, open_browser, quiet=as_json)


def _policy(source: str) -> str:
    """Return the policy that *source* names, as text: a file's own, comments and mistakes and all."""
    path = Path(source)
    try:
        if path.suffix in _SUFFIXES and path.name != _PROJECT:
            return path.read_text(encoding="utf-8-sig")
        return as_text(rules_of(source))
    except OSError as error:
        raise WrongUse(f"{source} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise WrongUse(f"{source} is not UTF-8: save it as UTF-8") from error
    except TypeError as error:
        raise WrongUse(f"{source} has no policy that the page could show: {error}") from error


def _obstacles(policy: str, source: str | None) -> list[str]:
    """Return why *policy* cannot be put in force: a sentence, then each problem; nothing if it can."""
    reading = read(policy)
    if reading.rules is not None:
        return []
    why = reading.held or f"The policy of {source} cannot be built, so that nothing is played."
    return [why, *(f"{one.severity}, {one.where}: {one.message}" for one in reading.problems)]


def _play_once(running: Lab, policy: str | None, output: Console | Terminal) -> int:
    grid = running.run(run_model(running.bench, policy))
    if isinstance(output, Terminal):
        output.data({"agreed": grid.agreed, **asdict(grid)})
    else:
        print_grid(output, grid)
    return 0 if grid.agreed else 1


def _serve(running: Lab, console: Console, open_browser: bool, *, quiet: bool) -> int:
    if not quiet:
        console.print(f"The lab is at {running.address}", style="bold", markup=False, highlight=False, soft_wrap=True)
        console.print("Ctrl-C ends it.", style="dim")
    if open_browser:
        webbrowser.open(running.address)
    wait_for_interrupt()
    return 0


def wait_for_interrupt() -> None:
    """Wait until Ctrl-C, whatever signal a terminal or a supervisor makes of it."""
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
