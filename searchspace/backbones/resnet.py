"""ResNet-18/26/34/50, ResNeXt-50 and their -D forms, for large and for small images.

Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Deep Residual Learning for Image
Recognition", CVPR 2016, Table 1. https://arxiv.org/abs/1512.03385
Saining Xie, Ross Girshick, Piotr Dollar, Zhuowen Tu and Kaiming He, "Aggregated Residual
Transformations for Deep Neural Networks", CVPR 2017, Table 1. https://arxiv.org/abs/1611.05431
Tong He, Zhi Zhang, Hang Zhang, Zhongyue Zhang, Junyuan Xie and Mu Li, "Bag of Tricks for Image
Classification with Convolutional Neural Networks", CVPR 2019, Section 4 (ResNet-D: deep stem, and
average pooling in the strided shortcuts). https://arxiv.org/abs/1812.01187

Module names are torchvision's, so its weights load as they are;
the deep stem, which torchvision lacks, is `conv1` as a sequence.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.backbones.basic_block import BasicBlock, BlockSpec
from searchspace.backbones.bottleneck import EXPANSION, Bottleneck
from searchspace.checks import MAX_CHANNELS, check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.layers.memory_format import GlobalAveragePool

BLOCKS = {18: (2, 2, 2, 2), 26: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
BOTTLENECKS = (26, 50)
STANDARD_WIDTH = 64


@dataclass(frozen=True)
class ResNet(Backbone):
    """Four stages of residual blocks with width, 2, 4 and 8 times width channels.

    Depths 26 and 50 have bottlenecks, whose 3x3 has `groups` groups of `group_width` channels (in
    stage 1 of a network of width 64; both scale with the width). `stem` is "imagenet" (7x7 stride
    2, 3x3 max pool), "deep" (three 3x3, the first with stride 2, 3x3 max pool), "wide" (the same
    with twice the channels) or "small" (3x3 stride 1, no pool). `shortcut` is how strided blocks
    are bypassed, "B" or "D".
    """

    depth: int = 18
    width: int = STANDARD_WIDTH
    stem: Literal["imagenet", "deep", "wide", "small"] = "imagenet"
    shortcut: Literal["B", "D"] = "B"
    groups: int = 1
    group_width: int = STANDARD_WIDTH

    kind: ClassVar[str] = "resnet"
    default_classes: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        check_one_of(tuple(BLOCKS), depth=self.depth)
        check_integer(1, MAX_CHANNELS, width=self.width, groups=self.groups)
        check_integer(1, MAX_CHANNELS, group_width=self.group_width)
        check_one_of(("imagenet", "deep", "wide", "small"), stem=self.stem)
        check_one_of(("B", "D"), shortcut=self.shortcut)
        if self.stem == "deep" and self.width % 2:
            raise InputError(f"width must be even with the deep stem, got {self.width}")
        if self.depth not in BOTTLENECKS and (self.groups, self.group_width) != (1, STANDARD_WIDTH):
            raise InputError(
                f"groups and group_width are for depths 26 and 50, got depth {self.depth} "
                f"with groups={self.groups}, group_width={self.group_width}"
            )
        if self.inner_width(1) < self.groups:
            raise InputError(
                f"width {self.width} and group_width {self.group_width} leave no channel for each "
                f"of {self.groups} groups; width * group_width must be at least {STANDARD_WIDTH}"
            )

    def inner_width(self, stage: int) -> int:
        """Channels of the 3x3 in the bottlenecks of a stage."""
        return self.width * self.group_width // STANDARD_WIDTH * 2 ** (stage - 1) * self.groups

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes)."""
        return ResNetNet(self, builder, num_classes, in_chs)


class ResNetNet(nn.Module):
    """Stem, layer1 to layer4, global average pool, linear."""

    def __init__(self, spec: ResNet, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        self.conv1 = _stem(spec, in_chs)
        self.bn1 = nn.BatchNorm2d(_out_chs(spec, 0))
        self.maxpool = nn.Identity() if spec.stem == "small" else nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(spec, builder, 1)
        self.layer2 = _stage(spec, builder, 2)
        self.layer3 = _stage(spec, builder, 3)
        self.layer4 = _stage(spec, builder, 4)
        self.avgpool = GlobalAveragePool()
        self.fc = nn.Linear(_out_chs(spec, 4), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def _out_chs(spec: ResNet, stage: int) -> int:
    """Channels that leave a stage; stage 0 is the stem."""
    if not stage:
        return 2 * spec.width if spec.stem == "wide" else spec.width
    expansion = EXPANSION if spec.depth in BOTTLENECKS else 1
    return spec.width * 2 ** (stage - 1) * expansion


def _stem(spec: ResNet, in_chs: int) -> nn.Module:
    if spec.stem == "small":
        return nn.Conv2d(in_chs, spec.width, 3, padding=1, bias=False)
    if spec.stem == "imagenet":
        return nn.Conv2d(in_chs, spec.width, 7, stride=2, padding=3, bias=False)
    chs = _out_chs(spec, 0)
    half = chs // 2
    return nn.Sequential(
        nn.Conv2d(in_chs, half, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        nn.Conv2d(half, half, 3, padding=1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        nn.Conv2d(half, chs, 3, padding=1, bias=False),
    )


def _stage(spec: ResNet, builder: Builder, stage: int) -> nn.Sequential:
    chs, out_chs = _out_chs(spec, stage - 1), _out_chs(spec, stage)
    blocks = nn.Sequential()
    for i in range(BLOCKS[spec.depth][stage - 1]):
        stride = 2 if stage > 1 and i == 0 else 1
        block = BlockSpec(f"layer{stage}.{i}", stage, chs, out_chs, stride, spec.shortcut)
        if spec.depth in BOTTLENECKS:
            blocks.append(Bottleneck(builder, block, spec.inner_width(stage), spec.groups))
        else:
            blocks.append(BasicBlock(builder, block))
        chs = out_chs
    return blocks
