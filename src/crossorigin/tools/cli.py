"""The command line as typer has it: the commands, their options, and how a wrong use ends.

Translates arguments and nothing else: each command is a function of its own module, which writes to a `Terminal` and
returns the exit status. Imports of typer alone stand here, and not of click, which newer versions carry inside.
"""

import os
import sys
from collections.abc import Callable
from enum import StrEnum
from importlib.metadata import version as version_of
from importlib.resources import files
from typing import Annotated

import typer

from ..files import PolicyFileError
from ..findings import PolicyError
from .check import check
from .explain import explain
from .terminal import GOOD, WRONG, Terminal, WrongUse, standard_output
from .waiting import is_left_alone

# Plain help, in the width of the terminal: it is piped and searched more often than admired. A traceback is a defect of
# ours, and Python's own shows it best.
app = typer.Typer(
    name="crossorigin",
    help="Check a CORS policy, explain a refusal, and watch it happen in a browser.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_SOURCE = "crossorigin.toml or another policy file, or module:object. Without it: the one in this folder."
_LAB_SOURCE = f"{_SOURCE[:-1]}, or else one of the lab's own."


class Mode(StrEnum):
    """The credentials modes, for completion."""

    omit = "omit"
    same_origin = "same-origin"
    include = "include"


class Engines(StrEnum):
    """The engines' names, for completion."""

    standard = "standard"
    chromium = "chromium"
    firefox = "firefox"
    webkit = "webkit"


Json = Annotated[bool, typer.Option("--json", help="Write JSON, for machines.")]


def _version(asked: bool) -> None:
    if asked:
        Terminal().plain(f"crossorigin {version_of('crossorigin')}")
        raise typer.Exit(GOOD)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    pass


@app.command("check")
def _check(
    source: Annotated[str | None, typer.Argument(metavar="[FILE | MODULE:OBJECT]", help=_SOURCE)] = None,
    as_json: Json = False,
) -> None:
    """List all that is wrong with a policy, and say in words what it means."""
    _end(lambda terminal: check(terminal, source), source, as_json)


@app.command("explain")
def _explain(
    origin: Annotated[str, typer.Option(help="The page's origin, such as https://app.example.com.")],
    source: Annotated[
        str | None,
        typer.Argument(metavar="[FILE | MODULE:OBJECT | URL]", help=f"{_SOURCE} A URL is asked over the network."),
    ] = None,
    method: Annotated[str, typer.Option(help="As the page writes it.")] = "GET",
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME[:VALUE]", help="A header that the page sets; may be repeated.")
    ] = None,
    credentials: Annotated[Mode, typer.Option(help="The page's credentials mode.")] = Mode.same_origin,
    path: Annotated[
        str | None, typer.Option(help="What the page fetches, at the target; or a whole URL.", show_default="/")
    ] = None,
    engine: Annotated[Engines, typer.Option(help="Whose differences from the standard apply.")] = Engines.standard,
    send: Annotated[bool, typer.Option("--send", help="Send a server the request, too, not its preflight alone.")] = (
        False
    ),
    as_json: Json = False,
) -> None:
    """Play one request as the browser does, and say why it is refused and what to change."""
    _end(
        lambda terminal: explain(
            terminal,
            source,
            origin=origin,
            method=method,
            headers=tuple(header or ()),
            credentials=credentials.value,
            path=path,
            engine=engine.value,
            send=send,
        ),
        source,
        as_json,
    )


@app.command("schema")
def _schema(as_json: Json = False) -> None:
    """Print the JSON Schema of policy files; it is JSON with or without --json."""
    _end(_print_schema, None, as_json)


def _print_schema(terminal: Terminal) -> int:
    schema = files("crossorigin").joinpath("schema.json").read_text(encoding="utf-8")
    terminal.plain(schema.rstrip("\n"))
    return GOOD


@app.command("lab")
def _lab(
    source: Annotated[str | None, typer.Argument(metavar="[FILE | MODULE:APP]", help=_LAB_SOURCE)] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port; 0 for any that is free.")] = 0,
    once: Annotated[bool, typer.Option("--once", help="Run all situations once, and end with the result.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    as_json: Json = False,
) -> None:
    """Serve a page on this machine that shows what a policy does in your own browser."""
    _end(lambda terminal: _open_lab(terminal, source, port, once, open_browser), source, as_json)


def _open_lab(terminal: Terminal, source: str | None, port: int, once: bool, open_browser: bool) -> int:
    try:
        from .lab import lab  # noqa: PLC0415 - its servers are a command's own, and no other waits for them
    except ModuleNotFoundError as error:
        raise WrongUse(f"the lab needs {error.name}: pip install 'crossorigin[cli]'") from error
    console, as_json = terminal.console, terminal.as_json
    return lab(source, port=port, once=once, open_browser=open_browser, console=console, as_json=as_json)


def _end(command: Callable[[Terminal], int], source: str | None, as_json: bool = False) -> None:
    """Run *command* and end with its status; a wrong use is one sentence on stderr, or a document for machines."""
    with standard_output() as stdout:
        terminal = Terminal(as_json=as_json, stdout=stdout)
        try:
            status = command(terminal)
        except WrongUse as error:
            status = refuse(str(error), terminal)
        except (PolicyError, PolicyFileError) as error:
            count = len(error.findings if isinstance(error, PolicyError) else error.problems)
            problems = f"{count} problem{'s' * (count != 1)}"
            listed = " ".join(filter(None, ["crossorigin check", source]))
            sentence = f"the policy has {problems}: `{listed}` lists {'them' if count != 1 else 'it'}"
            status = refuse(sentence, terminal)
    raise typer.Exit(status)


def refuse(sentence: str, terminal: Terminal | None = None) -> int:
    """Say in one line why nothing was done, on stderr or for a machine as JSON, and return the status for it."""
    line = " ".join(sentence.split())
    if terminal is not None and terminal.as_json:
        terminal.data({"error": line})
    elif sys.stderr is not None:
        sys.stderr.write(f"crossorigin: {line}\n")
    return WRONG


def run() -> int:
    """Run the command with the arguments of the process, and return its exit status."""
    stdout = sys.stdout
    if stdout is None:
        return refuse("there is no standard output to write to")
    try:
        status = _run()
        stdout.flush()
    except BrokenPipeError:  # typer has said so to whoever started us
        status = WRONG
    except OSError as error:
        status = refuse(f"the output cannot be written: {error.strerror or error}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())  # or Python fails at it once more as it ends
    if is_left_alone():  # what never answers may never end, either, and Python would wait for its threads
        if sys.stderr is not None:
            sys.stderr.flush()
        os._exit(status)
    return status


def _arguments(given: list[str]) -> list[str]:
    """Return the arguments with the mode that ``--credentials`` alone asks for, as people say it: with credentials.

    >>> _arguments(["--credentials", "--send"])
    ['--credentials', 'include', '--send']
    """
    arguments: list[str] = []
    for argument, following in zip(given, [*given[1:], "-"], strict=False):
        arguments.append(argument)
        if argument == "--credentials" and following.startswith("-"):
            arguments.append(Mode.include.value)
    return arguments


def _run() -> int:
    as_json = "--json" in sys.argv[1:]
    try:
        # For machines, typer raises what it would print; it has a class for that, and not always the same click.
        status = app(_arguments(sys.argv[1:]), prog_name="crossorigin", standalone_mode=not as_json)
    except SystemExit as end:
        status = end.code
    except Exception as error:
        told = getattr(error, "format_message", None)
        if told is None:
            raise
        return refuse(told(), Terminal(as_json=True))
    return status if isinstance(status, int) else GOOD if status is None else WRONG
