"""The rival that Multiception calls MixConv: dense convolutions of several sizes side by side.

Guoqing Bao, Manuel B. Graeber and Xiuying Wang, "Depthwise Multiception Convolution for Reducing
Network Parameters without Sacrificing Accuracy", ICARCV 2020. https://arxiv.org/abs/2011.03701

As the authors' code has it. It splits channels like MixConv (`searchspace.operators.mixconv`), but
its convolutions are not depthwise, no 1x1 mixes what they make, and no batch norm follows.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.choice import Choice, register
from searchspace.layers.separable import not_separable, odd_kernels
from searchspace.slot import Role, Slot

PLACES = ("block_first", "bottleneck")
"""Positions of slots that a norm and an activation follow in every block."""


@register
@dataclass(frozen=True)
class DenseMixConv(Choice):
    """relu(concat_i(k_i x k_i conv from the i-th group of input to that of output channels)).

    Groups are of equal size, with the remainder in the first; `kernels` are kept in ascending
    order. It stands for a convolution with the norm and the activation that follow.
    """

    kernels: tuple[int, ...] = (3, 5, 7)

    kind: ClassVar[str] = "dense_mixconv"
    role: ClassVar[Role] = "conv"
    normalised: ClassVar[bool] = True

    def __post_init__(self) -> None:
        odd_kernels(kernels=self.kernels)
        object.__setattr__(self, "kernels", tuple(sorted(self.kernels)))

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions in front of an activation, with channels for all."""
        fewest = min(slot.in_chs, slot.out_chs)
        if fewest < len(self.kernels):
            return f"{fewest} channels cannot be split over {len(self.kernels)} kernels"
        if slot.position not in PLACES:
            return "it ends in an activation, so it goes where one follows inside a block"
        return not_separable(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The convolutions side by side, and the activation."""
        return SplitConv2d(slot, self.kernels)


class SplitConv2d(nn.Module):
    """relu(concat_i(conv_i(x_i)))."""

    def __init__(self, slot: Slot, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = _groups(slot.in_chs, len(kernels))
        outputs = _groups(slot.out_chs, len(kernels))
        self.convs = nn.ModuleList(
            nn.Conv2d(ins, outs, kernel, slot.stride, kernel // 2, bias=slot.bias)
            for ins, outs, kernel in zip(self.sizes, outputs, kernels, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        parts = x.split(self.sizes, 1)
        maps = [conv(part) for conv, part in zip(self.convs, parts, strict=True)]
        return F.relu(torch.cat(maps, 1))


def _groups(chs: int, count: int) -> list[int]:
    each, left = divmod(chs, count)
    return [each + left, *[each] * (count - 1)]
