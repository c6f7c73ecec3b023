"""Multi-scale spatially-asymmetric recalibration (MS-SAR, Sections 3.2 to 3.5, Figure 2)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from searchspace.checks import one_of, whole, whole_list
from searchspace.choice import Choice
from searchspace.operators.pooling import AverageRegions, SpreadRegions, Strategy
from searchspace.slot import Role, Slot

REDUCTIONS = {"text": 1, "densenet": 1, "cifar": 3, "imagenet": 16}
"""`reduction` of the text's D' = D/L (Section 3.5) and of the rules that reproduce the tables:
DenseNets of Tables 2 and 3, CIFAR ResNets of the same, and ImageNet networks of Table 5."""


@dataclass(frozen=True)
class MultiScaleRecalibration(Choice):
    """x * mean_K(up_K(sigmoid(W2_K relu(BN_K(W1_K pool_K(source)))))), K over `scales`.

    `pooling` averages over K x K regions ("regional") or over the L1 ball of radius sqrt(WH)/K
    around each position ("sliding"). `source` is the map itself ("own") or the other map that the
    block offers, DenseNet's main vector ("multi_stage"). W1 and W2 are 1x1 convolutions without
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
        whole_list(1, scales=self.scales)
        object.__setattr__(self, "scales", tuple(sorted(set(self.scales))))
        one_of(("regional", "sliding"), pooling=self.pooling)
        one_of(("own", "multi_stage"), source=self.source)
        whole(1, reduction=self.reduction)

    def illegal(self, slot: Slot) -> str | None:
        """Legal wherever the source exists."""
        if self.source == "multi_stage" and slot.in_chs == slot.out_chs:
            return "this block offers no other source than the recalibrated map"
        return None

    def module(self, slot: Slot) -> nn.Module:
        """The recalibration, called as `module(x, source)`."""
        return MultiScaleRecalibration2d(self, slot)


class MultiScaleRecalibration2d(nn.Module):
    """Pooling and upsampling of all scales as one small matrix product each.

    The same mathematics as a pool, a squeeze and an upsampling per scale, because upsampling is
    linear and so commutes with the mean over the scales, and faster.
    """

    def __init__(self, choice: MultiScaleRecalibration, slot: Slot) -> None:
        super().__init__()
        self.own = choice.source == "own"
        self.average = AverageRegions(choice.scales, choice.pooling)
        self.spread = SpreadRegions(choice.scales, choice.pooling)
        in_chs = slot.out_chs if self.own else slot.in_chs
        squeezed = -(-slot.out_chs // (choice.reduction * len(choice.scales)))
        self.weigh = nn.ModuleList(_weigh(in_chs, squeezed, slot.out_chs) for _ in choice.scales)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, out_chs, H, W) and a source (N, in_chs, H, W) to (N, out_chs, H, W)."""
        pooled = self.average(x if self.own else source)
        weights = [weigh(part) for weigh, part in zip(self.weigh, pooled, strict=True)]
        return x * self.spread(*weights, x)


def _weigh(in_chs: int, squeezed: int, out_chs: int) -> nn.Sequential:
    """sigmoid(1x1 conv(relu(BN(1x1 conv)))), no biases."""
    return nn.Sequential(
        nn.Conv2d(in_chs, squeezed, 1, bias=False),
        nn.BatchNorm2d(squeezed),
        nn.ReLU(),
        nn.Conv2d(squeezed, out_chs, 1, bias=False),
        nn.Sigmoid(),
    )
