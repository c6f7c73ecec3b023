"""Depthwise separable convolution, the first rival of Multiception (Section II-B)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from searchspace.checks import check_integer
from searchspace.choice import Choice, register
from searchspace.errors import InputError
from searchspace.layers.separable import SeparableConv2d, not_separable
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class DepthwiseSeparable(Choice):
    """1x1 conv(BN(depthwise k x k conv)), the paper's Multiception with one kernel.

    The paper's text gives the two convolutions only; the norm, the bias and the place of the stride
    are those of Multiception, which "will be downgraded" to this one when it has one kernel.
    """

    kernel: int = 3

    kind: ClassVar[str] = "depthwise_separable"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_integer(1, kernel=self.kernel)
        if self.kernel % 2 == 0:
            raise InputError(f"kernel must be odd, got {self.kernel}")

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions."""
        return not_separable(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The depthwise convolution, its norm and the 1x1 convolution."""
        return SeparableConv2d(slot, [(self.kernel, slot.in_chs)])
