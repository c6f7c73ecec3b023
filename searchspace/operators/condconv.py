"""CondConv: conditionally parameterized convolution.

Brandon Yang, Gabriel Bender, Quoc V. Le and Jiquan Ngiam, "CondConv: Conditionally Parameterized
Convolutions for Efficient Inference", NeurIPS 2019. https://arxiv.org/abs/1904.04971

As in CoConv eq. 1 and Tables 1 to 3: the routing reads the global average of the layer's own input
and is one linear layer with a bias and a sigmoid. The code of CoConv's authors drops a
fifth of the averages in training.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from searchspace.checks import MAX_EXPERTS, check_at_least, check_integer
from searchspace.choice import Choice, register
from searchspace.layers.dynamic import DynamicConv2d, Experts
from searchspace.layers.memory_format import spatial_mean
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class CondConv(Choice):
    """sum_i s_i(x) * (W_i conv x), s = sigmoid(linear(global average of x)), one per expert.

    `dropout` is the share of the averages that are set to zero in training.
    """

    experts: int = 4
    dropout: float = field(default=0.0, metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "condconv"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_integer(1, MAX_EXPERTS, experts=self.experts)
        check_at_least(0, 1, dropout=self.dropout)

    def module(self, slot: Slot) -> nn.Module:
        """The training form; `deployed()` gives the one with a kernel per sample."""
        router = CondConvRouter(slot.in_chs, self.experts, self.dropout)
        return DynamicConv2d(slot, Experts(self.experts), router)


class CondConvRouter(nn.Module):
    """sigmoid(linear(dropout(global average)))."""

    def __init__(self, in_chs: int, experts: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(in_chs, experts)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to weights (N, experts, 1)."""
        return self.fc(self.dropout(spatial_mean(x))).sigmoid()[..., None]

    @torch.no_grad()
    def weigh_evenly(self) -> float:
        """Give every expert the same weight whatever the image; returns it."""
        self.fc.weight.zero_()
        self.fc.bias.zero_()
        return 0.5
