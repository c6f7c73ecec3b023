"""ResNet-18/34 with the ImageNet stem or a small-image stem: He et al., Table 1.

Module names are torchvision's, so its weights load as they are.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.backbones.basic_block import BasicBlock, Block
from searchspace.checks import one_of, whole

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


@dataclass(frozen=True)
class ResNet(Backbone):
    """Four stages of residual blocks with width, 2, 4 and 8 times width channels.

    `stem` is "imagenet" (7x7 stride 2 and a 3x3 max pool) or "small" (3x3 stride 1, no pool).
    """

    depth: int = 18
    width: int = 64
    stem: Literal["imagenet", "small"] = "imagenet"

    kind: ClassVar[str] = "resnet"
    default_classes: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        one_of(tuple(BLOCKS), depth=self.depth)
        whole(1, width=self.width)
        one_of(("imagenet", "small"), stem=self.stem)

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes)."""
        return ResNetNet(self, builder, num_classes, in_chs)


class ResNetNet(nn.Module):
    """Stem, layer1 to layer4, global average pool, linear."""

    def __init__(self, spec: ResNet, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        large = spec.stem == "imagenet"
        kernel, stride = (7, 2) if large else (3, 1)
        self.conv1 = nn.Conv2d(in_chs, spec.width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(spec.width)
        self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        chs = spec.width
        for stage, count in enumerate(BLOCKS[spec.depth], start=1):
            out_chs = spec.width * 2 ** (stage - 1)
            blocks = nn.Sequential()
            for i in range(count):
                stride = 2 if stage > 1 and i == 0 else 1
                block = Block(f"layer{stage}.{i}", stage, chs, out_chs, stride)
                blocks.append(BasicBlock(builder, block))
                chs = out_chs
            self.add_module(f"layer{stage}", blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(chs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for stage in (1, 2, 3, 4):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(self.avgpool(x).flatten(1))
