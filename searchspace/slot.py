"""A slot: a place in a backbone where a choice goes."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["conv", "recalibration"]
Position = Literal[
    "plain",  # in a network without blocks, or between them
    "block_first",  # the first and second 3x3 of a basic block
    "block_last",
    "reduce",  # the 1x1, 3x3 and 1x1 of a bottleneck
    "bottleneck",
    "restore",
    "expand",  # the 1x1, depthwise 3x3 and 1x1 of an inverted residual
    "depthwise",
    "project",
    "growth",  # the 3x3 that makes a dense layer's new channels, and their recalibration
    "transition",  # the 1x1 between dense blocks
    "shortcut",
]
"""Where in its block a slot stands."""


@dataclass(frozen=True)
class Slot:
    """One place for one choice; `name` is also the path of its module in the built network.

    A `conv` slot maps (N, in_chs, H, W) to (N, out_chs, H', W') and is followed by the block's own
    batch norm where the backbone has one. A `recalibration` slot rescales an (N, out_chs, H, W) map
    elementwise, looking at a source map of `in_chs` channels (the same map, unless the backbone
    offers another, as DenseNet offers its main vector).
    """

    name: str
    stage: int
    role: Role
    in_chs: int
    out_chs: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    padding: int = 0
    bias: bool = False
    position: Position = "plain"

    @property
    def depthwise(self) -> bool:
        """Whether each output channel reads one input channel."""
        return self.groups == self.in_chs > 1


def channelwise_refusal(slot: Slot) -> str | None:
    """Why each channel cannot be rescaled by the same channel of the source; None if it can."""
    if slot.in_chs == slot.out_chs:
        return None
    return (
        f"it rescales each channel by the same channel of the source, which has {slot.in_chs} "
        f"channels instead of {slot.out_chs}"
    )
