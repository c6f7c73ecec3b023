"""DY-CNN: dynamic convolution with attention over kernels.

Yinpeng Chen, Xiyang Dai, Mengchen Liu, Dongdong Chen, Lu Yuan and Zicheng Liu, "Dynamic
Convolution: Attention over Convolution Kernels", CVPR 2020. https://arxiv.org/abs/1912.03458

As in CoConv eq. 1 and Tables 1 to 3. Deviation from the original: the softmax's temperature is
fixed, as it is in the code of CoConv's authors, where it is 34 throughout; the original lets it
fall from 30 to 1 in the first epochs.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_EXPERTS, check_above_zero, check_integer, check_one_of
from searchspace.choice import Choice, register
from searchspace.layers.dynamic import DynamicConv2d, Experts
from searchspace.layers.memory_format import spatial_mean
from searchspace.operators.static import Static
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Role, Slot

Hidden = Literal["cifar", "imagenet"]


@register
@dataclass(frozen=True)
class DyConv(Choice):
    """sum_i s_i(x) * (W_i conv x), s = softmax(linear(relu(linear(global average of x))) / T).

    `hidden` is the rule for the router's inner features: "imagenet" has int(C_in/4) + 1 without a
    bias (the count of CoConv Table 3), "cifar" max(C_in // 16, 16) with one (its other tables).
    `temperature` is T; large ones weigh experts evenly.
    """

    experts: int = 4
    hidden: Hidden = "cifar"
    temperature: float = field(default=1.0, metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "dyconv"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_integer(1, MAX_EXPERTS, experts=self.experts)
        check_one_of(("cifar", "imagenet"), hidden=self.hidden)
        check_above_zero(temperature=self.temperature)

    def canonical(self, slot: Slot) -> Choice:
        """A softmax over one expert is 1: an ordinary convolution."""
        return Static() if self.experts == 1 else self

    def module(self, slot: Slot) -> nn.Module:
        """The training form; `deployed()` gives the one with a kernel per sample."""
        router = DyConvRouter(slot.in_chs, self.experts, self.hidden, self.temperature)
        return DynamicConv2d(slot, Experts(self.experts), router)


class DyConvRouter(nn.Module):
    """softmax(linear(relu(linear(global average))) / temperature)."""

    def __init__(self, in_chs: int, experts: int, hidden: Hidden, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        cifar = hidden == "cifar"
        features = max(in_chs // 16, 16) if cifar else in_chs // 4 + 1
        self.squeeze = nn.Linear(in_chs, features, bias=cifar)
        self.expand = nn.Linear(features, experts)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to weights (N, experts, 1) that sum to 1."""
        scores = self.expand(F.relu(self.squeeze(spatial_mean(x))))
        return (scores / self.temperature).softmax(1)[..., None]

    @torch.no_grad()
    def weigh_evenly(self) -> float:
        """Give every expert the same weight whatever the image; returns it."""
        self.expand.weight.zero_()
        self.expand.bias.zero_()
        return 1 / self.expand.out_features
