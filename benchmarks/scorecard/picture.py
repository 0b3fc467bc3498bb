"""The picture ``docs/scorecard.svg``: libraries by rules, in colours and in signs, so that it reads without colours.

Drawn by hand, with system fonts and nothing else, and the same every time. Text takes the reader's light or dark side.
"""

from collections.abc import Iterable
from html import escape

from .scoring import Mark, Score
from .situations import RULES

CELL, GAP, LEFT, TOP, BELOW = 34, 4, 160, 34, 70
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
    Mark.BROKEN: "broken in so many situations",
    Mark.LACKS: "not offered",
}
STYLE = """\
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#1f2328}
.first{font-weight:600}.middle{text-anchor:middle}.end{text-anchor:end}.count{fill:#fff;font-size:11px;font-weight:600}
path{fill:none;stroke:#fff;stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.kept rect{fill:#1a7f37}.taste rect{fill:#527a5e}.broken rect{fill:#cf222e}.lacks rect{fill:#6e7781}
.partly rect{fill:none;stroke:#2da44e;stroke-width:2}.partly path{stroke:#2da44e}
@media (prefers-color-scheme:dark){.name{fill:#e6edf3}}"""


def picture(scores: Iterable[Score]) -> str:
    """Return the picture as SVG."""
    scores = tuple(scores)
    width, height = LEFT + len(RULES) * STEP, TOP + len(scores) * STEP + BELOW
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
        '<title id="title">The server rules S1 to S20 by libraries: kept, broken, or not offered</title>',
        f"<style>{STYLE}</style>",
    ]
    for column, rule in enumerate(RULES):
        parts.append(_name(LEFT + column * STEP + CELL // 2, TOP - 12, rule, "middle"))
    for row, score in enumerate(scores):
        y = TOP + row * STEP
        parts.append(_name(LEFT - 12, y + 22, score.family, "end first" if row == 0 else "end"))
        for column, cell in enumerate(score.cells.values()):
            parts.append(_cell(LEFT + column * STEP, y, cell.mark, len(cell.broken)))
    x, y = GAP, TOP + len(scores) * STEP + 22
    for mark, words in LEGEND.items():
        parts += [_cell(x, y, mark), _name(x + CELL + 6, y + 22, words)]
        x += CELL + 22 + 7 * len(words)
    return "\n".join([*parts, "</svg>", ""])


def _name(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text class="{f"name {kind}".strip()}" x="{x}" y="{y}">{escape(words)}</text>'


def _cell(x: int, y: int, mark: Mark, count: int = 0) -> str:
    name, path = SIGNS[mark]
    inset = 1 if mark is Mark.PARTLY else 0  # an outline lies half outside
    size = CELL - 2 * inset
    number = f'<text class="count" x="20" y="21">{count}</text>' if count else ""
    return (
        f'<g class="{name}" transform="translate({x} {y})">'
        f'<rect x="{inset}" y="{inset}" width="{size}" height="{size}" rx="6"/>'
        f'<path transform="translate({0 if count else 7} 7)" d="{path}"/>{number}</g>'
    )
