"""The page ``docs/scorecard.md``, made from the scores."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version

from .evidence import culprit, says_nothing, told
from .library import OURS
from .playing import Outcome
from .scoring import Cell, Mark, Score
from .situations import RULES, SITUATIONS

INTRODUCTION = """\
# Scorecard

The [server rules](rules.md) S1 to S20, played on crossorigin and on the other Python libraries for CORS. This page is
made by `make scorecard`, which runs everything that it shows.

![The rules by libraries](scorecard.svg)
"""

FAIRNESS = """\
## How it is made

- Each of the {situations} situations is one or more requests, or a page's `fetch()`, under a policy in plain words.
  Each library, in its newest release, has the policy as its own documentation tells one to write it, in its own kind of
  application. The driver for each is one small module below `benchmarks/scorecard/libraries`. crossorigin is played on
  the applications of all the others, by its adapter for the framework, or around them by that for ASGI or WSGI.
- What a page gets is said by [a model of the browser](browser.md), which shares no code with crossorigin's policies and
  is held to Chromium, Firefox and WebKit by its own tests.
- What must hold is said by its meaning. A refusal may have any status, and a grant any spelling that browsers take.
- What a library does not do by its own documentation is *not offered*, and no mistake. It is played nevertheless, and
  where the library does more than it says, it is credited for it, but not for what its application does without it.
- Where a rule goes beyond what a page, a cache, another program or the reader of a log could notice, or where one could
  as well choose otherwise, the situation is *a matter of taste* and never counts as broken.
- Of a response, this page shows what CORS is about, and lists of header names sorted. *No response* is an exception
  that leaves the application: a server answers it with a plain 500, or closes the connection.
- S6 is measured as time of the processor, the least of many in turns: where 1,000 origins are listed, and where 40,000
  are, so that what a request costs anyway does not count. What it grows by is compared with what Python takes, in the
  same run, to look for an origin in a list of 39,000: a fifth of that breaks the rule. From one origin to a hundred,
  crossorigin's refusals do cost more, by some tens of microseconds: a refusal that is logged is compared with the first
  hundred origins, to say which of them was nearly right. Beyond them it costs no more.
- S16 is about what no browser sends, and has matters of taste alone.
- The API is at http://api.example.com, so that no TLS is in the way. Browsers do not let a page of https fetch from
  http, whatever CORS says; everything about CORS is the same between https and https.
- Three things that others do crossorigin does not, by choice. It sends back no more than 128 names of headers (S14
  `many-headers`). It refuses to be built with a preflight that holds for more than a day, the most that a browser keeps
  one, and with the origin `file://`, which django-cors-headers documents for some versions of Chrome on Android.
- The rules are crossorigin's own, so that it has no broken one is no news; it is what its tests hold it to. The
  situations are the news: each can be run alone.

## Run it

`make scorecard` sets up `.venv`, and makes this page and its picture. Beside it, in that environment:

```
. .venv/bin/activate
python -m benchmarks.scorecard                                      # the table
python -m benchmarks.scorecard --library flask-cors --rule S10      # what was sent, what came, what must hold
python -m benchmarks.scorecard --situation vary-denied              # one situation, on every library
python -m benchmarks.scorecard --write                              # this page and its picture
```

