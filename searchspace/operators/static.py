"""The default operators of the slots: an ordinary convolution, and no recalibration."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from searchspace.choice import Choice, register
from searchspace.layers.depthwise import DepthwiseConv2d
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class Static(Choice):
    """W * x, one kernel for all inputs."""

    kind: ClassVar[str] = "static"
    role: ClassVar[Role] = "conv"

    def module(self, slot: Slot) -> nn.Conv2d:
        """The convolution itself, so that weights of plain networks load as they are."""
        settings: dict[str, Any] = {
            "stride": slot.stride,
            "padding": slot.padding,
            "bias": slot.bias,
        }
        if slot.depthwise and slot.out_chs == slot.in_chs:
            return DepthwiseConv2d(slot.in_chs, slot.kernel, **settings)
        return nn.Conv2d(slot.in_chs, slot.out_chs, slot.kernel, groups=slot.groups, **settings)


@register
@dataclass(frozen=True)
class Unchanged(Choice):
    """x, no recalibration."""

    kind: ClassVar[str] = "none"
    role: ClassVar[Role] = "recalibration"

    def module(self, slot: Slot) -> nn.Module:
        """An identity."""
        return Passthrough()


class Passthrough(nn.Module):
    """x, whatever the source."""

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """Return `x`, (N, C, H, W)."""
        return x
