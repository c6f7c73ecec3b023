"""CIFAR ResNets with 6n+2 layers: He et al., Section 4.2."""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.backbones.basic_block import BasicBlock, Block, Shortcut
from searchspace.checks import one_of, whole
from searchspace.errors import InputError


@dataclass(frozen=True)
class ResNetCifar(Backbone):
    """A 3x3 stem and three stages of n basic blocks with width, 2*width, 4*width channels."""

    depth: int = 20
    width: int = 16
    shortcut: Shortcut = "A"

    kind: ClassVar[str] = "resnet_cifar"

    def __post_init__(self) -> None:
        whole(8, depth=self.depth)
        if (self.depth - 2) % 6:
            raise InputError(f"depth must be 6n+2, for example 8, 20, 32 or 56, got {self.depth}")
        whole(1, width=self.width)
        one_of(("A", "B"), shortcut=self.shortcut)

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes); H and W at least 4."""
        return ResNetCifarNet(self, builder, num_classes, in_chs)


class ResNetCifarNet(nn.Module):
    """Stem, layer1 to layer3, classifier."""

    def __init__(self, spec: ResNetCifar, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_chs, spec.width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(spec.width)
        chs = spec.width
        for stage in (1, 2, 3):
            out_chs = spec.width * 2 ** (stage - 1)
            blocks = nn.Sequential()
            for i in range((spec.depth - 2) // 6):
                stride = 2 if stage > 1 and i == 0 else 1
                name = f"layer{stage}.{i}"
                block = Block(name, stage, chs, out_chs, stride, spec.shortcut)
                blocks.append(BasicBlock(builder, block))
                chs = out_chs
            self.add_module(f"layer{stage}", blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(chs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in (1, 2, 3):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(self.avgpool(x).flatten(1))