`--library`, `--rule` and `--situation` can be repeated. The exit status is 1 if crossorigin breaks a rule,
and 2 if there is nothing to play.
"""


def page(scores: Iterable[Score]) -> str:
    """Return the page as Markdown."""
    scores = tuple(scores)
    parts = [
        INTRODUCTION,
        *_table(scores),
        "",
        *(f"- {mark.sign} {mark.meaning}" for mark in Mark),
        "",
        "Each library has its section below: how it was set up, what is broken, with what was sent and what came, and",
        "what is not offered.",
        "",
        *(f"- [{score.family}](#{score.family})" for score in scores),
        "",
    ]
    for score in scores:
        parts += [f"## {score.family}", "", *_section(score)]
    parts += _tastes()
    parts += [FAIRNESS.format(situations=len(SITUATIONS)).rstrip("\n")]
    return "\n".join(parts) + "\n"


def _table(scores: tuple[Score, ...]) -> Iterator[str]:
    yield f"| | {' | '.join(score.family for score in scores)} |"
    yield f"|---|{':-:|' * len(scores)}"
    for rule, title in RULES.items():
        cells = " | ".join(score.cells[rule].sign for score in scores)
        yield f"| **{rule}** {_text(title)} | {cells} |"


def _section(score: Score) -> Iterator[str]:
    for library in score.libraries:
        name = f"`{library.name}`: " if len(score.libraries) > 1 else ""
        yield f"{'- ' if name else ''}{name}{_versions(library.distributions)}. {library.setup}"
    yield ""
    marks = [cell.mark for cell in score.cells.values()]
    counts = [f"{marks.count(mark)} {words}" for mark, words in _COUNTED.items() if mark in marks]
    yield f"Of {len(RULES)} rules: {', '.join(counts)}."
    yield ""
    for cell in score.cells.values():
        if cell.broken:
            yield from _broken(score, cell)
    yield from _taste(score)
    yield from _lacks(score)


_COUNTED = {
    Mark.KEPT: "kept",
    Mark.PARTLY: "kept as far as it is offered",
    Mark.TASTE: "kept but for matters of taste",
    Mark.BROKEN: "broken",
    Mark.LACKS: "not offered",
}


def _broken(score: Score, cell: Cell) -> Iterator[str]:
    command = f"python -m benchmarks.scorecard --library {score.family} --rule {cell.rule}"
    yield f"**{cell.rule} {_text(RULES[cell.rule])}**: `{command}`"
    yield ""
    for outcome in cell.broken:
        exchange = culprit(outcome)
        sent, came = told(exchange)
        nothing = ", without CORS headers and `Vary`" if says_nothing(exchange.response) else ""
        yield f"- **`{outcome.situation.name}`** {_text(outcome.situation.must)}"
        yield f"  - Policy: {_text(outcome.situation.policy.says)}."
        yield f"  - Sent: {_code(sent)}"
        yield f"  - Came: {_code(came)}{nothing}"
        yield f"  - So: {_text(outcome.problems[0])}."
    yield ""


def _taste(score: Score) -> Iterator[str]:
    differing = [outcome for cell in score.cells.values() for outcome in cell.taste]
    if differing:
        yield "[Matters of taste](#matters-of-taste):"
        yield ""
        for outcome in differing:
            yield f"- {outcome.situation.rule} `{outcome.situation.name}`: {_text(outcome.problems[0])}"
        yield ""


def _tastes() -> Iterator[str]:
    yield "## Matters of taste"
    yield ""
    yield "What crossorigin does in these situations, and why it is a matter of taste."
    yield ""
    yield "| rule | situation | what must hold | why it is a matter of taste |"
    yield "|---|---|---|---|"
    for each in SITUATIONS:
        if each.taste:
            yield f"| {each.rule} | `{each.name}` | {_text(each.must)} | {_text(each.taste)} |"
    yield ""


def _lacks(score: Score) -> Iterator[str]:
    reasons: dict[str, list[Outcome]] = {}
    for cell in score.cells.values():
        for outcome in cell.lacks:
            reasons.setdefault(outcome.lacks, []).append(outcome)
    if reasons:
        yield "Not offered:"
        yield ""
        for reason, outcomes in reasons.items():
            yield f"- {_text(reason)} ({_named(score, outcomes)})"
        yield ""


def _named(score: Score, outcomes: list[Outcome]) -> str:
    """Return the rules of which *outcomes* are all, and the situations of the others."""
    by_rule: dict[str, list[str]] = {}
    for outcome in outcomes:
        by_rule.setdefault(outcome.situation.rule, []).append(outcome.situation.name)
    words = []
    for rule, names in by_rule.items():
        whole = {each.situation.name for each in score.cells[rule].outcomes} == set(names)
        words.append(rule if whole else f"{rule} " + ", ".join(f"`{name}`" for name in dict.fromkeys(names)))
    return "; ".join(words)


def _versions(distributions: tuple[str, ...]) -> str:
    # This very project has no version yet that a reader could install another one beside.
    return " on ".join(name if name == OURS else f"{name} {version(name)}" for name in distributions)


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _text(text: str) -> str:
    """Return *text* with its stars and angle brackets as such, but for what is code already."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece[:1] == "`" else re.sub(r"([*<_|])", r"\\\1", piece) for piece in pieces)
