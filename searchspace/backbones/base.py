"""What every backbone is: a frozen description that assembles itself around the chosen operators.

A backbone is written once, as the code that builds it. Slots are what that code asks a `Builder`
for, so the published slots and the built network cannot disagree.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import nn

from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.operators import Static, Unchanged
from searchspace.schema import Value, non_defaults
from searchspace.slot import Role, Slot

DEFAULTS: dict[Role, Choice] = {"conv": Static(), "recalibration": Unchanged()}


class Builder:
    """Hands a backbone its operators, one per slot, and records the slots it asked for."""

    def __init__(self, choices: Mapping[str, Choice]) -> None:
        self.choices = choices
        self.slots: list[Slot] = []

    def conv(self, slot: Slot, own: nn.Module | None = None) -> nn.Module:
        """The operator chosen for a convolution slot; (N, in_chs, H, W) to (N, out_chs, H', W').

        `own` is the convolution that stands there already, and stays if no other is chosen.
        """
        return self._fill(replace(slot, role="conv"), own)

    def recalibration(self, slot: Slot) -> nn.Module:
        """The operator chosen for a recalibration slot, called as `module(x, source)`."""
        return self._fill(replace(slot, role="recalibration"))

    def width(self, name: str, default: int) -> int:
        """The inner width of the bottleneck around slot `name`: the choice's, else `default`."""
        choice = self.choices.get(name)
        chosen = choice.inner_width() if choice is not None else None
        return default if chosen is None else chosen

    def normalised(self, name: str) -> bool:
        """Whether the choice in slot `name` ends in its own norm and activation."""
        choice = self.choices.get(name)
        return choice is not None and choice.normalised

    def _fill(self, slot: Slot, own: nn.Module | None = None) -> nn.Module:
        self.slots.append(slot)
        choice = self.choices.get(slot.name, DEFAULTS[slot.role])
        reason = refusal(choice, slot)
        if reason:
            raise InputError(f"slot {slot.name!r} cannot take {choice.label()}: {reason}")
        return own if own is not None and choice == DEFAULTS[slot.role] else choice.module(slot)


def refusal(choice: Choice, slot: Slot) -> str | None:
    """Why `choice` cannot go into `slot`, or None if it can."""
    if choice.role != slot.role:
        return f"it is a {choice.role} and the slot is for a {slot.role}"
    return choice.illegal(slot)


@dataclass(frozen=True)
class Backbone(Value, ABC):
    """A network with slots; a subclass sets `kind` and says how it is assembled."""

    @property
    def default_classes(self) -> int:
        """The classes of the network as it was published."""
        return 10

    @abstractmethod
    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to logits (N, num_classes), asking `builder` for slots."""

    def slots(self, choices: Mapping[str, Choice] | None = None) -> tuple[Slot, ...]:
        """The slots in forward order; choices that set a block's width change its channels."""
        wide = {n: c for n, c in (choices or {}).items() if c.inner_width() is not None}
        return _slots(self, tuple(sorted(wide.items())))

    def initialise(self, network: nn.Module) -> None:
        """Initialise the convolutions of an assembled network from torch's global generator."""
        initialise(network)

    def check_size(self, size: int) -> None:
        """Raise an InputError where it is known beforehand that images of this size do not fit."""
        return None

    def no_slot(self, name: str) -> str:
        """Why there is no slot of this name or pattern, where more is to be said of it."""
        return ""

    def label(self) -> str:
        """A short name for tables and plots."""
        settings = ", ".join(f"{name}={value}" for name, value in non_defaults(self).items())
        return f"{self.kind}({settings})" if settings else self.kind


def initialise(network: nn.Module) -> None:
    """Initialise every convolution, its bias at zero."""
    for module in network.modules():
        # On the meta device there is nothing to initialise, and pretending takes long.
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            # He et al., Delving deep into rectifiers, eq. 10: fan-in, gain of a ReLU.
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@lru_cache(maxsize=512)
def _slots(backbone: Backbone, choices: tuple[tuple[str, Choice], ...]) -> tuple[Slot, ...]:
    builder = Builder(dict(choices))
    # On the meta device nothing is allocated, so slots of large networks cost little.
    with torch.device("meta"):
        backbone.assemble(builder, backbone.default_classes, 3)
    return tuple(builder.slots)
