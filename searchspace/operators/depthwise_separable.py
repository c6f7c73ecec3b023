"""Depthwise separable convolution, the first rival of Multiception (its Section II-B).

Andrew G. Howard, Menglong Zhu, Bo Chen, Dmitry Kalenichenko, Weijun Wang, Tobias Weyand, Marco
Andreetto and Hartwig Adam, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", 2017. https://arxiv.org/abs/1704.04861

Deviation from MobileNets: norm, bias and stride are placed as in Multiception
(`searchspace.layers.separable`), of which this is the case of one kernel.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import nn

from searchspace.checks import MAX_KERNEL, check_integer, check_one_of
from searchspace.choice import Choice, register
from searchspace.errors import InputError
from searchspace.layers.depthwise import DepthwiseConv2d
from searchspace.layers.separable import SeparableConv2d, not_separable
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class DepthwiseSeparable(Choice):
    """1x1 conv(BN(depthwise k x k conv)), the paper's Multiception with one kernel.

    The paper's text gives the two convolutions only; the norm, the bias and the place of the stride
    are those of Multiception, which "will be downgraded" to this one when it has one kernel. In the
    `form` "plain", the rival of the authors' code, the depthwise convolution has the stride and no
    norm follows it.
    """

    kernel: int = 3
    form: Literal["multiception", "plain"] = field(default="multiception", metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "depthwise_separable"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_integer(1, MAX_KERNEL, kernel=self.kernel)
        if self.kernel % 2 == 0:
            raise InputError(f"kernel must be odd, got {self.kernel}")
        check_one_of(("multiception", "plain"), form=self.form)

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions."""
        return not_separable(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The depthwise convolution, its norm if it has one, and the 1x1 convolution."""
        if self.form == "multiception":
            return SeparableConv2d(slot, [(self.kernel, slot.in_chs)])
        depthwise = DepthwiseConv2d(
            slot.in_chs, self.kernel, stride=slot.stride, padding=self.kernel // 2, bias=False
        )
        return nn.Sequential(depthwise, nn.Conv2d(slot.in_chs, slot.out_chs, 1))
