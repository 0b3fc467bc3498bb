"""The plots of the page, as SVG: drawn from results, the same file from the same results."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from .kinds import KINDS
from .libraries import BARE, LIMIT
from .reporting import nanoseconds

STYLE: Any = {
    "svg.hashsalt": "crossorigin",  # names inside the file, which would be random
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "figure.facecolor": "white",
}
OURS = "#00694e"
LIMIT_COLOUR = "#b5b5b5"
OTHERS = ("#d9772b", "#5b7fb5", "#a3519c", "#8a6d3b", "#c2453d", "#4f9fa8", "#70757a")
SAME = ("crossorigin.starlette", "crossorigin.kui")  # what does as crossorigin.asgi and crossorigin.wsgi do
SMALLEST = 100  # nanoseconds; a bar on a log axis has to begin somewhere


def draw(results: dict[str, Any]) -> dict[str, str]:
    """Return the plots that *results* give, by file name."""
    with mpl.rc_context(STYLE):
        figures = {
            "kinds.svg": _kinds(results["requests"]),
            "frameworks.svg": _frameworks(results["requests"]),
            "origins.svg": _origins(results["origins"]),
        }
        return {name: _svg(figure) for name, figure in figures.items()}


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the plots into *folder*."""
    for name, text in draw(results).items():
        (folder / name).write_text(text, encoding="utf-8")


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def _colour(name: str, others: Sequence[str]) -> str:
    if name.startswith("crossorigin"):
        return OURS
    return LIMIT_COLOUR if name == LIMIT else OTHERS[others.index(name) % len(OTHERS)]


def _kinds(data: dict[str, Any]) -> Figure:
    """Return bars for each kind of request, in front of an application of no framework."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, group in zip(figure.subplots(2, 1), ("ASGI", "WSGI"), strict=True):
        rows = [row for row in data[group]["libraries"] if row["name"] != BARE]
        peers = [row["name"] for row in rows if not row["name"].startswith("crossorigin") and row["name"] != LIMIT]
        width = 0.84 / len(rows)
        for number, row in enumerate(rows):
            added = [row["kinds"][kind.name]["added"] for kind in KINDS]
            places = [at + (number - (len(rows) - 1) / 2) * width for at in range(len(KINDS))]
            colour = _colour(row["name"], peers)
            bars = axes.bar(places, added, width * 0.92, label=row["title"], color=colour)
            axes.bar_label(bars, [_short(value) for value in added], padding=1, fontsize=7, color="#444444")
        _added_axis(axes, f"added to {group}", (1, 2, 5))
        axes.set_xticks(range(len(KINDS)), [kind.name for kind in KINDS])
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=False, axis="x")
        axes.legend(frameon=False, fontsize=8, ncols=len(rows), loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def _frameworks(data: dict[str, Any]) -> Figure:
    """Return bars for each framework, for an allowed request."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    groups = [name for name in data if name not in ("ASGI", "WSGI")]
    for at, group in enumerate(groups):
        rows = [row for row in data[group]["libraries"] if row["name"] not in (BARE, LIMIT)]
        for number, row in enumerate(rows):
            added = row["kinds"]["allowed"]["added"]
            place = -at + ((len(rows) - 1) / 2 - number) * 0.26
            ours = row["name"].startswith("crossorigin")
            bar = axes.barh(place, added, 0.24, color=OURS if ours else OTHERS[1])
            axes.bar_label(bar, [f"{row['name']}  {_short(added)}"], padding=4, fontsize=8)
    axes.set_yticks([-at for at in range(len(groups))], groups)
    axes.tick_params(axis="y", length=0)
    axes.set_xscale("log")
    axes.set_xlim(500, 400_000)
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("added to an allowed request")
    axes.grid(visible=False, axis="y")
    return figure


def _origins(data: dict[str, Any]) -> Figure:
    """Return lines over the number of origins: requests to libraries, and decisions of a policy."""
    figure = Figure(figsize=(9, 8.4), layout="constrained")
    requests, decisions = figure.subplots(2, 1, height_ratios=(3, 2))
    sizes = data["requests"]["sizes"]
    # What is measured in front of everything is drawn once, in front of the first.
    rows = list({row["library"]: row for row in reversed(data["requests"]["libraries"])}.values())
    rows = [row for row in reversed(rows) if not row["library"].startswith(SAME)]
    peers = [row["library"] for row in rows if not row["library"].startswith("crossorigin")]
    ends = []
    for row in rows:
        ours = row["library"].startswith("crossorigin")
        colour = _colour(row["library"], peers)
        points = [max(value, SMALLEST) for value in row["added"]]
        shown = sizes[: len(points)]
        requests.plot(shown, points, "o-", color=colour, linewidth=2.6 if ours else 1.3, markersize=4)
        ends.append((shown[-1], points[-1], row["library"], colour, ours))
    _label_ends(requests, ends)
    _added_axis(requests, "added to an allowed request")
    _sizes_axis(requests, sizes[-1] * 40)

    ends = []
    for name, what, colour, label in (
        ("exact", "allowed", OURS, "exact, allowed"),
        ("exact", "denied", "#58a58c", "exact, denied"),
        ("wildcard", "allowed", OTHERS[0], "wildcard, allowed"),
        ("wildcard", "denied", "#e9b088", "wildcard, denied"),
        ("exact", "set", LIMIT_COLOUR, "a plain set"),
    ):
        line = [(row["size"], row[what]) for row in data[name]]
        decisions.plot(*zip(*line, strict=True), "o-", color=colour, linewidth=1.8, markersize=4)
        ends.append((*line[-1], label, colour, True))
    _label_ends(decisions, ends)
    _added_axis(decisions, "a decision of crossorigin's", (1, 2, 5))
    _sizes_axis(decisions, data["exact"][-1]["size"] * 40)
    decisions.set_xlabel("declared origins; each question is about another one of them")
    return figure


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str, bool]]) -> None:
    """Write each line's name beside its end, and names that end together below each other."""
    columns: dict[float, float] = {}
    for x, y, label, colour, strong in sorted(ends, key=lambda end: end[:2]):
        place = max(y, columns.get(x, 0) * 1.38)
        columns[x] = place
        axes.annotate(
            label,
            (x, place),
            xytext=(7, -3),
            textcoords="offset points",
            color=colour,
            fontsize=8,
            fontweight="bold" if strong else "normal",
        )


def _added_axis(axes: Axes, label: str, steps: Sequence[int] = (1,)) -> None:
    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    axes.set_ylim(min(SMALLEST, lowest), highest * 1.3)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(label)


def _sizes_axis(axes: Axes, right: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.8, right)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _tick(value: float, _: int | None) -> str:
    return nanoseconds(value)


def _short(value: float) -> str:
    return nanoseconds(value) if value >= 0 else "less"
