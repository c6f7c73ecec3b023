"""A forest plot: a difference with its interval in each row, its verdict as a colour and a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from analysis.render.axes import linear_ticks
from analysis.render.front_drawing import Tick
from analysis.render.text_boxes import shortened, text_width

ROW, TOP, BOTTOM = 34.0, 10.0, 46.0
NARROW_ROW = 58.0
WIDTHS = {"wide": 1100.0, "narrow": 400.0}


@dataclass(frozen=True)
class ForestRow:
    """A difference in points with its interval, and its verdict.

    `verdict` is the name of a colour: supported, contradicted, equivalent or undecided; `word` is
    what the row says of it.
    """

    name: str
    mean: float
    low: float
    high: float
    verdict: str
    word: str


@dataclass(frozen=True)
class DrawnRow:
    """A row in pixels: the height of its middle, and where its mean and ends are, if known."""

    row: ForestRow
    name: str
    y: float
    name_y: float
    mean: float | None
    low: float | None
    high: float | None
    number: str


@dataclass(frozen=True)
class ForestDrawing:
    """Everything that the template `forest.svg` draws, in pixels."""

    kind: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    row_height: float
    zero: float
    margin: tuple[float, float] | None
    rows: tuple[DrawnRow, ...]
    ticks: tuple[Tick, ...]
    title: str


def forest_drawings(
    rows: Sequence[ForestRow], title: str, margin: float = 0.0
) -> list[ForestDrawing]:
    """The drawing at each width; `margin` is that of equivalence, in points."""
    return [_drawing(kind, rows, title, margin) for kind in WIDTHS]


def _drawing(kind: str, rows: Sequence[ForestRow], title: str, margin: float) -> ForestDrawing:
    width, wide = WIDTHS[kind], kind == "wide"
    left = min(500.0, max(text_width(row.name) for row in rows) + 24) if wide else 12.0
    words = max(text_width(row.word) for row in rows)
    numbers = max(text_width(_number(row)) for row in rows)
    right = width - (words + numbers + 40 if wide else 12.0)
    row_height = ROW if wide else NARROW_ROW
    bottom = TOP + row_height * len(rows)
    known = [v for r in rows for v in (r.mean, r.low, r.high) if not isnan(v)]
    low, high = min([0.0, -margin, *known]), max([0.0, margin, *known])
    padding = 0.05 * (high - low) or 1.0
    low, high = low - padding, high + padding

    def across(value: float) -> float:
        return round(left + (value - low) / (high - low) * (right - left), 1)

    def drawn(number: int, row: ForestRow) -> DrawnRow:
        top = TOP + row_height * number
        middle = top + row_height / 2 if wide else top + 38
        mean, low, high = (None if isnan(v) else across(v) for v in (row.mean, row.low, row.high))
        room = left - 18 if wide else width - 40 - text_width(row.word)
        name_y = middle + 4.5 if wide else top + 16
        name = shortened(row.name, room)
        return DrawnRow(row, name, middle, name_y, mean, low, high, _number(row))

    ticks = [
        Tick(across(value), f"{value:g}".replace("-", "\u2212"))
        for value in linear_ticks(low, high, 4)
    ]
    margins = (across(-margin), across(margin)) if margin else None
    return ForestDrawing(
        kind=kind,
        width=width,
        height=bottom + BOTTOM,
        left=left,
        right=right,
        bottom=bottom,
        row_height=row_height,
        zero=across(0.0),
        margin=margins,
        rows=tuple(drawn(i, row) for i, row in enumerate(rows)),
        ticks=tuple(ticks),
        title=title,
    )


def _number(row: ForestRow) -> str:
    """Mean and interval as text."""
    if isnan(row.mean):
        return "–"
    interval = "" if isnan(row.low) else f" ({row.low:.2f} to {row.high:.2f})"
    return f"{row.mean:+.2f}{interval}".replace("-", "\u2212")
