"""PConv: a convolution of some of the channels, and a 1x1 convolution of all.

Jierun Chen, Shiu-hong Kao, Hao He, Weipeng Zhuo, Song Wen, Chul-Ho Lee and S.-H. Gary Chan, "Run,
Don't Walk: Chasing Higher FLOPS for Faster Neural Networks", CVPR 2023, Sections 3.2 and 3.3.
https://arxiv.org/abs/2303.03667

Deviation: where the place of a 3x3 convolution has a stride, the 1x1 has it (FasterNet has
none there).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from searchspace.checks import MAX_CHANNELS, check_integer
from searchspace.choice import Choice, register
from searchspace.layers.separable import not_separable
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class PartialConv(Choice):
    """1x1 conv([3x3 conv of the first in_chs // `share` channels, the other channels])."""

    share: int = 4

    kind: ClassVar[str] = "pconv"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_integer(1, MAX_CHANNELS, share=self.share)

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions with channels to take a share of."""
        if slot.in_chs < self.share:
            return f"it convolves 1 of {self.share} channels, and there are {slot.in_chs}"
        return not_separable(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return PartialConv2d(slot, slot.in_chs // self.share)


class PartialConv2d(nn.Module):
    """1x1 conv([3x3 conv(x_1), x_2])."""

    def __init__(self, slot: Slot, chs: int) -> None:
        super().__init__()
        self.sizes = (chs, slot.in_chs - chs)
        self.partial = nn.Conv2d(chs, chs, 3, padding=1, bias=False)
        self.pointwise = nn.Conv2d(slot.in_chs, slot.out_chs, 1, slot.stride, bias=slot.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        convolved, others = x.split(self.sizes, 1)
        return self.pointwise(torch.cat((self.partial(convolved), others), 1))
