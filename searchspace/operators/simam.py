"""SimAM: attention without parameters, from the energy of each value among those of its channel.

Lingxiao Yang, Ru-Yuan Zhang, Lida Li and Xiaohua Xie, "SimAM: A Simple, Parameter-Free Attention
Module for Convolutional Neural Networks", ICML 2021, pp. 11863-11874, eqs. 5 to 8.
https://proceedings.mlr.press/v139/yang21o.html

As in the authors' code the variance is the sum of squares divided by one less than the pixels.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from searchspace.checks import check_above_zero
from searchspace.choice import Choice, register
from searchspace.layers.memory_format import kept_layout
from searchspace.slot import Role, Slot, channelwise_refusal


@register
@dataclass(frozen=True)
class SimAM(Choice):
    """x * sigmoid(d / (4 * (variance + regulariser)) + 1/2), d = (source - its mean)^2.

    Mean and variance are those of a channel over its pixels.
    """

    regulariser: float = 1e-4

    kind: ClassVar[str] = "simam"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_above_zero(regulariser=self.regulariser)

    def illegal(self, slot: Slot) -> str | None:
        """Each value is rescaled by the same value of the source."""
        return channelwise_refusal(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        return SimAM2d(self.regulariser)


class SimAM2d(nn.Module):
    """x * sigmoid(1 / minimal energy)."""

    def __init__(self, regulariser: float) -> None:
        super().__init__()
        self.regulariser = regulariser

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, C, H, W) rescaled by what (N, C, H, W) holds."""
        squares = (source - kept_layout(source).mean((2, 3), keepdim=True)).square()
        # Of one pixel the variance is 0.
        others = max(source.shape[2] * source.shape[3] - 1, 1)
        variance = squares.sum((2, 3), keepdim=True) / others
        return x * (squares / (4 * (variance + self.regulariser)) + 0.5).sigmoid()
