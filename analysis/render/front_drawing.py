"""The front of accuracy and cost as a drawing: what a report shows first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, log10
from typing import Any

import pandas as pd

from analysis.render.axes import linear_ticks, log_axis
from analysis.render.text_boxes import Box, PlacedName, place_names, shortened, text_width

SIZES = {"wide": (880.0, 470.0), "narrow": (400.0, 380.0)}
"""Pixels of the drawing for a window of a desk and of a telephone."""
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 14.0, 46.0
NAMED = 24
"""Up to so many networks, dominated ones are named too."""
CROWD = 12
"""Above so many networks on the front, only those to take are named."""
DOTS = 400
"""Up to so many, each network is a mark of its own; else dominated ones are one cloud."""
LOWEST = 0.06
"""The share of a search's networks that may lie below the figure, where they would flatten it."""
MANY = 40

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Dot:
    """A network at (x, y), with the ends of its interval if it has one.

    `network` is its number in the page, `key` that and the input size.
    """

    x: float
    y: float
    low: float | None
    high: float | None
    front: bool
    network: int
    key: str
    title: str


@dataclass(frozen=True)
class Tick:
    """A tick of an axis, in pixels."""

    at: float
    text: str


@dataclass(frozen=True)
class FrontDrawing:
    """Everything that the template `front.svg` draws, in pixels."""

    kind: str
    width: float
    height: float
    frame: Box
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    cloud: str
    steps: str
    sizes: tuple[str, ...]
    names: tuple[tuple[PlacedName, bool], ...]
    below: int

    @property
    def has_intervals(self) -> bool:
        """Whether any mark has an interval."""
        return any(dot.low is not None for dot in self.dots)

    @property
    def has_dominated(self) -> bool:
        """Whether any network is not on the front."""
        return bool(self.cloud) or any(not dot.front for dot in self.dots)


def front_drawings(
    points: pd.DataFrame, cost: str, x_title: str, y_title: str, keys: Sequence[str] = ()
) -> list[FrontDrawing]:
    """The drawing at each size; `points` are what `front_info` gives, not empty.

    Those with these `keys` are named first, and alone where very many are on the front.
    """
    return [_drawing(kind, points, cost, x_title, y_title, keys) for kind in SIZES]


def _drawing(
    kind: str,
    points: pd.DataFrame,
    cost: str,
    x_title: str,
    y_title: str,
    keys: Sequence[str],
) -> FrontDrawing:
    width, height = SIZES[kind]
    frame = (LEFT, TOP, width - RIGHT, height - BOTTOM)
    axis: Any = log_axis(points[cost].astype(float).tolist(), padding=0.07)
    first, last = axis["range"]
    low, high = _accuracy_range(points)

    def across(value: float) -> float:
        return round(LEFT + (log10(value) - first) / (last - first) * (frame[2] - LEFT), 1)

    def up(value: float) -> float:
        return round(frame[3] - (value - low) / (high - low) * (frame[3] - TOP), 1)

    shown = points[points["mean"] >= low]
    dots = [_dot(row, cost, across, up, low) for row in shown.to_dict("records")]
    many = len(dots) > DOTS
    best = points[points["on_front"]]
    corners = [(across(c), up(m)) for c, m in zip(best[cost], best["mean"], strict=True)]
    ticks = zip(axis["tickvals"], axis["ticktext"], strict=True)
    return FrontDrawing(
        kind=kind,
        width=width,
        height=height,
        frame=frame,
        x_title=x_title,
        y_title=y_title,
        x_ticks=_apart([Tick(across(value), text) for value, text in ticks]),
        y_ticks=tuple(Tick(up(v), f"{v:g}") for v in linear_ticks(low, high, 4)),
        # The front is drawn last, above the others.
        dots=tuple(sorted((d for d in dots if d.front or not many), key=lambda dot: dot.front)),
        cloud="".join(f"M{d.x} {d.y}h0" for d in dots if not d.front) if many else "",
        steps=_steps(corners, frame),
        sizes=() if many else _sizes(points, cost, across, up),
        names=_names(shown, dots, frame, kind, keys),
        below=len(points) - len(shown),
    )


