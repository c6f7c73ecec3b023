"""HS: the Hierarchical-Split block, the middle of a bottleneck.

Pengcheng Yuan, Shufei Lin, Cheng Cui, Yuning Du, Ruoyu Guo, Dongliang He, Errui Ding and Shumin
Han, "HS-ResNet: Hierarchical-Split Block on Convolutional Neural Network", 2020.
https://arxiv.org/abs/2010.07621

Sections 3.1 and 3.2, Figure 2. The paper leaves two things open. Here, where a group's output does
not halve, the larger part goes to the output and the smaller one to the next group. With a stride
nothing is passed on: every group is convolved at the stride, and the first is average-pooled 3x3
instead, border zeros included in the mean.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from searchspace.checks import MAX_BRANCHES, MAX_CHANNELS, check_integer
from searchspace.choice import Choice, register
from searchspace.errors import InputError
from searchspace.slot import Role, Slot


@dataclass(frozen=True)
class GroupedSplits(Choice):
    """What the operators share that cut a bottleneck's inside into `splits` of `width` channels."""

    width: int = 28
    splits: int = 6

    role: ClassVar[Role] = "conv"
    normalised: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(1, MAX_CHANNELS, width=self.width)
        # The first group is not convolved, so one group alone would leave no convolution.
        check_integer(2, MAX_BRANCHES, splits=self.splits)

    def illegal(self, slot: Slot) -> str | None:
        """Legal for the ungrouped 3x3 convolution in the middle of a bottleneck."""
        if slot.position != "bottleneck" or slot.kernel != 3:
            return "it goes in the middle of a bottleneck block, whose width it sets"
        if slot.groups != 1:
            return f"it splits the channels itself and this block has groups={slot.groups}"
        return None

    def inner_width(self) -> int:
        """All splits together."""
        return self.width * self.splits

    def check(self, slot: Slot) -> None:
        """Raise an InputError unless the block around `slot` has the width asked for."""
        inner = self.inner_width()
        if (slot.in_chs, slot.out_chs) != (inner, inner):
            raise InputError(
                f"{self.label()} needs {inner} channels in and out of slot {slot.name!r}, "
                f"got {slot.in_chs} and {slot.out_chs}"
            )


@register
@dataclass(frozen=True)
class HierarchicalSplit(GroupedSplits):
    """y_1 = x_1, y_i = relu(BN(3x3([x_i, second half of y_(i-1)]))), all the first halves out.

    x is cut into `splits` groups of `width` channels; the last group's output is not halved.
    """

    kind: ClassVar[str] = "hs"

    def module(self, slot: Slot) -> nn.Module:
        """The cascade, or with a stride the groups side by side."""
        self.check(slot)
        if slot.stride > 1:
            return SideBySide(self.width, self.splits, slot.stride)
        return HierarchicalSplit2d(self.width, self.splits)


def conv_norm_relu(chs: int, stride: int = 1) -> nn.Sequential:
    """relu(BN(3x3 conv without bias)) of `chs` channels."""
    conv = nn.Conv2d(chs, chs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(chs), nn.ReLU())


class HierarchicalSplit2d(nn.Module):
    """The cascade of HS at stride 1."""

    def __init__(self, width: int, splits: int) -> None:
        super().__init__()
        self.width = width
        self.convs = nn.ModuleList()
        self.halves: list[tuple[int, int]] = []
        chs = width
        for _ in range(splits - 2):
            self.convs.append(conv_norm_relu(chs))
            self.halves.append((chs - chs // 2, chs // 2))
            chs = width + chs // 2
        self.convs.append(conv_norm_relu(chs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, splits*width, H, W) to the same shape."""
        first, group, *groups = x.split(self.width, 1)
        maps = [first]
        for conv, halves, following in zip(self.convs, self.halves, groups, strict=False):
            # Unlike those of slices, the gradients of a split lie in memory as the map does.
            kept, passed = conv(group).split(halves, 1)
            maps.append(kept)
            group = torch.cat((following, passed), 1)
        return torch.cat([*maps, self.convs[-1](group)], 1)


class SideBySide(nn.Module):
    """[3x3 average pool(x_1), relu(BN(3x3(x_i))) for the others], all with the stride."""

    def __init__(self, width: int, splits: int, stride: int) -> None:
        super().__init__()
        self.width = width
        self.pool = nn.AvgPool2d(3, stride, padding=1)
        self.convs = nn.ModuleList(conv_norm_relu(width, stride) for _ in range(splits - 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, splits*width, H, W) to (N, splits*width, H', W')."""
        first, *groups = x.split(self.width, 1)
        maps = [conv(group) for conv, group in zip(self.convs, groups, strict=True)]
        return torch.cat([self.pool(first), *maps], 1)
