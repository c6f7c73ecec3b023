"""Res2Net's block, the rival of HS: it sums where HS splits and concatenates.

Shang-Hua Gao, Ming-Ming Cheng, Kai Zhao, Xin-Yu Zhang, Ming-Hsuan Yang and Philip Torr, "Res2Net: A
New Multi-scale Backbone Architecture", TPAMI 2021. https://arxiv.org/abs/1904.01169

Section 3.1 and eq. 1. The strided form is that of HS. Deviation: the authors' code also drops the
sums in the first block of the first stage, which has no stride, and this one does not.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from searchspace.choice import Choice, register
from searchspace.operators.hierarchical_split import (
    GroupedSplits,
    HierarchicalSplit,
    SideBySide,
    conv_norm_relu,
)
from searchspace.slot import Slot


@register
@dataclass(frozen=True)
class Res2Net(GroupedSplits):
    """y_1 = x_1, y_2 = f(x_2), y_i = f(x_i + y_(i-1)), f = relu(BN(3x3)); all concatenated."""

    width: int = 26
    splits: int = 4

    kind: ClassVar[str] = "res2net"

    def canonical(self, slot: Slot) -> Choice:
        """HS where nothing is summed: with a stride, and with two splits."""
        if slot.stride > 1 or self.splits == 2:
            return HierarchicalSplit(self.width, self.splits)
        return self

    def module(self, slot: Slot) -> nn.Module:
        """The cascade, or with a stride the groups side by side."""
        self.check(slot)
        if slot.stride > 1:
            return SideBySide(self.width, self.splits, slot.stride)
        return Res2Net2d(self.width, self.splits)


class Res2Net2d(nn.Module):
    """The cascade of Res2Net at stride 1."""

    def __init__(self, width: int, splits: int) -> None:
        super().__init__()
        self.width = width
        self.convs = nn.ModuleList(conv_norm_relu(width) for _ in range(splits - 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, splits*width, H, W) to the same shape."""
        first, second, *groups = x.split(self.width, 1)
        maps = [first, self.convs[0](second)]
        for group, conv in zip(groups, list(self.convs)[1:], strict=True):
            maps.append(conv(group + maps[-1]))
        return torch.cat(maps, 1)
