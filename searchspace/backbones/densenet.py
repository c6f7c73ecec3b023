"""DenseNet-BC for CIFAR.

Gao Huang, Zhuang Liu, Laurens van der Maaten and Kilian Q. Weinberger, "Densely Connected
Convolutional Networks", CVPR 2017, Sections 3 and 4. https://arxiv.org/abs/1608.06993

Module names are torchvision's. Its `DenseNet` class has a batch norm after the stem, which the
CIFAR networks of the paper do not have, as every dense layer starts with one.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.checks import check_integer
from searchspace.errors import InputError
from searchspace.layers.memory_format import spatial_mean
from searchspace.slot import Slot

BOTTLENECK = 4
"""Channels between a layer's two convolutions, in units of the growth rate."""
MAX_DEPTH, MAX_GROWTH = 400, 512
"""Costs grow with the square of both; the largest published ones are 250 and 48."""


@dataclass(frozen=True)
class DenseNet(Backbone):
    """A 3x3 stem and three blocks of (depth - 4) / 6 dense layers that each add `growth` channels.

    Between blocks a 1x1 convolution halves the channels and a pool halves height and width.
    """

    depth: int = 100
    growth: int = 12

    kind: ClassVar[str] = "densenet"

    def __post_init__(self) -> None:
        check_integer(10, MAX_DEPTH, depth=self.depth)
        if (self.depth - 4) % 6:
            raise InputError(f"depth must be 6n+4, for example 40, 100 or 190, got {self.depth}")
        check_integer(1, MAX_GROWTH, growth=self.growth)

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes); H and W at least 4."""
        return DenseNetNet(self, builder, num_classes, in_chs)


class DenseNetNet(nn.Module):
    """features: stem, dense blocks with transitions between them, norm; then the classifier."""

    def __init__(self, spec: DenseNet, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        chs, layers = 2 * spec.growth, (spec.depth - 4) // 6
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(in_chs, chs, 3, padding=1, bias=False))
        for stage in (1, 2, 3):
            block = nn.Sequential()
            for i in range(1, layers + 1):
                name = f"features.denseblock{stage}.denselayer{i}"
                block.add_module(
                    f"denselayer{i}", DenseLayer(builder, name, stage, chs, spec.growth)
                )
                chs += spec.growth
            self.features.add_module(f"denseblock{stage}", block)
            if stage < 3:
                transition = Transition(builder, f"features.transition{stage}", stage, chs)
                self.features.add_module(f"transition{stage}", transition)
                chs //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(chs))
        self.classifier = nn.Linear(chs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = F.relu(self.features(x))
        return self.classifier(spatial_mean(x))


class DenseLayer(nn.Module):
    """[x, r(f(x))], f = BN, relu, 1x1, BN, relu, 3x3; r recalibrates, looking at x."""

    def __init__(self, builder: Builder, name: str, stage: int, in_chs: int, growth: int) -> None:
        super().__init__()
        inner = BOTTLENECK * growth
        self.norm1 = nn.BatchNorm2d(in_chs)
        self.conv1 = builder.conv(
            Slot(f"{name}.conv1", stage, "conv", in_chs, inner, position="reduce")
        )
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = builder.conv(
            Slot(
                f"{name}.conv2", stage, "conv", inner, growth, kernel=3, padding=1,
                position="growth",
            )
        )  # fmt: skip
        self.recalibration = builder.recalibration(
            Slot(
                f"{name}.recalibration", stage, "recalibration", in_chs, growth, position="growth"
            )
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, in_chs + growth, H, W)."""
        y = self.conv1(F.relu(self.norm1(x)))
        y = self.conv2(F.relu(self.norm2(y)))
        return torch.cat([x, self.recalibration(y, x)], 1)


class Transition(nn.Module):
    """BN, relu, 1x1 to half the channels, 2x2 average pool."""

    def __init__(self, builder: Builder, name: str, stage: int, in_chs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_chs)
        self.conv = builder.conv(
            Slot(f"{name}.conv", stage, "conv", in_chs, in_chs // 2, position="transition")
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, in_chs // 2, H // 2, W // 2)."""
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)
