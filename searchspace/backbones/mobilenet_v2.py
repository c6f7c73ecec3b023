"""MobileNetV2.

Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov and Liang-Chieh Chen, "MobileNetV2:
Inverted Residuals and Linear Bottlenecks", CVPR 2018, Table 2. https://arxiv.org/abs/1801.04381

Module names are torchvision's, so its weights load as they are.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.backbones.basic_block import BlockSpec
from searchspace.checks import check_at_least, check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.layers.memory_format import spatial_mean
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Slot

STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and stride of each stage."""
STEM_CHS, HEAD_CHS = 32, 1280
DIVISOR = 8
"""Channel counts are multiples of this."""
DROPOUT = 0.2


@dataclass(frozen=True)
class MobileNetV2(Backbone):
    """Stem, 17 inverted residuals in seven stages, a 1x1 head.

    `multiplier` scales all channels (the head's only upwards). `stem` "imagenet" halves the image
    five times; "medium" leaves out the stride of the stem, "small" that of the second stage too.
    `dropout` is the rate in front of the classifier. With `shortcuts`, as CoConv's authors train it
    on small images, blocks of stride 1 that change channels have a 1x1 convolution and a norm as
    their shortcut, the first block too has a convolution that expands, and activations are ReLU in
    place of ReLU6.
    In the first `joined` stages, as Multiception's authors have it, a 3x3 stands for the depthwise
    and the projecting convolution, and a norm, ReLU and another norm follow it.
    """

    multiplier: float = 1.0
    stem: Literal["imagenet", "medium", "small"] = "imagenet"
    dropout: float = field(default=DROPOUT, metadata=OMIT_DEFAULT)
    shortcuts: bool = field(default=False, metadata=OMIT_DEFAULT)
    joined: int = field(default=0, metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "mobilenet_v2"
    default_classes: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        check_at_least(0, 100, multiplier=self.multiplier)
        if not self.multiplier:
            raise InputError("multiplier must be above 0, for example 0.5, got 0")
        object.__setattr__(self, "multiplier", float(self.multiplier))
        check_one_of(("imagenet", "medium", "small"), stem=self.stem)
        check_at_least(0, 1, dropout=self.dropout)
        object.__setattr__(self, "dropout", float(self.dropout))
        check_integer(0, len(STAGES), joined=self.joined)

    def chs(self, base: int) -> int:
        """`base` channels scaled to a multiple of 8, not more than 10% below `multiplier`."""
        scaled = base * self.multiplier
        chs = max(DIVISOR, int(scaled + DIVISOR / 2) // DIVISOR * DIVISOR)
        return chs if chs >= 0.9 * scaled else chs + DIVISOR

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes)."""
        return MobileNetV2Net(self, builder, num_classes, in_chs)


class MobileNetV2Net(nn.Module):
    """features: stem, inverted residuals, head; then the classifier."""

    def __init__(self, spec: MobileNetV2, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        large = spec.stem == "imagenet"
        chs = spec.chs(STEM_CHS)
        stem = nn.Conv2d(in_chs, chs, 3, 2 if large else 1, padding=1, bias=False)
        act = nn.ReLU if spec.shortcuts else nn.ReLU6
        self.features = nn.Sequential(_norm_act(stem, chs, act))
        for stage, (expansion, base, count, first_stride) in enumerate(STAGES, start=1):
            out_chs = spec.chs(base)
            for i in range(count):
                stride = first_stride if i == 0 and (spec.stem != "small" or stage != 2) else 1
                block = BlockSpec(f"features.{len(self.features)}", stage, chs, out_chs, stride)
                joined = stage <= spec.joined
                self.features.append(
                    InvertedResidual(builder, block, expansion, spec.shortcuts, joined)
                )
                chs = out_chs
        head = HEAD_CHS if spec.multiplier <= 1 else spec.chs(HEAD_CHS)
        slot = Slot(f"features.{len(self.features)}.0", len(STAGES) + 1, "conv", chs, head)
        self.features.append(_norm_act(builder.conv(slot), head, act))
        self.classifier = nn.Sequential(nn.Dropout(spec.dropout), nn.Linear(head, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = self.features(x)
        return self.classifier(spatial_mean(x))


class InvertedResidual(nn.Module):
    """x + r(f(x)), f = 1x1, BN, relu6, depthwise 3x3, BN, relu6, 1x1, BN; r recalibrates.

    Without expansion there is no first 1x1; where the shape changes there is no sum. With
    `shortcuts` there is always a first 1x1, a sum wherever the stride is 1, and ReLU. With `joined`
    the depthwise and the last 1x1 convolution, and what is between them, are 3x3, BN, relu.
    """

    def __init__(
        self, builder: Builder, block: BlockSpec, expansion: int, shortcuts: bool, joined: bool
    ) -> None:
        super().__init__()
        inner, act = block.in_chs * expansion, nn.ReLU if shortcuts else nn.ReLU6
        name, stage = block.name, block.stage
        self.stride = block.stride
        self.conv = nn.Sequential()
        if expansion > 1 or shortcuts:
            slot = Slot(f"{name}.conv.0.0", stage, "conv", block.in_chs, inner, position="expand")
            self.conv.append(_norm_act(builder.conv(slot), inner, act))
        place = f"{name}.conv.{len(self.conv)}"
        if joined:
            slot = Slot(
                f"{place}.0", stage, "conv", inner, block.out_chs, kernel=3, stride=block.stride,
                padding=1,
            )  # fmt: skip
            self.conv.append(_norm_act(builder.conv(slot), block.out_chs, nn.ReLU))
        else:
            slot = Slot(
                f"{place}.0", stage, "conv", inner, inner, kernel=3, stride=block.stride, padding=1,
                groups=inner, position="depthwise",
            )  # fmt: skip
            self.conv.append(_norm_act(builder.conv(slot), inner, act))
            place = f"{name}.conv.{len(self.conv)}"
            slot = Slot(place, stage, "conv", inner, block.out_chs, position="project")
            self.conv.append(builder.conv(slot))
        self.conv.append(nn.BatchNorm2d(block.out_chs))
        self.recalibration = builder.recalibration(
            Slot(f"{name}.recalibration", stage, "recalibration", block.out_chs, block.out_chs)
        )
        same = block.in_chs == block.out_chs
        self.residual = block.stride == 1 and (same or shortcuts)
        self.shortcut: nn.Module = nn.Identity()
        if self.residual and not same:
            plain = nn.Conv2d(block.in_chs, block.out_chs, 1, bias=False)
            self.shortcut = nn.Sequential(plain, nn.BatchNorm2d(block.out_chs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        y = self.conv(x)
        y = self.recalibration(y, y)
        return self.shortcut(x) + y if self.residual else y


def _norm_act(conv: nn.Module, chs: int, act: type[nn.ReLU | nn.ReLU6]) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(chs), act())
