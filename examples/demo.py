"""The main job, in a browser: one policy on five stacks, what it declares, and what pages really get from them.

Starts the lab, a page on loopback that `crossorigin lab` serves, and prints its address. If a browser engine is
installed, plays every situation of the lab on every stack in it, once, and prints the grid; else the model of a browser
plays them. Then it serves until Ctrl-C. Run it with ``make demo``; with ``DEMO=once`` in the environment it ends after
the grid, with status 1 if something did not agree.
"""

import os
import sys
from contextlib import ExitStack
from typing import Any

import httpx
from rich.console import Console

from conformance.engines import ENGINES, Engine, ScriptError, missing, start
from crossorigin.tools.lab import Lab, running_lab, wait_for_interrupt
from crossorigin.tools.lab.grid import Grid, print_grid, run_model

# The page fills its results as it goes. It is asked for them once they are finished, however it ended.
RUN_ALL = """
while (!window.lab) await new Promise((next) => setTimeout(next, 20));
try { await window.lab.runAll(); } catch {}
return window.lab.results;
"""


def main() -> int:
    """Serve the lab, play everything once, and return the exit status."""
    console = Console(highlight=False)
    once = os.environ.get("DEMO") == "once"
    try:
        with running_lab() as lab:
            console.print("One policy on five stacks, and what a browser makes of it. The lab is at\n")
            console.print(f"  {lab.address}\n", style="bold", markup=False, soft_wrap=True)
            grid = play(lab, console)
            print_grid(console, grid)
            if not once:
                console.print(f"\nOpen {lab.address} in your browser. Ctrl-C ends it.", markup=False, soft_wrap=True)
                wait_for_interrupt()
            return 0 if grid.agreed else 1
    except KeyboardInterrupt:
        return 130
    except (RuntimeError, ScriptError, OSError, httpx.HTTPError) as error:  # an engine that ended, say
        console.print(f"The demo stopped: {error}", markup=False, soft_wrap=True)
        return 1


def play(lab: Lab, console: Console) -> Grid:
    """Return the grid of the first engine that starts here, or else of the model."""
    for name in ENGINES:
        if missing(name) is not None:
            continue
        console.print(f"Running all situations in {name}, without a window ...\n")
        with ExitStack() as closing:
            try:
                engine = closing.enter_context(start(name))
            except RuntimeError as error:
                console.print(f"{name} did not start: {error}\n", markup=False)
                continue
            return Grid.of(results(engine, lab))
    console.print("No browser engine runs here (`make test` installs three): the model of one plays.\n")
    return lab.run(run_model(lab.bench))


def results(engine: Engine, lab: Lab) -> dict[str, Any]:
    """Return what *engine* made of all situations.

    Raises:
        RuntimeError: If the page of *lab* could not play them to the end.
    """
    engine.visit(lab.address)
    found: dict[str, Any] = engine.run(RUN_ALL)
    if found["error"] is not None:
        raise RuntimeError(f"the lab stopped in {engine.name}: {found['error']}")
    return found


if __name__ == "__main__":
    sys.exit(main())
