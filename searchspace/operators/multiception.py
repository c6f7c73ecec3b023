"""Multiception: depthwise convolutions of several kernel sizes, each over all channels.

Guoqing Bao, Manuel B. Graeber and Xiuying Wang, "Depthwise Multiception Convolution for Reducing
Network Parameters without Sacrificing Accuracy", ICARCV 2020. https://arxiv.org/abs/2011.03701

Section III and Algorithm 1. Deviation from the text: the kernels are a multiset. The last stage of
the counted networks has two 3x3 depthwise kernels, where the text says one.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from searchspace.choice import Choice, register
from searchspace.layers.separable import SeparableConv2d, not_separable, odd_kernels
from searchspace.operators.depthwise_separable import DepthwiseSeparable
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class Multiception(Choice):
    """1x1 conv(BN(concat_k(depthwise k x k conv of all channels))), k over `kernels`.

    Each kernel size sees every channel, so the 1x1 reads in_chs * |kernels| channels. The order of
    `kernels` does not matter and is not kept; how often each size occurs does.
    """

    kernels: tuple[int, ...] = (3, 5)

    kind: ClassVar[str] = "multiception"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        odd_kernels(kernels=self.kernels)
        object.__setattr__(self, "kernels", tuple(sorted(self.kernels)))

    def illegal(self, slot: Slot) -> str | None:
        """Legal for ungrouped 3x3 convolutions."""
        return not_separable(slot)

    def canonical(self, slot: Slot) -> Choice:
        """With one kernel, the depthwise separable convolution: same norm, bias and stride."""
        return DepthwiseSeparable(*self.kernels) if len(self.kernels) == 1 else self

    def module(self, slot: Slot) -> nn.Module:
        """The depthwise convolutions, their norm and the 1x1 convolution."""
        return SeparableConv2d(slot, [(kernel, slot.in_chs) for kernel in self.kernels])
