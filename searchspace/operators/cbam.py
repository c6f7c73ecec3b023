"""CBAM: attention to channels, then to places.

Sanghyun Woo, Jongchan Park, Joon-Young Lee and In So Kweon, "CBAM: Convolutional Block Attention
Module", ECCV 2018, Section 3. https://arxiv.org/abs/1807.06521

As in the text: the authors' code has a batch norm after the convolution over places.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_CHANNELS, MAX_KERNEL, check_integer
from searchspace.choice import Choice, register
from searchspace.errors import InputError
from searchspace.layers.memory_format import kept_layout, spatial_mean
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class CBAM(Choice):
    """y * sigmoid(conv([mean, max] of y over channels)), y = x * sigmoid(f(mean) + f(max)).

    f is linear, relu, linear on the source's means and maxima over pixels, with source channels //
    `reduction` features, at least one, and biases; the convolution is `kernel` x `kernel` without
    one.
    """

    reduction: int = 16
    kernel: int = 7

    kind: ClassVar[str] = "cbam"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_integer(1, MAX_CHANNELS, reduction=self.reduction)
        check_integer(1, MAX_KERNEL, kernel=self.kernel)
        if self.kernel % 2 == 0:
            raise InputError(f"kernel must be odd, got {self.kernel}")

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return CBAM2d(slot, max(slot.in_chs // self.reduction, 1), self.kernel)


class CBAM2d(nn.Module):
    """The gate of channels, then that of places."""

    def __init__(self, slot: Slot, hidden: int, kernel: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(slot.in_chs, hidden)
        self.expand = nn.Linear(hidden, slot.out_chs)
        self.places = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, out_chs, H, W) rescaled by what (N, in_chs, H', W') holds."""
        pooled = torch.stack((spatial_mean(source), kept_layout(source).amax((2, 3))))
        gate = self.expand(F.relu(self.squeeze(pooled))).sum(0).sigmoid()
        y = x * gate[..., None, None]
        over = torch.cat(
            (kept_layout(y).mean(1, keepdim=True), kept_layout(y).amax(1, keepdim=True)), 1
        )
        return y * self.places(over).sigmoid()
