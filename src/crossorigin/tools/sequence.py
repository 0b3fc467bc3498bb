"""A play as a drawing: what passes between page, browser and server, in three columns, from top to bottom.

Draws and decides nothing. What servers send is shown without control characters; the drawing fits the width that it is
given.
"""

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import set_cell_size
from rich.text import Text

from ..browser import Exchange, HTTPResponse
from ..browser.transcript import transcript
from ..browser.verdicts import shortened
from .playing import Play

_WIDEST = 116  # nobody reads a wider line more easily
_NARROWEST = 48
_GOOD, _BAD, _NOTE, _LINE = "green", "bold red", "dim", "blue"


class Signs(NamedTuple):
    """What lines are drawn with."""

    bar: str
    dash: str
    right: str
    left: str


DRAWN = Signs("│", "─", "▶", "◀")
ASCII = Signs("|", "-", ">", "<")


class Note(NamedTuple):
    """Something that the browser finds by itself."""

    text: str


def events(played: Play) -> Iterator[Note | Exchange]:
    """Yield what happened, in order: what the browser found, and what went over the network."""
    waiting = list(played.verdict.exchanges)
    for name, _ in played.request.dropped:
        yield Note(f"{shortened(name)} is dropped in silence: no page can set it")
    for step in played.verdict.steps:
        if waiting and step == shortened(str(waiting[0].request)):
            yield waiting.pop(0)
        else:
            yield Note(step)


def drawing(played: Play, width: int, signs: Signs = DRAWN) -> list[Text]:
    """Return the lines of the drawing of *played*, at most *width* wide."""
    return list(_Drawing(max(min(width, _WIDEST), _NARROWEST), signs).lines(played))


class _Drawing:
    """Three bars, and the two lanes between them."""

    def __init__(self, width: int, signs: Signs) -> None:
        self.signs = signs
        inside = width - 4  # a space, and three bars
        self.left = min(max(inside // 3, 18), 34)
        self.right = inside - self.left

    def lines(self, played: Play) -> Iterator[Text]:
        page, request = played.page, played.request
        yield self._titles("page", "browser", "server", "bold")
        yield self._titles(shortened(page.origin), page.engine.name, shortened(request.url.origin), _NOTE)
        yield self._row()
        asked = [f"{request.method} {_path(request.url.origin, str(request.url))}"]
        asked += [f"{name}: {shortened(value)}" for name, value in request.headers]
        asked.append(f"credentials: {request.credentials}")
        yield from (self._row(left=line) for line in self._wrapped(asked, self.left))
        yield self._row(left=self._arrow(self.left, right=True), line=True)
        for event in list(events(played)):
            if isinstance(event, Exchange):
                yield from self._exchange(event)
            elif not event.text.startswith(("blocked: ", "the page gets the response")):
                yield from (
                    self._row(right=line, style=_NOTE) for line in self._wrapped([f"* {event.text}"], self.right)
                )
        yield from self._end(played)
        yield self._row()

    def _exchange(self, exchange: Exchange) -> Iterator[Text]:
        request = exchange.request
        sent: list[str] = []
        came: list[str] = []
        for line in transcript([exchange]):
            way, text = line[2], re.sub(r"^([^:\s]+):\s+", r"\1: ", line[4:])
            (sent if way == ">" else came).append(text)
        sent[0] = f"{request.method} {shortened(request.url)}"
        yield self._row()
        yield from (self._row(right=line) for line in self._wrapped(sent, self.right))
        yield self._row(right=self._arrow(self.right, right=True), line=True)
        answered = isinstance(exchange.response, HTTPResponse)
        style = "" if answered and exchange.response.status < 400 else "yellow"  # type: ignore[union-attr]
        yield from (self._row(right=line, style=style) for line in self._wrapped(came[:1], self.right))
        yield from (self._row(right=line) for line in self._wrapped(came[1:], self.right))
        yield self._row(right=self._arrow(self.right, right=False), line=True)

    def _end(self, played: Play) -> Iterator[Text]:
        verdict = played.verdict
        if played.held:
            return
        style = _GOOD if verdict.allowed else _BAD
        words = [f"blocked: {verdict.code}"]
        if verdict.response is not None:
            words = [f"response {verdict.response.status}, type {verdict.response.type!r}"]
        yield self._row()
        yield from (self._row(left=line, style=style) for line in self._wrapped(words, self.left))
        yield self._row(left=self._arrow(self.left, right=False), line=True, style=style)

    def _titles(self, left: str, middle: str, right: str, style: str) -> Text:
        # The third title ends where the third bar stands; where it is long it takes room from the second.
        row = f"{_cut(shortened(left), self.left):<{self.left + 1}}"
        middle = f"{middle} "
        rest = self.right + 2 - len(middle)
        return Text(f" {row}{middle}{_cut(right, rest):>{rest}}".rstrip(), style)

    def _row(self, left: str = "", right: str = "", style: str = "", *, line: bool = False) -> Text:
        bar = self.signs.bar
        row = Text(" ")
        for text, width in ((left, self.left), (right, self.right)):
            row.append(bar, _NOTE)
            row.append(set_cell_size(text if line else f" {text}", width), (style or _LINE) if line else style)
        row.append(bar, _NOTE)
        return row

    def _arrow(self, width: int, *, right: bool) -> str:
        dashes = self.signs.dash * (width - 1)
        return f"{dashes}{self.signs.right}" if right else f"{self.signs.left}{dashes}"

    def _wrapped(self, lines: list[str], width: int) -> Iterator[str]:
        for line in lines:
            # At hyphens only where a word would be torn: the names of headers are full of them.
            tears = max(map(len, line.split()), default=0) > width - 4
            yield from textwrap.wrap(line, width - 2, subsequent_indent="  ", break_on_hyphens=tears) or [""]


def _path(origin: str, url: str) -> str:
    return shortened(url.removeprefix(origin))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
