"""``crossorigin explain``: one request as the browser plays it, the verdict, and what to change.

Owns how the command's options become a page, and how a play is told: drawn, as lines, or as JSON.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from .. import fetch
from ..browser import ENGINES, Engine, Exchange, HTTPResponse
from ..browser.messages import Header
from ..browser.origin import sent_origin
from ..browser.request import Credentials
from ..browser.transcript import transcript
from ..browser.verdicts import shortened
from .advice import changes, notes
from .playing import Page, Play, play
from .sequence import ASCII, DRAWN, drawing, events
from .source import guarded, target_of
from .terminal import FOUND, GOOD, Terminal, WrongUse, last_line


@dataclass(frozen=True)
class Told:
    """A play, and what there is to say to it.

    Attributes:
        played: How the request went.
        advice: What to change, where it is blocked.
        notes: What to know, where it is allowed.
    """

    played: Play
    advice: list[str]
    notes: list[str]

    @property
    def parts(self) -> list[tuple[str, list[str]]]:
        """What there is to say, under its headings."""
        parts = [("To allow it:", self.advice), ("Take care:", self.notes)]
        return [(heading, points) for heading, points in parts if points]


def explain(
    terminal: Terminal,
    source: str | None,
    *,
    origin: str,
    method: str = "GET",
    headers: tuple[str, ...] = (),
    credentials: Credentials = "same-origin",
    path: str | None = None,
    engine: str = "standard",
    send: bool = False,
) -> int:
    """Play one request, tell how it went, and return the exit status.

    Args:
        terminal: Where to write.
        source: A policy file, ``module:object`` or a URL.
        origin: The page's.
        method: As the page writes it.
        headers: ``NAME`` or ``NAME:VALUE`` each.
        credentials: The page's credentials mode.
        path: What the page fetches, at the target; or a URL. Without it, the URL that was named, or ``"/"``.
        engine: ``"standard"``, or the name of one of `ENGINES`.
        send: Whether a server gets the request itself, too.

    Raises:
        WrongUse: If something of it is no use.
    """
    _refuse_malformed(origin)
    target = target_of(source)
    page = Page(origin, method, tuple(map(header, headers)), credentials, path, engine_named(engine))
    with _quiet():
        played = play(target, page, send=send)
    with guarded(source or "the policy"):
        told = Told(played, changes(played), notes(played))
    if terminal.as_json:
        terminal.data(as_data(source, told))
    elif terminal.is_drawn:
        _draw(terminal, told)
    else:
        terminal.plain(*as_lines(told))
    return FOUND if played.allowed is False else GOOD


def _refuse_malformed(origin: str) -> None:
    """Refuse what cannot be meant as one origin. What is only written in another way is explained."""
    write = "write one as a browser sends it, such as https://app.example.com or http://localhost:3000"
    if origin.count("://") > 1 or len(origin.replace(",", " ").split()) > 1:
        raise WrongUse(f"--origin {shortened(origin)!r} is more than one origin: {write}")
    if sent_origin(origin) is None:
        raise WrongUse(f"--origin {shortened(origin)!r} is no origin: {write}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep refusals out of the log: they are told here, with all that belongs to them."""
    logger = logging.getLogger("crossorigin")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def header(text: str) -> Header:
    """Return the header that *text* stands for; a name alone stands for a value of ``1``.

    >>> header("Content-Type: application/json"), header("X-Id")
    (('Content-Type', 'application/json'), ('X-Id', '1'))
    """
    name, colon, value = text.partition(":")
    if not fetch.is_token(name):
        raise WrongUse(f"--header {text!r} is no header: write NAME or NAME:VALUE")
    return name, value.strip() if colon else "1"


def engine_named(name: str) -> Engine:
    """Return the engine called *name*."""
    engine = {"standard": Engine.STANDARD, **ENGINES}.get(name)
    if engine is None:
        raise WrongUse(f"--engine {name!r} is none of standard, {', '.join(ENGINES)}")
    return engine


def as_lines(told: Told) -> list[str]:
    """Return what happened as lines, without a drawing."""
    played = told.played
    request = played.request
    asks = f"{request.method} {shortened(str(request.url))} from {shortened(played.page.origin)}"
    lines = [f"{asks}, credentials: {request.credentials}"]
    for event in events(played):
        if isinstance(event, Exchange):
            lines += [f"  {shortened(str(event.request))}", *(f"    {line}" for line in transcript([event])[1:])]
        else:
            lines.append(f"  {event.text}")
    if played.allowed is False:
        lines.append(f"  ({played.verdict.code}; {played.verdict.clause})")
    if played.raised is not None:
        lines.append(f"  the application raised {_raised(played.raised)}")
    for heading, points in told.parts:
        lines += ["", heading, *(f"  - {point}" for point in points)]
    return lines


def _draw(terminal: Terminal, told: Told) -> None:
    console, played = terminal.console, told.played
    for line in drawing(played, console.width, ASCII if terminal.is_ascii else DRAWN):
        console.print(line, no_wrap=True, crop=True)
    console.print()
    verdict = played.verdict
    if played.held:
        console.print(Text.assemble(("preflight passes", "bold green"), "  the request itself was not sent: --send"))
    elif verdict.allowed:
        console.print(Text.assemble(("allowed", "bold green"), f"  {verdict.message}"))
    else:
        why = verdict.steps[-1].removeprefix("blocked: ")
        code = (f" ({verdict.code}; {verdict.clause})", "dim")
        console.print(Text.assemble(("blocked", "bold red"), f"  {why}", code))
    if played.raised is not None:
        console.print(Text(f"the application raised {_raised(played.raised)}", "yellow"))
    for heading, points in told.parts:
        console.print(Text(f"\n{heading}", "bold"))
        table = Table.grid(padding=(0, 1, 0, 0))
        for point in points:
            table.add_row(" -" if terminal.is_ascii else " •", Text(point, overflow="fold"))
        console.print(table)


def _raised(error: Exception) -> str:
    return shortened(last_line(error))


def as_data(source: str | None, told: Told) -> dict[str, object]:
    """Return what happened as plain data."""
    played = told.played
    verdict, request, visible = played.verdict, played.request, played.verdict.response
    return {
        "source": source,
        "origin": played.page.origin,
        "engine": played.page.engine.name.lower(),
        "request": {
            "method": request.method,
            "url": str(request.url),
            "headers": [list(line) for line in request.headers],
            "credentials": request.credentials,
            "dropped": [name for name, _ in request.dropped],
        },
        "allowed": played.allowed,
        "code": verdict.code,
        "stage": verdict.stage,
        "clause": verdict.clause,
        "message": verdict.message,
        "steps": list(verdict.steps),
        "exchanges": [_exchange(exchange) for exchange in verdict.exchanges],
        "response": visible
        and {"status": visible.status, "type": visible.type, "headers": [list(line) for line in visible.headers]},
        "raised": None if played.raised is None else repr(played.raised),
        "advice": told.advice,
        "notes": told.notes,
    }


def _exchange(exchange: Exchange) -> dict[str, object]:
    request, response = exchange.request, exchange.response
    came: dict[str, object]
    if isinstance(response, HTTPResponse):
        came = {"status": response.status, "headers": [list(line) for line in response.headers]}
    else:
        came = {"error": response.reason}
    sent = {"method": request.method, "url": request.url, "headers": [list(line) for line in request.headers]}
    return {"request": sent, "response": came}
