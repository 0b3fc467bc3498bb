"""The picture ``docs/scorecard.svg``: rules by libraries, in colours and in signs, so that it reads without colours.

Drawn by hand, with system fonts and nothing else, and the same every time. Text takes the reader's light or dark side.
"""

from collections.abc import Iterable
from html import escape

from .scoring import Mark, Score
from .situations import RULES

CELL, GAP, LEFT, TOP, RIGHT, BELOW = 26, 4, 420, 116, 90, 62
STEP = CELL + GAP

# A class for the style, and the sign as a path in a square of 20 by 20.
SIGNS = {
    Mark.KEPT: ("kept", "M4 10.5l4 4 8-9"),
    Mark.PARTLY: ("partly", "M4 10.5l4 4 8-9"),
    Mark.TASTE: ("taste", "M4 8q3-4 6 0t6 0M4 14q3-4 6 0t6 0"),
    Mark.BROKEN: ("broken", "M5 5l10 10M15 5L5 15"),
    Mark.LACKS: ("lacks", "M5 10h10"),
}
LEGEND = {
    Mark.KEPT: "kept",
    Mark.PARTLY: "kept as far as offered",
    Mark.TASTE: "kept but for taste",
    Mark.BROKEN: "broken",
    Mark.LACKS: "not offered",
}
STYLE = """\
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#1f2328}
.first{font-weight:600}
path{fill:none;stroke:#fff;stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.kept rect{fill:#1a7f37}.taste rect{fill:#527a5e}.broken rect{fill:#cf222e}.lacks rect{fill:#6e7781}
.partly rect{fill:none;stroke:#2da44e;stroke-width:2}.partly path{stroke:#2da44e}
@media (prefers-color-scheme:dark){.name{fill:#e6edf3}}"""


def picture(scores: Iterable[Score]) -> str:
    """Return the picture as SVG."""
    scores = tuple(scores)
    width, height = LEFT + len(scores) * STEP + RIGHT, TOP + len(RULES) * STEP + BELOW
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
        '<title id="title">The server rules S1 to S20 by libraries: kept, broken, or not offered</title>',
        f"<style>{STYLE}</style>",
    ]
    for column, score in enumerate(scores):
        x, y = LEFT + column * STEP + CELL // 2, TOP - 8
        parts.append(_name(x, y, score.family, "" if column else "first", f' transform="rotate(-45 {x} {y})"'))
    for row, (rule, title) in enumerate(RULES.items()):
        y = TOP + row * STEP
        parts += [_name(GAP, y + 18, rule, "first"), _name(GAP + 38, y + 18, title)]
        parts += [_cell(LEFT + column * STEP, y, score.cells[rule].mark) for column, score in enumerate(scores)]
    x, y = GAP, TOP + len(RULES) * STEP + 18
    for mark, words in LEGEND.items():
        parts += [_cell(x, y, mark), _name(x + CELL + 6, y + 18, words)]
        x += CELL + 22 + 7 * len(words)
    return "\n".join([*parts, "</svg>", ""])


def _name(x: int, y: int, words: str, kind: str = "", turned: str = "") -> str:
    return f'<text class="{f"name {kind}".strip()}" x="{x}" y="{y}"{turned}>{escape(words)}</text>'


def _cell(x: int, y: int, mark: Mark) -> str:
    name, path = SIGNS[mark]
    inset = 1 if mark is Mark.PARTLY else 0  # an outline lies half outside
    size = CELL - 2 * inset
    return (
        f'<g class="{name}" transform="translate({x} {y})">'
        f'<rect x="{inset}" y="{inset}" width="{size}" height="{size}" rx="6"/>'
        f'<path transform="translate(3 3)" d="{path}"/></g>'
    )