def _apart(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """The ticks without those whose text would lie over the one before."""
    kept: list[Tick] = []
    for tick in ticks:
        if not kept or tick.at - kept[-1].at > 4 + text_width(f"{kept[-1].text} {tick.text}") / 2:
            kept.append(tick)
    return tuple(kept)


def _accuracy_range(points: pd.DataFrame) -> tuple[float, float]:
    """The ends of the accuracy axis: all intervals of a few networks, most networks of many."""
    means = points["mean"].astype(float)
    lows = points["low"].astype(float).fillna(means)
    highs = points["high"].astype(float).fillna(means)
    best = points["on_front"].astype(bool)
    top, low, high = (float(value) for value in (means.max(), lows.min(), highs.max()))
    if len(points) > MANY:
        low, high = min(float(means.quantile(LOWEST)), float(lows[best].min())), highs[best].max()
    low, high = min(low, top), max(float(high), top)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _dot(row: dict[Any, Any], cost: str, across: Scale, up: Scale, lowest: float) -> Dot:
    low, high = (
        (None, None) if isnan(row["low"]) else (up(max(row["low"], lowest)), up(row["high"]))
    )
    n = row["n"]
    return Dot(
        x=across(row[cost]),
        y=up(row["mean"]),
        low=low,
        high=high,
        front=bool(row["on_front"]),
        network=int(row["network"]),
        key=f"{row['network']}:{row['view']}",
        title=f"{row['name']}: {row['mean']:.2f} %, {n} seed{'' if n == 1 else 's'}",
    )


def _steps(corners: Sequence[tuple[float, float]], frame: Box) -> str:
    """The best accuracy at a cost or less, to the right edge."""
    if not corners:
        return ""
    (x, y), *rest = corners
    return f"M{x} {y}" + "".join(f"H{a}V{b}" for a, b in rest) + f"H{frame[2]}"


def _sizes(points: pd.DataFrame, cost: str, across: Scale, up: Scale) -> tuple[str, ...]:
    """A line through the input sizes of each network that has several."""
    lines = []
    for _, sizes in points[points["size"].notna()].groupby("arm", sort=False):
        if len(sizes) > 1:
            ordered = sizes.sort_values("size")
            pairs = zip(ordered[cost], ordered["mean"], strict=True)
            lines.append("M" + "L".join(f"{across(c)} {up(m)}" for c, m in pairs))
    return tuple(lines)


def _names(
    points: pd.DataFrame, dots: Sequence[Dot], frame: Box, kind: str, keys: Sequence[str]
) -> tuple[tuple[PlacedName, bool], ...]:
    """Names of the front, then of dominated networks where there are few; where there is room."""
    pairs = list(zip(points["name"].astype(str), dots, strict=True))
    front = [(name, dot) for name, dot in pairs if dot.front]
    rest = [(name, dot) for name, dot in pairs if not dot.front]
    # The best has room above all others.
    front.sort(key=lambda pair: (pair[1].key not in keys, pair[1].y))
    if len(front) > CROWD:
        front = [pair for pair in front if pair[1].key in keys]
    ordered = front + (rest if len(pairs) <= NAMED else [])
    width = 230.0 if kind == "wide" else 150.0
    names = [shortened(name, width) for name, _ in ordered]
    few = len(dots) <= 60
    obstacles = [(d.x - 7, d.y - 7, d.x + 7, d.y + 7) for d in dots if d.front or few]
    # The steps of the front run to the right of each of its marks, up to the next.
    turns = sorted(dot.x for dot in dots if dot.front)
    obstacles += [
        (d.x, d.y - 1, min([x for x in turns if x > d.x], default=frame[2]), d.y + 1)
        for d in dots
        if d.front
    ]
    whiskers = [
        (d.x - 4, d.high, d.x + 4, d.low)
        for d in dots
        if d.low is not None and d.high is not None and (d.front or few)
    ]
    placed = place_names([(dot.x, dot.y) for _, dot in ordered], names, frame, obstacles, whiskers)
    return tuple(
        (place, dot.front)
        for place, (_, dot) in zip(placed, ordered, strict=True)
        if place is not None
    )
