"""The residual block of two 3x3 convolutions, and its shortcuts.

He et al., Deep residual learning for image recognition, Section 3.3 and Figure 5 (left). Module
names are torchvision's, so weights of its networks load as they are.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Builder
from searchspace.layers.memory_format import strided
from searchspace.slot import Slot

Shortcut = Literal["A", "B", "D"]
"""Where the shape changes: A subsamples and pads with zero channels, B is a 1x1 convolution, D
averages 2x2 pixels and then is a 1x1 convolution (ResNet-D: He et al., Bag of tricks, Figure 2c).
"""


@dataclass(frozen=True)
class BlockSpec:
    """Where a residual block stands and what goes in and out."""

    name: str
    stage: int
    in_chs: int
    out_chs: int
    stride: int
    option: Shortcut = "B"


class PadShortcut(nn.Module):
    """Every stride-th pixel, and zeros for the channels that are missing (option A)."""

    def __init__(self, in_chs: int, out_chs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (out_chs - in_chs) // 2
        self.after = out_chs - in_chs - self.before

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        return F.pad(strided(x, self.stride), (0, 0, 0, 0, self.before, self.after))


class TwoConvs(nn.Module):
    """r(f(x)), f = 3x3, BN, relu, 3x3, BN; r recalibrates. `name` is where its slots are."""

    def __init__(self, builder: Builder, block: BlockSpec, name: str) -> None:
        super().__init__()
        out_chs = block.out_chs
        self.conv1 = builder.conv(
            Slot(
                f"{name}.conv1", block.stage, "conv", block.in_chs, out_chs, kernel=3,
                stride=block.stride, padding=1, position="block_first",
            )
        )  # fmt: skip
        done = builder.normalised(f"{name}.conv1")
        self.bn1 = nn.Identity() if done else nn.BatchNorm2d(out_chs)
        self.conv2 = builder.conv(
            Slot(
                f"{name}.conv2", block.stage, "conv", out_chs, out_chs, kernel=3, padding=1,
                position="block_last",
            )
        )  # fmt: skip
        self.bn2 = nn.BatchNorm2d(out_chs)
        self.recalibration = builder.recalibration(
            Slot(f"{name}.recalibration", block.stage, "recalibration", out_chs, out_chs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.recalibration(y, y)


class BasicBlock(TwoConvs):
    """relu(shortcut(x) + r(f(x))), f = 3x3, BN, relu, 3x3, BN; r recalibrates."""

    def __init__(self, builder: Builder, block: BlockSpec) -> None:
        super().__init__(builder, block, block.name)
        self.downsample = shortcut(builder, block)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        return F.relu(super().forward(x) + self.downsample(x))


def shortcut(builder: Builder, block: BlockSpec) -> nn.Module:
    """The path around a block: identity where the shape stays, else the block's option."""
    if block.stride == 1 and block.in_chs == block.out_chs:
        return nn.Identity()
    if block.option == "A":
        return PadShortcut(block.in_chs, block.out_chs, block.stride)
    pooled = block.option == "D"
    slot = Slot(
        f"{block.name}.downsample.{1 if pooled else 0}", block.stage, "conv",
        block.in_chs, block.out_chs, stride=1 if pooled else block.stride, position="shortcut",
    )  # fmt: skip
    layers = nn.Sequential(builder.conv(slot), nn.BatchNorm2d(block.out_chs))
    if not pooled:
        return layers
    # Rounding up, and averaging what is there, keeps odd sizes equal to a strided convolution's.
    pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(pool if block.stride > 1 else nn.Identity(), *layers)
