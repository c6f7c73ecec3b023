"""What a part of the benchmark is told, and the rows that it gives."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.timing import Pair

Size = Literal["full", "tiny"]


@dataclass(frozen=True)
class Settings:
    """The device, the time at which to stop, and whether shapes are those of a test."""

    device: str
    deadline: float = field(default_factory=lambda: time.monotonic() + 540)
    size: Size = "full"

    @property
    def tiny(self) -> bool:
        """Whether shapes are those of a test on a CPU, in seconds."""
        return self.size == "tiny"

    @property
    def gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.startswith("cuda")

    @property
    def repeats(self) -> int:
        """Runs of each form of a pair."""
        return 2 if self.tiny else 11

    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True)
class Row:
    """One figure: of which part and case, its unit, and the least that it should be, if anything.

    `ok` is whether it is what it should be; `note` is why there is no figure, or more about it.
    """

    part: str
    case: str
    value: float | None = None
    unit: str = ""
    goal: float | None = None
    ok: bool | None = None
    note: str = ""


Rows = Iterator[Row]


def ratio_row(part: str, case: str, pair: Pair, goal: float | None = None) -> Row:
    """How many times as fast as the other form ours is: the median of the paired runs."""
    ok = None if goal is None else pair.ratio >= goal
    times = f"{pair.slow_ms:.3f} ms against ours {pair.fast_ms:.3f} ms, "
    return Row(
        part, case, pair.ratio, "x", goal, ok, f"{times}quartiles {pair.low:.2f}, {pair.high:.2f}"
    )


def in_time(settings: Settings, part: str, cases: Iterator[str] | list[str]) -> Iterator[str]:
    """The cases for which there is time; StopPart for the first for which there is none."""
    for case in cases:
        if settings.left() <= 0:
            raise StopPart(f"left out from {case!r} on: no time")
        yield case


class StopPart(Exception):
    """The rest of a part is left out; the text says why."""
