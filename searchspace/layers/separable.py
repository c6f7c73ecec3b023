"""The layer that depthwise separable, MixConv and Multiception convolutions share.

As in Multiception's Section III and Algorithm 1 (`searchspace.operators.multiception`): depthwise
convolutions at stride 1 without biases, their outputs concatenated, a batch norm, no activation,
then a 1x1 convolution with the stride and a bias. The batch norm that ends the paper's module is
the block's own, which follows every convolution slot.
"""

from typing import Any

import torch
from torch import Tensor, nn

from searchspace.checks import MAX_KERNEL, check_integers
from searchspace.errors import InputError
from searchspace.layers.depthwise import DepthwiseConv2d
from searchspace.slot import Slot


def odd_kernels(**values: Any) -> None:
    """Raise an InputError unless every value is a filled list of odd kernel sizes."""
    check_integers(1, MAX_KERNEL, **values)
    for name, kernels in values.items():
        even = [size for size in kernels if size % 2 == 0]
        if even:
            raise InputError(f"{name} must all be odd, got {even[0]} in {tuple(kernels)}")


def not_separable(slot: Slot) -> str | None:
    """Why a depthwise and a 1x1 convolution cannot stand for the one of `slot`, or None."""
    if slot.kernel != 3 or slot.padding != 1:
        return f"it replaces padded 3x3 convolutions and this one is {slot.kernel}x{slot.kernel}"
    if slot.groups != 1:
        return f"the slot's own convolution is grouped already (groups={slot.groups})"
    return None


class SeparableConv2d(nn.Module):
    """1x1 conv(BN(concat_k(depthwise k x k conv))), the stride and a bias in the 1x1.

    `branches` are (kernel, channels) pairs. Every branch reads all channels if each has as many as
    the slot's input, else each reads its own, in order.
    """

    def __init__(self, slot: Slot, branches: list[tuple[int, int]]) -> None:
        super().__init__()
        self.sizes = [chs for _, chs in branches]
        self.split = sum(self.sizes) == slot.in_chs
        self.depthwise = nn.ModuleList(
            DepthwiseConv2d(chs, kernel, padding=kernel // 2, bias=False)
            for kernel, chs in branches
        )
        self.norm = nn.BatchNorm2d(sum(self.sizes))
        self.pointwise = nn.Conv2d(sum(self.sizes), slot.out_chs, 1, stride=slot.stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        # Depthwise convolutions are much faster with the channels innermost, here and backward.
        x = x.contiguous(memory_format=torch.channels_last)
        parts = x.split(self.sizes, 1) if self.split else [x] * len(self.sizes)
        maps = [conv(part) for conv, part in zip(self.depthwise, parts, strict=True)]
        return self.pointwise(self.norm(torch.cat(maps, 1)))
