"""How every figure looks: colours, fonts, axes, and labels that keep out of each other's way."""

from collections.abc import Sequence
from math import ceil, floor, log10

import plotly.graph_objects as go

from analysis.render.tables import engineering

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe and Ito's palette, told apart by all kinds of colour vision; yellow is too light here."""

QUIET = "#9aa5ae"
FONT = {"family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 14}
WIDTH, HEIGHT = 960, 520
"""Pixels of a static figure; on a page the width follows the window."""

NARROWEST = 1e-4
"""Decades that a logarithmic axis spans at least, around values that differ."""

MANY = 1500
"""From this number of points on, a figure is drawn by the graphics card."""


def color(index: int) -> str:
    """The colour of the run or network with a number."""
    return COLORS[index % len(COLORS)]


def faded(hex_color: str, opacity: float) -> str:
    """A colour with an opacity, for areas."""
    red, green, blue = (int(hex_color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def scatter(count: int) -> type[go.Scatter] | type[go.Scattergl]:
    """The kind of trace for a figure with `count` points."""
    return go.Scattergl if count > MANY else go.Scatter


def figure(x: str, y: str, *, height: int = HEIGHT) -> go.Figure:
    """An empty figure with the titles of its axes, units included."""
    empty = go.Figure()
    empty.update_layout(
        template="plotly_white",
        font=FONT,
        height=height,
        margin={"l": 75, "r": 30, "t": 60, "b": 65},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"font": {"size": 13}},
        xaxis={"title": {"text": x}, "automargin": True},
        yaxis={"title": {"text": y}, "automargin": True},
    )
    return empty


def log_axis(values: Sequence[float], room: float = 0.06) -> dict[str, object]:
    """Settings of a logarithmic axis around positive `values`: a few round ticks, with units."""
    low, high = log10(min(values)), log10(max(values))
    # Equal costs get a tenth of a decade, nearly equal ones no less than about 0.02 %.
    margin = max(room * (high - low), (NARROWEST - (high - low)) / 2) if high > low else 0.05
    ends = low - margin, high + margin
    ticks = round_ticks(10 ** ends[0], 10 ** ends[1])
    return {
        "type": "log",
        "range": ends,
        "tickvals": ticks,
        "ticktext": tick_labels(ticks),
    }


STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), tuple(1 + i / 2 for i in range(18)),
         tuple(1 + i / 10 for i in range(90)))  # fmt: skip


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Each tick with as many significant digits as all need to differ, three at least."""
    for digits in range(3, 16):
        labels = [engineering(tick, digits) for tick in ticks]
        if len(set(labels)) == len(labels):
            break
    return labels


def round_ticks(low: float, high: float, fewest: int = 4) -> list[float]:
    """Round numbers between two positive ones, evenly enough on a logarithmic axis.

    Over less than about a fifth of a decade they are evenly spaced multiples of a round step, as on
    a linear axis: costs of arms may differ by a hundredth of a per cent.
    """
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    found: list[float] = []
    for steps in STEPS:
        found = [step * 10.0**decade for decade in decades for step in steps]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) >= fewest:
            break
    else:
        return linear_ticks(low, high, fewest)
    skip = -(-len(found) // 10)
    return found[::skip]


def linear_ticks(low: float, high: float, fewest: int) -> list[float]:
    """Multiples of the largest of 1, 2 or 5 times a power of ten that gives at least `fewest`."""
    exponent = ceil(log10(high - low))
    for power in range(exponent, exponent - 4, -1):
        for factor in (5, 2, 1):
            step = factor * 10.0**power
            first, last = ceil(low / step), floor(high / step)
            if last - first + 1 >= fewest:
                return [count * step for count in range(first, last + 1)]
    raise ValueError(f"low < high must hold, got low={low}, high={high}")


PLACES = (
    "top right", "bottom right", "top left", "bottom left", "top center", "bottom center"
)  # fmt: skip
SIDE = {"right": 0.0, "center": -0.5, "left": -1.0}
LETTER, LINE, GAP = 7.5, 18.0, 7.0
"""Pixels of a label's letters and lines, and between a marker and its label."""

Box = tuple[float, float, float, float]


def label_places(xs: Sequence[float], ys: Sequence[float], labels: Sequence[str]) -> list[str]:
    """Where to write each label beside its point: where it covers least of what is there.

    `xs` and `ys` are shares of the drawing area, from 0 to 1.
    """
    points = [(x * (WIDTH - 110), -y * (HEIGHT - 130)) for x, y in zip(xs, ys, strict=True)]
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    chosen = []
    for (x, y), label in zip(points, labels, strict=True):
        boxes = {place: _box(x, y, label, place) for place in PLACES}
        best = min(PLACES, key=lambda place: _cost(boxes[place], taken))
        taken.append(boxes[best])
        chosen.append(best)
    return chosen


def _box(x: float, y: float, label: str, place: str) -> Box:
    vertical, side = place.split()
    width = LETTER * len(label)
    left = x + SIDE[side] * width + {"right": GAP, "left": -GAP, "center": 0}[side]
    top = y - GAP - LINE if vertical == "top" else y + GAP
    return left, top, left + width, top + LINE


def _cost(box: Box, taken: Sequence[Box]) -> float:
    outside = max(0.0, -box[0]) + max(0.0, box[2] - (WIDTH - 90))
    return 20 * outside + sum(_overlap(box, other) for other in taken)


def _overlap(first: Box, second: Box) -> float:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    return max(wide, 0.0) * max(high, 0.0)


def shares(values: Sequence[float]) -> list[float]:
    """Values as shares of their range."""
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1) for value in values]
