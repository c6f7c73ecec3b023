"""CIFAR ResNets with 6n+2 layers.

Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Deep Residual Learning for Image
Recognition", CVPR 2016, Section 4.2. https://arxiv.org/abs/1512.03385
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.backbones.basic_block import BasicBlock, BlockSpec
from searchspace.checks import MAX_CHANNELS, MAX_DEPTH, check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.layers.memory_format import GlobalAveragePool


@dataclass(frozen=True)
class ResNetCifar(Backbone):
    """A 3x3 stem and three stages of n basic blocks with width, 2*width, 4*width channels."""

    depth: int = 20
    width: int = 16
    shortcut: Literal["A", "B"] = "A"

    kind: ClassVar[str] = "resnet_cifar"

    def __post_init__(self) -> None:
        check_integer(8, MAX_DEPTH, depth=self.depth)
        if (self.depth - 2) % 6:
            raise InputError(f"depth must be 6n+2, for example 8, 20, 32 or 56, got {self.depth}")
        check_integer(1, MAX_CHANNELS, width=self.width)
        check_one_of(("A", "B"), shortcut=self.shortcut)

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes); H and W at least 4."""
        return ResNetCifarNet(self, builder, num_classes, in_chs)


class ResNetCifarNet(nn.Module):
    """Stem, layer1 to layer3, classifier."""

    def __init__(self, spec: ResNetCifar, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_chs, spec.width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(spec.width)
        self.layer1 = _stage(spec, builder, 1)
        self.layer2 = _stage(spec, builder, 2)
        self.layer3 = _stage(spec, builder, 3)
        self.avgpool = GlobalAveragePool()
        self.fc = nn.Linear(4 * spec.width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


def _stage(spec: ResNetCifar, builder: Builder, stage: int) -> nn.Sequential:
    out_chs = spec.width * 2 ** (stage - 1)
    chs = out_chs // 2 if stage > 1 else out_chs
    blocks = nn.Sequential()
    for i in range((spec.depth - 2) // 6):
        stride = 2 if stage > 1 and i == 0 else 1
        block = BlockSpec(f"layer{stage}.{i}", stage, chs, out_chs, stride, spec.shortcut)
        blocks.append(BasicBlock(builder, block))
        chs = out_chs
    return blocks
