"""Dynamic convolution: several expert kernels, weighted for each sample by a router.

y = sum_i s_i(x) * (W_i conv x), the weights s_i per output channel (CoConv eq. 3), per input
channel (CoConv Table 5, "In") or one per expert (eq. 1: CondConv, DY-CNN). Each expert may have a
batch norm of its own, the "expert norm" (CoConv Section 4.3).

Training form: one convolution produces the outputs of all experts and one batch norm covers them
all, which is the same mathematics as a loop over experts and faster; on a CPU a training step fuses
norm and sum (`fused_experts`). Deployed form: one kernel and bias per sample, the expert norms
folded in exactly.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.layers.counted_module import CountedModule, Shape
from searchspace.layers.fused_experts import can_fuse, conv_norm_mix
from searchspace.layers.mixed_kernel import MixedKernelConv2d, Side
from searchspace.layers.norms import PrivateBatchNorm2d, inference_affine, norm_in_use
from searchspace.slot import Slot

START_NOISE = 0.01
"""Standard deviation of what is added to each expert that starts as a given kernel, in its own."""


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
        if self.groups == 1:
            # Gradients of chunks lie in memory as the map does, which those of views do not.
            parts, scales = maps.chunk(experts, 1), gate[..., None, None].unbind(1)
        else:
            split = (self.groups, experts, chs // self.groups)
            parts = maps.unflatten(1, split).unbind(2)
            scales = gate.unflatten(2, (self.groups, -1))[..., None, None].unbind(1)
        mixed = parts[0] * scales[0]
        for part, scale in zip(parts[1:], scales[1:], strict=True):
            mixed = mixed.addcmul_(part, scale)
        # With several groups, (N, groups, C/groups, H, W) so far.
        return mixed.flatten(1, -3)

    def macs(self, *shapes: Shape) -> int:
        """One multiply-accumulate for each element of the experts' outputs."""
        return prod(shapes[0])


class WeightInputs(CountedModule):
    """s_i * x for each expert."""

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """(N, C, H, W) and weights (N, experts, C) to (N, experts*C, H, W)."""
        return torch.cat([x * weight for weight in gate[..., None, None].unbind(1)], 1)

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
        if self.experts.side == "out":
            return self._weigh_outputs(x, gate.expand(-1, -1, self.slot.out_chs))
        slot, count = self.slot, self.experts.count
        x = self.weight_inputs(x, gate)
        y = F.conv2d(
            x, self.weight, self.bias, slot.stride, slot.padding, groups=slot.groups * count
        )
        first, *rest = self.norm(y).chunk(count, 1)
        return sum(rest, first)

    def _weigh_outputs(self, x: Tensor, gate: Tensor) -> Tensor:
        slot = self.slot
        if self.experts.norms and _of_this_batch(norm_in_use(self.norm)) and can_fuse(x, slot):
            return conv_norm_mix(x, self.weight, gate, norm_in_use(self.norm), slot)
        y = F.conv2d(x, self.weight, self.bias, slot.stride, slot.padding, groups=slot.groups)
        return self.mix(self.norm(y), gate)

    def expert_kernels(self) -> tuple[Tensor, Tensor | None]:
        """Kernels (experts, out_chs, in_chs/groups, k, k) and biases (experts, out_chs) or None.

        With expert norms, these have the norms' running statistics and affine folded in.
        """
        weight: Tensor = self.weight
        bias: Tensor | None = self.bias
        affine = inference_affine(self.norm)
        if affine is not None:
            weight, bias = weight * affine[0][:, None, None, None], affine[1]
        groups = self.slot.groups if self.experts.side == "out" else 1
        order = (groups, self.experts.count, self.slot.out_chs // groups)
        kernels = weight.unflatten(0, order).transpose(0, 1).flatten(1, 2)
        if bias is not None:
            bias = bias.unflatten(0, order).transpose(0, 1).flatten(1, 2)
        return kernels, bias

    @torch.no_grad()
    def start_from(self, kernel: Tensor, bias: Tensor | None) -> None:
        """Start as the convolution with this kernel and bias, by a router that weighs evenly.

        Each expert is the kernel and some noise, so that they can part; the noise of all experts
        sums to zero. Norms of experts start as identities of inference.
        """
        router: Any = self.router
        weight = router.weigh_evenly()
        count = self.experts.count
        noise = torch.randn(count, *kernel.shape) * (START_NOISE * kernel.std())
        kernels = kernel + noise - noise.mean(0) if count > 1 else kernel[None]
        self.weight.copy_(self._stored(kernels / (weight * count)))
        shift = torch.zeros(kernel.shape[0]) if bias is None else bias
        # Experts whose inputs are weighted add their biases as they are.
        scale = weight * count if self.experts.side == "out" else count
        shifts = self._stored((shift / scale).expand(count, -1))
        if self.bias is not None:
            self.bias.copy_(shifts)
        for norm in self.norm.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.reset_running_stats()
                norm.weight.fill_((1 + norm.eps) ** 0.5)
                norm.bias.copy_(shifts)

    def _stored(self, values: Tensor) -> Tensor:
        """Values (experts, out_chs, ...) in the order in which the experts' channels are stored."""
        groups = self.slot.groups if self.experts.side == "out" else 1
        return values.unflatten(1, (groups, -1)).transpose(0, 1).flatten(0, 2)

    def deployed(self) -> nn.Module:
        """The form that mixes kernels instead of outputs; equal in evaluation mode."""
        if isinstance(self.norm, PrivateBatchNorm2d):
            return SwitchedDynamicConv2d(self)
        return DeployedDynamicConv2d(self)


def _of_this_batch(norm: nn.BatchNorm2d) -> bool:
    """Whether a norm takes its statistics from its input alone.

    Frozen norms, in evaluation mode by themselves, keep theirs; subclasses may have others.
    """
    return norm.training and type(norm) is nn.BatchNorm2d


class DeployedDynamicConv2d(nn.Module):
    """(sum_i s_i * W_i) conv x + sum_i s_i * b_i: one kernel and bias for each sample."""

    def __init__(self, trained: DynamicConv2d) -> None:
        super().__init__()
        self.router = trained.router
        self.conv = MixedKernelConv2d(trained.slot, trained.experts.side)
        with torch.no_grad():
            kernels, biases = trained.expert_kernels()
        self.kernels = nn.Parameter(kernels.contiguous(), requires_grad=False)
        self.biases = (
            None if biases is None else nn.Parameter(biases.contiguous(), requires_grad=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        return self.conv(x, self.router(x), self.kernels, self.biases)


class SwitchedDynamicConv2d(nn.Module):
    """The same with norms that depend on the network's input size: they are folded at each call."""

    def __init__(self, trained: DynamicConv2d) -> None:
        super().__init__()
        self.trained = trained
        self.conv = MixedKernelConv2d(trained.slot, trained.experts.side)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        return self.conv(x, self.trained.router(x), *self.trained.expert_kernels())
