"""CoConv: cooperative dynamic convolution.

Kien X. Nguyen, Tiffany Ryu, Jocelyn Zhang, Xu Ma, Qing Yang, Song Fu, Paparao Palacharla, Nannan
Wang and Xi Wang, "CoConv: Learning Dynamic Cooperative Convolution for Image Recognition", ICME
2021. https://openreview.net/forum?id=Xc8fWdnf-Ag

Section 4 and Figure 2. Deviation from the authors' code, on purpose: their fused form drops the
expert norms and so is another network. Ours folds them in and is exact
(`searchspace.layers.dynamic`).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_EXPERTS, check_integer, check_one_of
from searchspace.choice import Choice, register
from searchspace.layers.counted_module import CountedModule, Shape
from searchspace.layers.dynamic import DynamicConv2d, Experts
from searchspace.layers.mixed_kernel import Side
from searchspace.layers.region_pooling import region_averages
from searchspace.operators.static import Static
from searchspace.slot import Role, Slot

REDUCTION = 16
SMALLEST_SQUEEZE = 16
GRID = 3
"""Side of the coarse pooled map (CoConv Section 4.1)."""


@register
@dataclass(frozen=True)
class CoConv(Choice):
    """sum_i s_i(x) * BN_i(W_i conv x), s from a multi-scale channel-wise router.

    `experts` is n (Table 4); `side` applies the weights to output or input channels (Table 5);
    `scales` pools at 1x1 and 3x3, or at 1x1 only (Table 6); `gate` is the weights' activation,
    softmax being over experts; `norms` gives each expert a batch norm (the CIFAR and Tiny-ImageNet
    protocol; the ImageNet protocol has none).
    """

    experts: int = 4
    side: Side = "out"
    scales: Literal["multi", "single"] = "multi"
    gate: Literal["sigmoid", "softmax"] = "sigmoid"
    norms: bool = True

    kind: ClassVar[str] = "coconv"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_integer(1, MAX_EXPERTS, experts=self.experts)
        check_one_of(("out", "in"), side=self.side)
        check_one_of(("multi", "single"), scales=self.scales)
        check_one_of(("sigmoid", "softmax"), gate=self.gate)
        check_one_of((True, False), norms=self.norms)

    def canonical(self, slot: Slot) -> Choice:
        """Settings that have no effect take their defaults."""
        if self.experts == 1 and self.gate == "softmax":
            # The only weight is always 1.
            return CoConv(experts=1, gate="softmax") if self.norms else Static()
        channelwise = slot.depthwise and slot.in_chs == slot.out_chs
        if channelwise and not self.norms and not slot.bias:
            return replace(self, side="out")
        return self

    def module(self, slot: Slot) -> nn.Module:
        """The training form; `deployed()` gives the one with a kernel per sample."""
        weighted = slot.out_chs if self.side == "out" else slot.in_chs
        router = CoConvRouter(
            slot.in_chs, self.experts, weighted, scales=self.scales, gate=self.gate
        )
        return DynamicConv2d(slot, Experts(self.experts, self.side, self.norms), router)


class CoConvRouter(CountedModule):
    """gate(1x1 conv(relu(depthwise 3x3(relu(1x1 conv([global, 3x3 pooled])))))), no biases.

    Computed as products of the pooled rows with the convolutions' weights; the global average, the
    same in all nine cells, is squeezed once. It counts as the layers that it is defined by.
    """

    def __init__(
        self, in_chs: int, experts: int, weighted_chs: int, *, scales: str, gate: str
    ) -> None:
        super().__init__()
        squeezed = max(in_chs // REDUCTION, SMALLEST_SQUEEZE)
        self.scales = (1, GRID) if scales == "multi" else (1,)
        self.softmax = gate == "softmax"
        self.experts = experts
        kernel = self.scales[-1]
        self.squeeze = nn.Conv2d(in_chs * len(self.scales), squeezed, 1, bias=False)
        self.gather = nn.Conv2d(squeezed, squeezed, kernel, groups=squeezed, bias=False)
        self.expand = nn.Conv2d(squeezed, experts * weighted_chs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to weights (N, experts, weighted_chs)."""
        averages = region_averages(x, self.scales).split([k * k for k in self.scales], 1)
        weights = self.squeeze.weight.flatten(1).split(x.shape[1], 1)
        hidden = F.linear(averages[-1], weights[-1])
        if len(self.scales) > 1:
            hidden = hidden + F.linear(averages[0], weights[0])
        gathered = (F.relu(hidden) * self.gather.weight.flatten(1).t()).sum(1)
        logits = F.linear(F.relu(gathered), self.expand.weight.flatten(1))
        logits = logits.unflatten(1, (self.experts, -1))
        return logits.softmax(1) if self.softmax else logits.sigmoid()

    @torch.no_grad()
    def weigh_evenly(self) -> float:
        """Give every expert the same weight whatever the image; returns it."""
        self.expand.weight.zero_()
        return 1 / self.experts if self.softmax else 0.5

    def macs(self, *shapes: Shape) -> int:
        """Those of the three convolutions."""
        cells = self.scales[-1] ** 2
        convolved = cells * self.squeeze.weight.numel() + self.gather.weight.numel()
        return shapes[0][0] * (convolved + self.expand.weight.numel())
