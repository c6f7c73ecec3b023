"""A convolution with a kernel of its own for each sample, mixed from experts (CoConv eq. 3)."""

from math import prod
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.layers.batch_pieces import samples_at_a_time
from searchspace.layers.counted_module import CountedModule, Shape
from searchspace.slot import Slot

Side = Literal["out", "in"]
"""Whether an expert's output or input channels are weighted."""


class MixKernels(CountedModule):
    """sum_i s_i * W_i and sum_i s_i * b_i for each sample."""

    def __init__(self, slot: Slot, side: Side) -> None:
        super().__init__()
        self.slot = slot
        self.side = side

    def forward(
        self, gate: Tensor, kernels: Tensor, biases: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Weights (N, experts, C) to kernels (N, out_chs, in_chs/groups, k, k), (N, out_chs)."""
        if self.side == "out":
            bias = None if biases is None else (gate * biases).sum(1)
            return _weighted_sum(kernels, gate[..., None, None, None]), bias
        # Experts whose inputs are weighted add their biases as they are.
        bias = None if biases is None else biases.sum(0).expand(gate.shape[0], -1)
        groups = self.slot.groups
        weights = gate.unflatten(2, (groups, 1, -1))[..., None, None]
        return _weighted_sum(kernels.unflatten(1, (groups, -1)), weights).flatten(1, 2), bias

    def macs(self, *shapes: Shape) -> int:
        """One multiply-accumulate for each expert's number that is weighted, and sample."""
        weighted = shapes[1:] if self.side == "out" else shapes[1:2]
        return shapes[0][0] * sum(prod(shape) for shape in weighted)


def _weighted_sum(values: Tensor, weights: Tensor) -> Tensor:
    """sum_i weights[:, i] * values[i], without a product of all experts in memory."""
    total = values[0] * weights[:, 0]
    for i in range(1, values.shape[0]):
        total = total.addcmul_(values[i], weights[:, i])
    return total


class MixedKernelConv2d(nn.Module):
    """(sum_i s_i * W_i) conv x + sum_i s_i * b_i."""

    def __init__(self, slot: Slot, side: Side) -> None:
        super().__init__()
        self.slot = slot
        self.mix = MixKernels(slot, side)

    def forward(self, x: Tensor, gate: Tensor, kernels: Tensor, biases: Tensor | None) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W'); weights (N, experts, C or 1).

        Kernels are (experts, out_chs, in_chs/groups, k, k), biases (experts, out_chs).
        """
        if torch.compiler.is_exporting():
            return self._multiply(x, gate, kernels, biases)
        # Mixed kernels that are too many leave the cache before the convolution reads them.
        piece = samples_at_a_time(x, kernels[0].numel())
        if x.shape[0] <= piece:
            return self._convolve(x, gate, kernels, biases)
        pieces = zip(x.split(piece), gate.split(piece), strict=True)
        return torch.cat([self._convolve(part, g, kernels, biases) for part, g in pieces])

    def _convolve(self, x: Tensor, gate: Tensor, kernels: Tensor, biases: Tensor | None) -> Tensor:
        """A grouped convolution in which each sample is a group."""
        slot, batch = self.slot, x.shape[0]
        kernel, bias = self.mix(gate, kernels, biases)
        y = F.conv2d(
            x.reshape(1, batch * slot.in_chs, *x.shape[2:]),
            kernel.flatten(0, 1),
            None if bias is None else bias.flatten(),
            slot.stride,
            slot.padding,
            groups=batch * slot.groups,
        )
        return y.unflatten(1, (batch, slot.out_chs)).squeeze(0)

    def _multiply(self, x: Tensor, gate: Tensor, kernels: Tensor, biases: Tensor | None) -> Tensor:
        """The same as a product of each sample's kernel with its windows.

        For exported graphs: the groups of a convolution are fixed there, the batch is not.
        """
        slot = self.slot
        kernel, bias = self.mix(gate, kernels, biases)
        windows, size = self._windows(x)
        grouped = kernel.reshape(-1, slot.groups, slot.out_chs // slot.groups, windows.shape[2])
        y = (grouped @ windows).reshape(-1, slot.out_chs, *size)
        return y if bias is None else y + bias[..., None, None]

    def _windows(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """(N, groups, in_chs/groups * k * k, H' * W') and (H', W')."""
        k, stride, pad = self.slot.kernel, self.slot.stride, self.slot.padding
        height, width = ((side + 2 * pad - k) // stride + 1 for side in x.shape[2:])
        x = F.pad(x, (pad, pad, pad, pad))
        down, across = (stride * (side - 1) + 1 for side in (height, width))
        shifted = [
            x[:, :, i : i + down : stride, j : j + across : stride]
            for i in range(k)
            for j in range(k)
        ]
        windows = torch.stack(shifted, 2).reshape(
            -1, self.slot.groups, x.shape[1] // self.slot.groups * k * k, height * width
        )
        return windows, (height, width)
