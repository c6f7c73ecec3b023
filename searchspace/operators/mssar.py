"""MS-SAR: multi-scale spatially-asymmetric recalibration.

Yan Wang, Lingxi Xie, Siyuan Qiao, Ya Zhang, Wenjun Zhang and Alan L. Yuille, "Multi-Scale
Spatially-Asymmetric Recalibration for Image Classification", ECCV 2018.
https://arxiv.org/abs/1804.00787

Sections 3.2 to 3.5, Figure 2. The tables' counts follow from other reductions than the text's:
`REDUCTIONS` has them all.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_CHANNELS, MAX_SIZE, check_integer, check_integers, check_one_of
from searchspace.choice import Choice, register
from searchspace.layers.region_pooling import AverageRegions, SpreadRegions, Strategy
from searchspace.slot import Role, Slot

REDUCTIONS = {"text": 1, "densenet": 1, "cifar": 3, "imagenet": 16}
"""`reduction` of the text's D' = D/L (Section 3.5) and of the rules that reproduce the tables:
DenseNets of Tables 2 and 3, CIFAR ResNets of the same, and ImageNet networks of Table 5."""


@register
@dataclass(frozen=True)
class MultiScaleRecalibration(Choice):
    """x * mean_K(up_K(sigmoid(W2_K relu(BN_K(W1_K pool_K(source)))))), K over `scales`.

    `pooling` averages over K x K regions ("regional") or over the L1 ball of radius sqrt(WH)/K
    around each position ("sliding"). `source` is the map itself ("own") or the other map that a
    dense layer offers, its main vector ("multi_stage"). W1 and W2 are 1x1 convolutions without
    biases through D' = ceil(out_chs / (reduction * |scales|)) channels; the paper's rules are in
    `REDUCTIONS`.

    With scales {1} this is squeeze-and-excitation in the paper's own form, with a batch norm and
    no biases: not the family of `SqueezeExcite`, and kept apart from it. At scale 1 the norm sees
    one value per channel for each image, so training on one image raises its ValueError.
    """

    scales: tuple[int, ...] = (1, 2, 4)
    pooling: Strategy = "regional"
    source: Literal["own", "multi_stage"] = "own"
    reduction: int = REDUCTIONS["cifar"]

    kind: ClassVar[str] = "mssar"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_integers(1, MAX_SIZE, scales=self.scales)
        object.__setattr__(self, "scales", tuple(sorted(set(self.scales))))
        check_one_of(("regional", "sliding"), pooling=self.pooling)
        check_one_of(("own", "multi_stage"), source=self.source)
        check_integer(1, MAX_CHANNELS, reduction=self.reduction)

    def illegal(self, slot: Slot) -> str | None:
        """Legal wherever the source exists."""
        if self.source == "multi_stage" and slot.position != "growth":
            return "this block offers no other source than the recalibrated map"
        return None

    def canonical(self, slot: Slot) -> Choice:
        """One reduction stands for all with as many features: the default, else the smallest."""
        usual = replace(self, reduction=REDUCTIONS["cifar"])
        if usual.squeezed(slot) == self.squeezed(slot):
            return usual
        smallest = -(-slot.out_chs // (self.squeezed(slot) * len(self.scales)))
        return replace(self, reduction=smallest)

    def squeezed(self, slot: Slot) -> int:
        """The channels D' between the two convolutions."""
        return -(-slot.out_chs // (self.reduction * len(self.scales)))

    def module(self, slot: Slot) -> nn.Module:
        """The recalibration, called as `module(x, source)`."""
        return MultiScaleRecalibration2d(self, slot)


class MultiScaleRecalibration2d(nn.Module):
    """Pooling and upsampling of all scales by small matrix products, squeezes over rows.

    The same mathematics as a pool, a squeeze and an upsampling per scale, because upsampling is
    linear and so commutes with the mean over the scales, and faster.
    """

    def __init__(self, choice: MultiScaleRecalibration, slot: Slot) -> None:
        super().__init__()
        self.own = choice.source == "own"
        self.average = AverageRegions(choice.scales, choice.pooling)
        self.spread = SpreadRegions(choice.scales, choice.pooling)
        in_chs = slot.out_chs if self.own else slot.in_chs
        squeezed = choice.squeezed(slot)
        self.squeezes = nn.ModuleList(
            RegionSqueeze(in_chs, squeezed, slot.out_chs) for _ in choice.scales
        )

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, out_chs, H, W) and a source (N, in_chs, H, W) to (N, out_chs, H, W)."""
        averages = self.average(x if self.own else source)
        logits = [squeeze(rows) for squeeze, rows in zip(self.squeezes, averages, strict=True)]
        return x * self.spread(torch.cat(logits, -2).sigmoid(), x)

    @torch.no_grad()
    def start_unchanged(self) -> float:
        """Rescale all channels by the same factor whatever the image; returns it."""
        for squeeze in self.squeezes:
            assert isinstance(squeeze, RegionSqueeze)
            squeeze.expand.weight.zero_()
        return 0.5


class RegionSqueeze(nn.Module):
    """W2 relu(BN(W1 y)) for each row y, which is two 1x1 convolutions over pooled maps."""

    def __init__(self, in_chs: int, squeezed: int, out_chs: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(in_chs, squeezed, bias=False)
        self.norm = nn.BatchNorm2d(squeezed)
        self.expand = nn.Linear(squeezed, out_chs, bias=False)
        for linear in (self.reduce, self.expand):
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")

    def forward(self, rows: Tensor) -> Tensor:
        """(..., in_chs) to (..., out_chs); the norm's statistics are over all rows."""
        reduced = self.reduce(rows)
        hidden = self.norm(reduced.flatten(0, -2)[..., None, None]).view(reduced.shape)
        return self.expand(F.relu(hidden))
