"""Coordinate attention: a gate for each row and one for each column of every channel.

Qibin Hou, Daquan Zhou and Jiashi Feng, "Coordinate Attention for Efficient Mobile Network Design",
CVPR 2021, Section 3.2. https://arxiv.org/abs/2103.02907
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_CHANNELS, check_integer
from searchspace.choice import Choice, register
from searchspace.layers.memory_format import kept_layout
from searchspace.slot import Role, Slot

SMALLEST = 8
"""Features between the convolutions, at least (the authors' code)."""


@register
@dataclass(frozen=True)
class CoordinateAttention(Choice):
    """x * sigmoid(g(f(means of rows))) * sigmoid(h(f(means of columns))).

    f = hard swish(BN(1x1 conv)) has source channels // `reduction` features, at least eight, and is
    one for both; g and h are 1x1 convolutions. All have biases.
    """

    reduction: int = 32

    kind: ClassVar[str] = "coordinate_attention"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_integer(1, MAX_CHANNELS, reduction=self.reduction)

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return CoordinateAttention2d(slot, max(slot.in_chs // self.reduction, SMALLEST))


class CoordinateAttention2d(nn.Module):
    """Rows and columns are squeezed together and expanded by themselves."""

    def __init__(self, slot: Slot, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(slot.in_chs, hidden, 1)
        self.norm = nn.BatchNorm2d(hidden)
        self.rows = nn.Conv2d(hidden, slot.out_chs, 1)
        self.columns = nn.Conv2d(hidden, slot.out_chs, 1)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, out_chs, H, W) rescaled by what (N, in_chs, H, W) holds."""
        rows = kept_layout(source).mean(3, keepdim=True)
        columns = kept_layout(source).mean(2, keepdim=True).transpose(2, 3)
        both = F.hardswish(self.norm(self.squeeze(torch.cat((rows, columns), 2))))
        down, across = both.split((rows.shape[2], columns.shape[2]), 2)
        gate = self.columns(across).sigmoid().transpose(2, 3)
        return x * self.rows(down).sigmoid() * gate
