"""Strip pooling: a gate from averages over rows and columns.

Qibin Hou, Li Zhang, Ming-Ming Cheng and Jiashi Feng, "Strip Pooling: Rethinking Spatial Pooling for
Scene Parsing", CVPR 2020, Section 3.1. https://arxiv.org/abs/2003.13328

The norms and the relu are those of the authors' code.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.choice import Choice, register
from searchspace.layers.memory_format import kept_layout
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class StripPooling(Choice):
    """x * sigmoid(1x1 conv(relu(BN(3x1 conv(means of rows)) + BN(1x3 conv(means of columns))))).

    The sum of rows and columns is that of every pair; only the 1x1 convolution has a bias.
    """

    kind: ClassVar[str] = "strip_pooling"
    role: ClassVar[Role] = "recalibration"

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return StripPooling2d(slot)


class StripPooling2d(nn.Module):
    """x * gate(source)."""

    def __init__(self, slot: Slot) -> None:
        super().__init__()
        chs = slot.out_chs
        self.rows = nn.Conv2d(slot.in_chs, chs, (3, 1), padding=(1, 0), bias=False)
        self.norm_rows = nn.BatchNorm2d(chs)
        self.columns = nn.Conv2d(slot.in_chs, chs, (1, 3), padding=(0, 1), bias=False)
        self.norm_columns = nn.BatchNorm2d(chs)
        self.mix = nn.Conv2d(chs, chs, 1)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, out_chs, H, W) rescaled by what (N, in_chs, H, W) holds."""
        rows = self.norm_rows(self.rows(kept_layout(source).mean(3, keepdim=True)))
        columns = self.norm_columns(self.columns(kept_layout(source).mean(2, keepdim=True)))
        return x * self.mix(F.relu(rows + columns)).sigmoid()
