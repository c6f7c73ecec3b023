"""MixConv: mixed depthwise kernels, the second rival of Multiception (its Section III).

Mingxing Tan and Quoc V. Le, "MixConv: Mixed Depthwise Convolutional Kernels", BMVC 2019.
https://arxiv.org/abs/1907.09595

Deviation: in Multiception's skeleton, a norm between the depthwise and the 1x1 convolution and no
activation. The channels are split in groups of equal size, one for each kernel; the first group
takes what is left over when they do not divide.
"""

from collections import Counter
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

from torch import nn

from searchspace.choice import Choice, register
from searchspace.layers.separable import SeparableConv2d, not_separable, odd_kernels
from searchspace.operators.depthwise_separable import DepthwiseSeparable
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class MixConv(Choice):
    """1x1 conv(BN(concat_i(depthwise k_i x k_i conv of the i-th group of channels))).

    `kernels` are kept in ascending order, so the smallest kernel takes the remainder. A size that
    occurs twice gets two groups.
    """

    kernels: tuple[int, ...] = (3, 5)

    kind: ClassVar[str] = "mixconv"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        odd_kernels(kernels=self.kernels)
        object.__setattr__(self, "kernels", tuple(sorted(self.kernels)))

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions with a channel for each kernel."""
        if slot.in_chs < len(self.kernels):
            return f"{slot.in_chs} channels cannot be split over {len(self.kernels)} kernels"
        return not_separable(slot)

    def canonical(self, slot: Slot) -> Choice:
        """The fewest kernels that give each size the same channels; one is no mixture."""
        counts = Counter(self.kernels)
        shared = gcd(*counts.values())
        for divisor in range(shared, 1, -1):
            fewer = [size for size, n in counts.items() for _ in range(n // divisor)]
            if shared % divisor == 0 and _channels(fewer, slot) == _channels(self.kernels, slot):
                return MixConv(tuple(fewer)).canonical(slot)
        return DepthwiseSeparable(self.kernels[0]) if len(self.kernels) == 1 else self

    def module(self, slot: Slot) -> nn.Module:
        """One depthwise convolution for each size, then their norm and the 1x1 convolution."""
        return SeparableConv2d(slot, list(_channels(self.kernels, slot).items()))


def _channels(kernels: tuple[int, ...] | list[int], slot: Slot) -> dict[int, int]:
    """How many of the input channels each kernel size convolves."""
    each, left = divmod(slot.in_chs, len(kernels))
    counts = {size: each * n for size, n in Counter(kernels).items()}
    counts[kernels[0]] += left
    return counts
