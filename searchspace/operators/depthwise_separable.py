"""Depthwise separable convolution, the first rival of Multiception (its Section II-B).

Andrew G. Howard, Menglong Zhu, Bo Chen, Dmitry Kalenichenko, Weijun Wang, Tobias Weyand, Marco
Andreetto and Hartwig Adam, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", 2017. https://arxiv.org/abs/1704.04861

Deviation from MobileNets: norm, bias and stride are placed as in Multiception
(`searchspace.layers.separable`), of which this is the case of one kernel.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from searchspace.checks import MAX_KERNEL, check_integer
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
        check_integer(1, MAX_KERNEL, kernel=self.kernel)
        if self.kernel % 2 == 0:
            raise InputError(f"kernel must be odd, got {self.kernel}")

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions."""
        return not_separable(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The depthwise convolution, its norm and the 1x1 convolution."""
        return SeparableConv2d(slot, [(self.kernel, slot.in_chs)])
