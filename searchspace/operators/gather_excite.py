"""GE: gather and excite.

Jie Hu, Li Shen, Samuel Albanie, Gang Sun and Andrea Vedaldi, "Gather-Excite: Exploiting Feature
Context in Convolutional Neural Networks", NeurIPS 2018. https://arxiv.org/abs/1810.12348

The two forms without an excite network: GE-theta, whose gather has parameters, here as a row of
CoConv Table 3, and GE-theta-minus, which has none.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import MAX_SIZE, check_integer, check_one_of
from searchspace.choice import Choice, register
from searchspace.errors import InputError
from searchspace.layers.depthwise import DepthwiseConv2d
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Role, Slot, channelwise_refusal


@register
@dataclass(frozen=True)
class GatherExcite(Choice):
    """x * sigmoid(upsample(gather(source))), gather = log2(extent) depthwise 3x3 with stride 2.

    A batch norm follows each convolution, a ReLU stands between them; `extent` is the side, in
    pixels of the source, that one gathered value stands for. Without `parameters` the gather is an
    average over 2 * extent - 1 pixels each way, at a stride of the extent, that counts no padding.
    """

    extent: int = 8
    parameters: bool = field(default=True, metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "ge"
    role: ClassVar[Role] = "recalibration"

    def __post_init__(self) -> None:
        check_integer(2, MAX_SIZE, extent=self.extent)
        if self.extent & (self.extent - 1):
            raise InputError(f"extent must be a power of two, got {self.extent}")
        check_one_of((True, False), parameters=self.parameters)

    def illegal(self, slot: Slot) -> str | None:
        """Gathering is depthwise: each channel is rescaled by itself."""
        return channelwise_refusal(slot)

    def module(self, slot: Slot) -> nn.Module:
        """The same in training and for inference."""
        if self.parameters:
            return ParametrisedGatherExcite2d(slot.in_chs, self.extent.bit_length() - 1)
        side = 2 * self.extent - 1
        pool = nn.AvgPool2d(side, self.extent, side // 2, count_include_pad=False)
        return GatherExcite2d(pool)


class GatherExcite2d(nn.Module):
    """x * sigmoid(upsample(gather(source))), nearest upsampling."""

    def __init__(self, gather: nn.Module) -> None:
        super().__init__()
        self.gather = gather

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """(N, C, H, W) rescaled by what (N, C, H', W') holds."""
        # A sigmoid before the upsampling is the same and has fewer values to compute.
        gate = self.gather(source).sigmoid()
        if gate.shape[2:] == (1, 1):
            return x * gate
        return x * F.interpolate(gate, size=x.shape[2:], mode="nearest")


class ParametrisedGatherExcite2d(GatherExcite2d):
    """The same with depthwise 3x3 convolutions that halve the source `steps` times."""

    gather: nn.Sequential

    def __init__(self, chs: int, steps: int) -> None:
        layers: list[nn.Module] = []
        for _ in range(steps):
            conv = DepthwiseConv2d(chs, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(chs), nn.ReLU()]
        super().__init__(nn.Sequential(*layers[:-1]))

    @torch.no_grad()
    def start_unchanged(self) -> float:
        """Rescale all channels by the same factor whatever the image; returns it."""
        for parameter in self.gather[-1].parameters():
            parameter.zero_()
        return 0.5
