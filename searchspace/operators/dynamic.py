"""Dynamic convolution: several expert kernels, weighted for each sample by a router.

y = sum_i s_i(x) * (W_i conv x), the weights s_i per output channel (CoConv eq. 3), per input
channel (CoConv Table 5, "In") or one per expert (eq. 1: CondConv, DY-CNN). Each expert may have a
batch norm of its own, the "expert norm" (CoConv Section 4.3).

Training form: one convolution produces the outputs of all experts and one batch norm covers them
all, which is the same mathematics as a loop over experts and faster. Deployed form: one kernel and
bias per sample, the expert norms folded in exactly.
"""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.counting import CountedModule, Shape
from searchspace.slot import Slot

Side = Literal["out", "in"]


@dataclass(frozen=True)
class Experts:
    """The expert kernels of one slot: how many, which side is weighted, with own norms or not."""

    count: int
    side: Side = "out"
    norms: bool = False


class MixOutputs(CountedModule):
    """sum_i s_i * y_i over the experts' outputs."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, maps: Tensor, gate: Tensor) -> Tensor:
        """(N, groups*experts*C/groups, H, W) and weights (N, experts, C) to (N, C, H, W)."""
        experts, chs = gate.shape[1:]
        # Chained multiply-adds over views need no (N, experts, C, H, W) product in memory.
        split = (self.groups, experts, chs // self.groups)
        parts = maps.unflatten(1, split).unbind(2)
        scales = gate.unflatten(2, (self.groups, -1))[..., None, None].unbind(1)
        mixed = parts[0] * scales[0]
        for part, scale in zip(parts[1:], scales[1:], strict=True):
            mixed = torch.addcmul(mixed, part, scale)
        return mixed.flatten(1, 2)

    def macs(self, *shapes: Shape) -> int:
        """One multiply-accumulate for each element of the experts' outputs."""
        return prod(shapes[0])


class WeightInputs(CountedModule):
    """s_i * x for each expert."""

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """(N, C, H, W) and weights (N, experts, C) to (N, experts*C, H, W)."""
        return (x[:, None] * gate[..., None, None]).flatten(1, 2)

    def macs(self, *shapes: Shape) -> int:
        """One multiplication for each element of the experts' inputs."""
        return prod(shapes[0]) * shapes[1][1]


