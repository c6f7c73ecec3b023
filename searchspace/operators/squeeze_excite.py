"""SE: squeeze and excitation.

Jie Hu, Li Shen and Gang Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
https://arxiv.org/abs/1709.01507

Here as a row of CoConv Table 3, and in Multiception's SeNet-56, which has no biases.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_CHANNELS, check_integer, check_one_of
from searchspace.choice import Choice, register
from searchspace.layers.memory_format import spatial_mean
from searchspace.slot import Role, Slot

REDUCTION = 16


@register
@dataclass(frozen=True)
class SqueezeExcite(Choice):
    """x * sigmoid(linear(relu(linear(global average of the source)))).

    The inner linear layer has source channels // `reduction` features, at least one. CoConv Table 3
    has reduction 16 with biases, Multiception's SeNet-56 reduction 8 without.
    """

    reduction: int = REDUCTION
    bias: bool = True

    kind: ClassVar[str] = "se"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_integer(1, MAX_CHANNELS, reduction=self.reduction)
        check_one_of((True, False), bias=self.bias)

    def hidden(self, slot: Slot) -> int:
        """The features between the two linear layers."""
        return max(slot.in_chs // self.reduction, 1)

    def canonical(self, slot: Slot) -> Choice:
        """One reduction stands for all with as many features: the default, else the largest."""
        usual = replace(self, reduction=REDUCTION)
        if usual.hidden(slot) == self.hidden(slot):
            return usual
        return replace(self, reduction=slot.in_chs // self.hidden(slot))

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return SqueezeExcite2d(slot, self.hidden(slot), self.bias)


class SqueezeExcite2d(nn.Module):
    """x * sigmoid(expand(relu(squeeze(global average))))."""

    def __init__(self, slot: Slot, hidden: int, bias: bool) -> None:
        super().__init__()
        self.squeeze = nn.Linear(slot.in_chs, hidden, bias=bias)
        self.expand = nn.Linear(hidden, slot.out_chs, bias=bias)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, out_chs, H, W) rescaled by what (N, in_chs, H', W') holds."""
        gate = self.expand(F.relu(self.squeeze(spatial_mean(source)))).sigmoid()
        return x * gate[..., None, None]

    @torch.no_grad()
    def start_unchanged(self) -> float:
        """Rescale all channels by the same factor whatever the image; returns it."""
        for parameter in self.expand.parameters():
            parameter.zero_()
        return 0.5
