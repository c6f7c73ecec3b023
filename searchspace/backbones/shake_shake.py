"""Shake-Shake networks for CIFAR.

Xavier Gastaldi, "Shake-Shake regularization", 2017, Section 2. https://arxiv.org/abs/1705.07485

The mixing weight is drawn for each image, anew in the backward pass ("Shake-Shake-Image").
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.backbones.basic_block import BlockSpec, TwoConvs
from searchspace.checks import MAX_CHANNELS, MAX_DEPTH, check_integer
from searchspace.errors import InputError
from searchspace.layers.memory_format import GlobalAveragePool, strided
from searchspace.slot import Slot

STEM_CHS = 16


@dataclass(frozen=True)
class ShakeShake(Backbone):
    """A 3x3 stem of 16 channels and three stages of two-branch residual blocks.

    26 2x96d is depth 26 and width 96: four blocks a stage with width, 2*width, 4*width channels.
    """

    depth: int = 26
    width: int = 96

    kind: ClassVar[str] = "shake_shake"

    def __post_init__(self) -> None:
        check_integer(8, MAX_DEPTH, depth=self.depth)
        if (self.depth - 2) % 6:
            raise InputError(f"depth must be 6n+2, for example 8, 20 or 26, got {self.depth}")
        check_integer(2, MAX_CHANNELS, width=self.width)
        if self.width % 2:
            raise InputError(
                f"width must be even, as shortcuts have two halves, got {self.width}"
            )  # fmt: skip

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes)."""
        return ShakeShakeNet(self, builder, num_classes, in_chs)


class ShakeShakeNet(nn.Module):
    """Stem, layer1 to layer3, classifier."""

    def __init__(self, spec: ShakeShake, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        # No norm follows, so the stem has a bias.
        self.conv1 = nn.Conv2d(in_chs, STEM_CHS, 3, padding=1)
        self.layer1 = _stage(spec, builder, 1)
        self.layer2 = _stage(spec, builder, 2)
        self.layer3 = _stage(spec, builder, 3)
        self.avgpool = GlobalAveragePool()
        self.fc = nn.Linear(4 * spec.width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.avgpool(F.relu(x)).flatten(1))


def _stage(spec: ShakeShake, builder: Builder, stage: int) -> nn.Sequential:
    out_chs = spec.width * 2 ** (stage - 1)
    chs = out_chs // 2 if stage > 1 else STEM_CHS
    blocks = nn.Sequential()
    for i in range((spec.depth - 2) // 6):
        stride = 2 if stage > 1 and i == 0 else 1
        blocks.append(
            ShakeBlock(builder, BlockSpec(f"layer{stage}.{i}", stage, chs, out_chs, stride))
        )
        chs = out_chs
    return blocks


class ShakeBlock(nn.Module):
    """shortcut(x) + a * f(x) + (1 - a) * g(x), a random in training and 1/2 in evaluation."""

    def __init__(self, builder: Builder, block: BlockSpec) -> None:
        super().__init__()
        self.branch1 = Branch(builder, block, "branch1")
        self.branch2 = Branch(builder, block, "branch2")
        same = block.stride == 1 and block.in_chs == block.out_chs
        self.downsample = nn.Identity() if same else HalvesShortcut(builder, block)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        first, second = self.branch1(x), self.branch2(x)
        mixed = Shake.apply(first, second) if self.training else (first + second) * 0.5
        return self.downsample(x) + mixed


class Branch(TwoConvs):
    """relu, 3x3, BN, relu, 3x3, BN, recalibration."""

    def __init__(self, builder: Builder, block: BlockSpec, branch: str) -> None:
        super().__init__(builder, block, f"{block.name}.{branch}")

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        return super().forward(F.relu(x))


class HalvesShortcut(nn.Module):
    """relu, then BN([1x1, 1x1]), the second looking one pixel down and right of the first."""

    def __init__(self, builder: Builder, block: BlockSpec) -> None:
        super().__init__()
        self.stride = block.stride
        half = block.out_chs // 2
        self.conv1 = builder.conv(_half(block, "conv1", half))
        self.conv2 = builder.conv(_half(block, "conv2", block.out_chs - half))
        self.bn = nn.BatchNorm2d(block.out_chs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        x = F.relu(x)
        shifted = F.pad(x, (-1, 1, -1, 1))
        halves = self.conv1(strided(x, self.stride)), self.conv2(strided(shifted, self.stride))
        return self.bn(torch.cat(halves, 1))


def _half(block: BlockSpec, conv: str, out_chs: int) -> Slot:
    name = f"{block.name}.downsample.{conv}"
    return Slot(name, block.stage, "conv", block.in_chs, out_chs, position="shortcut")


class Shake(torch.autograd.Function):
    """a * first + (1 - a) * second with a per image; the gradient uses another draw of a."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        """Two (N, C, H, W) maps to one."""
        return torch.lerp(second, first, _draw(first))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """The incoming gradient, split by a fresh draw."""
        part = grads[0] * _draw(grads[0])
        return part, grads[0] - part


def _draw(x: Tensor) -> Tensor:
    """Uniform weights (N, 1, 1, 1) from torch's global generator."""
    return torch.rand(x.shape[0], 1, 1, 1, dtype=x.dtype, device=x.device)
