"""The residual block of a 1x1, a 3x3 and a 1x1 convolution.

He et al., Deep residual learning, Figure 5 (right), with the stride on the 3x3 as in torchvision,
and Xie et al., Aggregated residual transformations, Figure 3 (c), where the 3x3 has groups. Module
names are torchvision's, so weights of its networks load as they are.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Builder
from searchspace.backbones.basic_block import BlockSpec, shortcut
from searchspace.slot import Slot

EXPANSION = 4
"""Channels that leave a bottleneck for each channel of the plain width inside it."""


class Bottleneck(nn.Module):
    """relu(shortcut(x) + r(f(x))), f = 1x1, BN, relu, 3x3, BN, relu, 1x1, BN; r recalibrates.

    `inner` is the width of the 3x3 unless the choice there asks for another.
    """

    def __init__(self, builder: Builder, block: BlockSpec, inner: int, groups: int = 1) -> None:
        super().__init__()
        name, stage = block.name, block.stage
        middle = f"{name}.conv2"
        inner = builder.width(middle, inner)
        self.conv1 = builder.conv(
            Slot(f"{name}.conv1", stage, "conv", block.in_chs, inner, position="reduce")
        )
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = builder.conv(
            Slot(
                middle, stage, "conv", inner, inner, kernel=3, stride=block.stride, padding=1,
                groups=groups, position="bottleneck",
            )
        )  # fmt: skip
        done = builder.normalised(middle)
        self.bn2 = nn.Identity() if done else nn.BatchNorm2d(inner)
        self.act2 = nn.Identity() if done else nn.ReLU()
        self.conv3 = builder.conv(
            Slot(f"{name}.conv3", stage, "conv", inner, block.out_chs, position="restore")
        )
        self.bn3 = nn.BatchNorm2d(block.out_chs)
        self.recalibration = builder.recalibration(
            Slot(
                f"{name}.recalibration", stage, "recalibration", block.out_chs, block.out_chs
            )
        )  # fmt: skip
        self.downsample = shortcut(builder, block)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.act2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(self.recalibration(y, y) + self.downsample(x))
