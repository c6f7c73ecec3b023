"""A network as a row of stages: operators, channels, and shares of MACs and parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.render.numbers import engineering
from analysis.render.text_boxes import shortened

WIDTH, GAP, PADDING = 182.0, 12.0, 10.0
LINES = 4
"""Operators that a stage names; further ones are counted."""


@dataclass(frozen=True)
class StageContent:
    """What is drawn of a stage; `macs` and `params` are numbers of the stage."""

    name: str
    channels: str
    operators: Sequence[str]
    macs: int
    params: int


@dataclass(frozen=True)
class Meter:
    """A bar for a share of the whole."""

    kind: str
    text: str
    y: float
    share: float


@dataclass(frozen=True)
class StageBox:
    """A stage at `x`, its lines of text with their heights, and its bars."""

    x: float
    title: str
    channels: str
    lines: tuple[tuple[float, str, str], ...]
    meters: tuple[Meter, ...]
    identity: str


@dataclass(frozen=True)
class NetworkDrawing:
    """Everything that the template `network.svg` draws, in pixels."""

    width: float
    height: float
    box_width: float
    boxes: tuple[StageBox, ...]


def network_drawing(stages: Sequence[StageContent], macs: int, params: int) -> NetworkDrawing:
    """The drawing of a network with its stages in forward order and its whole cost."""
    rows = min(LINES, max(len(stage.operators) for stage in stages))
    text_end = 44 + 17 * rows
    height = text_end + 66
    boxes = []
    for number, stage in enumerate(stages):
        shown = list(stage.operators[:LINES])
        if len(stage.operators) > LINES:
            shown[-1] = f"and {len(stage.operators) - LINES + 1} more"
        lines = [(44.0 + 17 * i, shortened(t, WIDTH - 20, 12), t) for i, t in enumerate(shown)]
        shares = (("macs", stage.macs, macs, "MACs"), ("params", stage.params, params, "params"))
        meters = tuple(
            Meter(kind, f"{_percent(part, whole)} of {name}, {engineering(part)}",
                  text_end + 14 + 28 * i, part / whole if whole else 0.0)
            for i, (kind, part, whole, name) in enumerate(shares)
        )  # fmt: skip
        channels = f"{stage.channels} ch" if stage.channels else ""
        identity = "|".join([stage.channels, *stage.operators])
        x = number * (WIDTH + GAP)
        boxes.append(StageBox(x, stage.name, channels, tuple(lines), meters, identity))
    width = len(boxes) * (WIDTH + GAP) - GAP
    return NetworkDrawing(width, height, WIDTH, tuple(boxes))


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 1 or not part else "< 1 %"
