"""Positions of the labels of points in a figure, without overlaps where possible."""

from collections.abc import Sequence

from analysis.render.figures import HEIGHT, WIDTH

PLACES = (
    "top right", "bottom right", "top left", "bottom left", "top center", "bottom center"
)  # fmt: skip
SIDE = {"right": 0.0, "center": -0.5, "left": -1.0}
LETTER, LINE, GAP = 7.5, 18.0, 7.0
"""Pixels of a label's letters and lines, and between a marker and its label."""

Rectangle = tuple[float, float, float, float]


def label_places(xs: Sequence[float], ys: Sequence[float], labels: Sequence[str]) -> list[str]:
    """The position of each label beside its point that overlaps least with points and labels.

    `xs` and `ys` are shares of the drawing area, from 0 to 1.
    """
    points = [(x * (WIDTH - 110), -y * (HEIGHT - 130)) for x, y in zip(xs, ys, strict=True)]
    taken: list[Rectangle] = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    positions = []
    for (x, y), label in zip(points, labels, strict=True):
        rectangles = {place: _rectangle(x, y, label, place) for place in PLACES}
        best = min(PLACES, key=lambda place: _cost(rectangles[place], taken))
        taken.append(rectangles[best])
        positions.append(best)
    return positions


def _rectangle(x: float, y: float, label: str, place: str) -> Rectangle:
    vertical, side = place.split()
    width = LETTER * len(label)
    left = x + SIDE[side] * width + {"right": GAP, "left": -GAP, "center": 0}[side]
    top = y - GAP - LINE if vertical == "top" else y + GAP
    return left, top, left + width, top + LINE


def _cost(rectangle: Rectangle, taken: Sequence[Rectangle]) -> float:
    outside = max(0.0, -rectangle[0]) + max(0.0, rectangle[2] - (WIDTH - 90))
    return 20 * outside + sum(_overlap(rectangle, other) for other in taken)


def _overlap(first: Rectangle, second: Rectangle) -> float:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    return max(wide, 0.0) * max(high, 0.0)


def shares(values: Sequence[float]) -> list[float]:
    """Values as shares of their range."""
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1) for value in values]
