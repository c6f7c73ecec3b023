"""ECA: efficient channel attention.

Qilong Wang, Banggu Wu, Pengfei Zhu, Peihua Li, Wangmeng Zuo and Qinghua Hu, "ECA-Net: Efficient
Channel Attention for Deep Convolutional Neural Networks", CVPR 2020.
https://arxiv.org/abs/1910.03151

Section 3.2, eq. 5 for the gate and eq. 12, with gamma = 2 and b = 1, for the kernel's size.
"""

from dataclasses import dataclass, replace
from math import log2
from typing import ClassVar

import torch
from torch import Tensor, nn

from searchspace.checks import MAX_KERNEL, check_integer
from searchspace.choice import Choice, register
from searchspace.errors import InputError
from searchspace.layers.memory_format import spatial_mean
from searchspace.slot import Role, Slot, channelwise_refusal

GAMMA, OFFSET = 2, 1
"""The constants of eq. 12."""


@register
@dataclass(frozen=True)
class EfficientChannelAttention(Choice):
    """x * sigmoid(convolution over the channels of the global average of the source).

    The convolution has one kernel of `kernel` numbers, an odd size, and no bias. 0 takes the size
    that grows with the channels, the odd number next to (log2(channels) + 1) / 2.
    """

    kernel: int = 0

    kind: ClassVar[str] = "eca"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_integer(0, MAX_KERNEL, kernel=self.kernel)
        if self.kernel and self.kernel % 2 == 0:
            raise InputError(f"kernel must be odd, or 0 for the usual one, got {self.kernel}")

    def size(self, slot: Slot) -> int:
        """The size of the kernel in a slot."""
        return self.kernel or adaptive_kernel(slot.in_chs)

    def illegal(self, slot: Slot) -> str | None:
        """Each channel is rescaled by its neighbours in the source."""
        return channelwise_refusal(slot)

    def canonical(self, slot: Slot) -> Choice:
        """The usual size is written as 0."""
        return replace(self, kernel=0) if self.size(slot) == adaptive_kernel(slot.in_chs) else self

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return EfficientChannelAttention2d(self.size(slot))


def adaptive_kernel(chs: int) -> int:
    """The size of the kernel for `chs` channels (eq. 12)."""
    whole = int((log2(chs) + OFFSET) / GAMMA)
    return whole if whole % 2 else whole + 1


class EfficientChannelAttention2d(nn.Module):
    """x * sigmoid(conv(global average)), the convolution along the channels, padded with zeros."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, C, H, W) rescaled by what (N, C, H', W') holds."""
        gate = self.conv(spatial_mean(source)[:, None])[:, 0].sigmoid()
        return x * gate[..., None, None]

    @torch.no_grad()
    def start_unchanged(self) -> float:
        """Rescale all channels by the same factor whatever the image; returns it."""
        self.conv.weight.zero_()
        return 0.5