class DynamicConv2d(nn.Module):
    """The training form: all experts' outputs, then their weighted sum.

    `router` maps (N, in_chs, H, W) to weights (N, experts, C) with C = out_chs, in_chs or 1.
    Weights are stored in the order in which the single convolution produces its channels:
    (groups, experts, out_chs/groups) when outputs are weighted, (experts, out_chs) else.
    """

    def __init__(self, slot: Slot, experts: Experts, router: nn.Module) -> None:
        super().__init__()
        self.slot = slot
        self.experts = experts
        self.router = router
        chs = experts.count * slot.out_chs
        self.weight = nn.Parameter(
            torch.empty(chs, slot.in_chs // slot.groups, slot.kernel, slot.kernel)
        )
        # A bias in front of a norm would have no effect.
        self.bias = nn.Parameter(torch.zeros(chs)) if slot.bias and not experts.norms else None
        self.norm = nn.BatchNorm2d(chs) if experts.norms else nn.Identity()
        weigh_outputs = experts.side == "out"
        self.mix = MixOutputs(slot.groups if weigh_outputs else 1)
        self.weight_inputs = nn.Identity() if weigh_outputs else WeightInputs()
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        gate = self.router(x)
        slot, count = self.slot, self.experts.count
        if self.experts.side == "out":
            groups = slot.groups
            gate = gate.expand(-1, -1, slot.out_chs)
        else:
            groups = slot.groups * count
            x = self.weight_inputs(x, gate)
        y = F.conv2d(x, self.weight, self.bias, slot.stride, slot.padding, groups=groups)
        y = self.norm(y)
        if self.experts.side == "out":
            return self.mix(y, gate)
        return y.unflatten(1, (count, slot.out_chs)).sum(1)

    def expert_kernels(self) -> tuple[Tensor, Tensor | None]:
        """Kernels (experts, out_chs, in_chs/groups, k, k) and biases (experts, out_chs) or None.

        With expert norms, these are the norms' running statistics and affine folded in.
        """
        weight: Tensor = self.weight
        bias: Tensor | None = self.bias
        if isinstance(self.norm, nn.BatchNorm2d):
            norm = self.norm
            assert norm.running_var is not None and norm.running_mean is not None
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            weight = weight * scale[:, None, None, None]
            bias = norm.bias - norm.running_mean * scale
        groups = self.slot.groups if self.experts.side == "out" else 1
        order = (groups, self.experts.count, self.slot.out_chs // groups)
        kernels = weight.unflatten(0, order).transpose(0, 1).flatten(1, 2)
        if bias is not None:
            bias = bias.unflatten(0, order).transpose(0, 1).flatten(1, 2)
        return kernels, bias

    def deployed(self) -> "DeployedDynamicConv2d":
        """The form that mixes kernels instead of outputs; equal in evaluation mode."""
        return DeployedDynamicConv2d(self)


class DeployedDynamicConv2d(nn.Module):
    """(sum_i s_i * W_i) conv x + sum_i s_i * b_i: one kernel and bias for each sample."""

    def __init__(self, trained: DynamicConv2d) -> None:
        super().__init__()
        self.slot = trained.slot
        self.side = trained.experts.side
        self.router = trained.router
        with torch.no_grad():
            kernels, bias = trained.expert_kernels()
            if self.side == "out":
                # (out_chs, experts, weights of one output channel and its bias)
                table = kernels.flatten(2).transpose(0, 1)
                if bias is not None:
                    table = torch.cat([table, bias.t()[..., None]], 2)
            else:
                # (in_chs, experts, weights that read one input channel)
                groups, size = self.slot.groups, self.slot.kernel**2
                table = kernels.flatten(3).unflatten(1, (groups, -1)).permute(1, 3, 0, 2, 4)
                table = table.reshape(self.slot.in_chs, -1, self.slot.out_chs // groups * size)
        self.kernels = nn.Parameter(table.clone(), requires_grad=False)
        # Unweighted biases, of experts whose inputs are weighted, are one bias for all samples.
        shared = bias.sum(0) if bias is not None and self.side == "in" else None
        self.bias = None if shared is None else nn.Parameter(shared, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        slot, batch = self.slot, x.shape[0]
        kernel, bias = self._mix(self.router(x))
        y = F.conv2d(
            x.reshape(1, batch * slot.in_chs, *x.shape[2:]),
            kernel.reshape(-1, slot.in_chs // slot.groups, slot.kernel, slot.kernel),
            None if bias is None else bias.reshape(-1),
            slot.stride,
            slot.padding,
            groups=batch * slot.groups,
        )
        return y.reshape(batch, slot.out_chs, *y.shape[2:])

    def _mix(self, gate: Tensor) -> tuple[Tensor, Tensor | None]:
        """Weights (N, experts, C) to kernels, N times the slot's, and biases (N, out_chs)."""
        batch, slot = gate.shape[0], self.slot
        gate = gate.expand(-1, -1, self.kernels.shape[0])
        mixed = torch.bmm(gate.permute(2, 0, 1), self.kernels)
        if self.side == "in":
            shape = (slot.groups, slot.in_chs // slot.groups, batch, -1, slot.kernel**2)
            bias = None if self.bias is None else self.bias.expand(batch, -1)
            return mixed.reshape(shape).permute(2, 0, 3, 1, 4), bias
        mixed = mixed.transpose(0, 1)
        size = slot.in_chs // slot.groups * slot.kernel**2
        return mixed[..., :size], mixed[..., size] if mixed.shape[2] > size else None
