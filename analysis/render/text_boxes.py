"""Places of names beside points, in pixels: none lies over another, over a point or outside."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

LETTER = 0.57
"""Mean width of a letter in shares of the font's size, wide enough for the fonts of a page."""
FONT, LINE = 13.0, 16.0
RINGS = (14.0, 22.0, 34.0, 50.0, 68.0)
"""Distances in pixels between a point and its name; beyond the first, a line joins them."""

Anchor = Literal["start", "middle", "end"]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


def text_width(text: str, size: float = FONT) -> float:
    """About how wide a text is, in pixels."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (LETTER * (len(text) - wide) + wide)


def shortened(text: str, width: float, size: float = FONT) -> str:
    """The text, or its beginning with an ellipsis where it is wider than `width` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


@dataclass(frozen=True)
class PlacedName:
    """A name at (x, y), its baseline; `leader` is a line (x, y, x, y) from a far point."""

    text: str
    x: float
    y: float
    anchor: Anchor
    leader: Box | None


def place_names(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    inside: Box,
    obstacles: Sequence[Box] = (),
    avoided: Sequence[Box] = (),
) -> list[PlacedName | None]:
    """A place for each name beside its point, None where there is no room; the first come first.

    What is `avoided` is covered where there is no other room.
    """
    taken = [*obstacles, *((x - 7, y - 7, x + 7, y + 7) for x, y in points)]
    places: list[PlacedName | None] = []
    for (x, y), name in zip(points, names, strict=True):
        places.append(None)
        free = [
            (place, box)
            for place, box in _candidates(x, y, name)
            if _within(box, inside) and not any(_overlap(box, other) for other in taken)
        ]
        clear = [one for one in free if not any(_overlap(one[1], other) for other in avoided)]
        if free:
            places[-1], box = (clear or free)[0]
            taken.append(box)
    return places


def _candidates(x: float, y: float, name: str) -> Iterator[tuple[PlacedName, Box]]:
    width = text_width(name)
    for ring in RINGS:
        across = 0.75 * ring
        spots: list[tuple[float, float, Anchor]] = [
            (ring, 0, "start"), (across, -across, "start"), (across, across, "start"),
            (0, -ring - 2, "middle"), (0, ring + 4, "middle"),
            (-ring, 0, "end"), (-across, -across, "end"), (-across, across, "end"),
        ]  # fmt: skip
        for dx, dy, anchor in spots:
            left = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            box = (left - 2, y + dy - LINE / 2, left + width + 2, y + dy + LINE / 2)
            far = ring > RINGS[0]
            leader = (x + 0.2 * dx, y + 0.2 * dy, x + 0.93 * dx, y + 0.93 * dy) if far else None
            yield PlacedName(name, x + dx, y + dy + 4.5, anchor, leader), box


def _within(box: Box, outer: Box) -> bool:
    return box[0] >= outer[0] and box[1] >= outer[1] and box[2] <= outer[2] and box[3] <= outer[3]


def _overlap(first: Box, second: Box) -> bool:
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )
