"""The lab: a local page on which a policy, the model of the browser and a real browser are laid side by side.

`lab` is what ``crossorigin lab`` runs: it says where the page is, and serves until it is stopped. Everything listens on
loopback, and nothing is fetched but from the lab's own servers.
"""

import signal
import threading
import webbrowser
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console

from ..source import FILE, PROJECT_FILE, rules_of
from ..terminal import Terminal, WrongUse
from .grid import print_grid, run_model
from .reading import Reading, as_text
from .running import Lab, running_lab

__all__ = ["Lab", "lab", "running_lab", "wait_for_interrupt"]

# How a policy file is named; of a pyproject.toml the page would show the rest, too.
_SUFFIXES = (".toml", ".json")

# Where browsers ask nobody (Fetch §2.9 Port blocking).
_BLOCKED_PORTS = frozenset(
    map(
        int,
        """
        1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123
        135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993
        995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080
        """.split(),
    )
)


def lab(
    source: str | None, *, port: int, once: bool, open_browser: bool, console: Console, as_json: bool = False
) -> int:
    """Serve the lab until Ctrl-C, or, with *once*, play all situations with the model and end.

    With *once* and a policy of the user's, that is in force in all of them, whatever they are about.

    Args:
        source: The policy to begin with: a policy file or ``module:object``. ``None`` for the one in the working
            directory, or else for one of the lab's own.
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
    if port in _BLOCKED_PORTS:
        raise WrongUse(f"no browser asks port {port}, which other protocols have: name another one")
    policy = _policy(source)
    terminal = Terminal(as_json=as_json, stdout=cast(TextIO, console.file))
    with ExitStack() as closing:
        try:
            running = closing.enter_context(running_lab(policy, port))
        except OSError as error:
            why = error.strerror or error
            raise WrongUse(f"the lab cannot have port {port} of loopback ({why}): name another one") from error
        if once:
            return _play_once(running, policy, console, terminal)
        if as_json:
            terminal.data({"address": running.address})
            console.file.flush()
        return _serve(running, console, open_browser, quiet=as_json)


def _policy(source: str | None) -> str | None:
    """Return the policy that *source* names, as text: a file's own, comments and mistakes and all."""
    if source is None and not Path(FILE).is_file():
        return _of_project()
    source = source or FILE
    path = Path(source)
    try:
        if path.suffix in _SUFFIXES and path.name != PROJECT_FILE and "://" not in source:
            text = path.read_text(encoding="utf-8-sig")
            if path.suffix == ".json" and not text.lstrip().startswith("{"):  # by which the page tells JSON from TOML
                raise WrongUse(f"{source} is no JSON object: a policy in JSON begins with a brace")
            return text
        return as_text(rules_of(source))
    except OSError as error:
        raise WrongUse(f"{source} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise WrongUse(f"{source} is not UTF-8: save it as UTF-8") from error
    except TypeError as error:
        raise WrongUse(f"{source} has no policy that the page could show: {error}") from error


def _of_project() -> str | None:
    """Return the policy in the ``pyproject.toml`` of the working directory, if it has one."""
    try:
        return as_text(rules_of(None))
    except WrongUse:
        return None


def _play_once(running: Lab, policy: str | None, console: Console, terminal: Terminal) -> int:
    obstacles = [] if policy is None else _obstacles(running.run(running.bench.read(policy)))
    if obstacles:
        if terminal.as_json:
            terminal.data({"error": obstacles[0], "problems": obstacles[1:]})
        else:
            terminal.plain(*obstacles)
        return 1
    grid = running.run(run_model(running.bench, policy))
    if terminal.as_json:
        terminal.data({"agreed": grid.agreed, **asdict(grid)})
    else:
        print_grid(console, grid)
    return 0 if grid.agreed else 1


def _obstacles(reading: Reading) -> list[str]:
    """Return why a policy cannot be put in force: a sentence, then each problem; nothing if it can."""
    if reading.rules is not None:
        return []
    why = reading.held or "The policy cannot be built, so that nothing is played."
    return [why, *(f"{one.severity}, {one.where}: {one.message}" for one in reading.problems)]


def _serve(running: Lab, console: Console, open_browser: bool, *, quiet: bool) -> int:
    if not quiet:
        console.print(f"The lab is at {running.address}", style="bold", markup=False, highlight=False, soft_wrap=True)
        console.print("Ctrl-C ends it.", style="dim")
    if open_browser:
        webbrowser.open(running.address)
    wait_for_interrupt()
    return 0


def wait_for_interrupt() -> None:
    """Wait until Ctrl-C. Further ones are ignored: what follows is the end, and they would cut it short."""
    interrupted = threading.Event()

    def end(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        interrupted.set()

    signal.signal(signal.SIGINT, end)
    interrupted.wait()
