"""The command ``crossorigin``: check a policy, explain a refusal, print the schema, and open the lab.

Needs typer, rich and httpx, which ``crossorigin[cli]`` installs; `main`, the console script, says so where one of them
is missing. This module imports none of them.
"""

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command with the arguments of the process, and return its exit status: 0, 1 or 2."""
    try:
        import httpx  # noqa: F401, PLC0415 - asked for here, where a missing one can be explained
        import rich  # noqa: F401, PLC0415
        import typer  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        print(f"crossorigin: the command needs {error.name}: pip install 'crossorigin[cli]'", file=sys.stderr)  # noqa: T201
        return 2
    from .cli import run  # noqa: PLC0415

    return run()
