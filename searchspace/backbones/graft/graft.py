"""A backbone that is somebody else's network: torchvision's, timm's or the user's own.

Nothing is written down about the network: its slots are found in it (`anatomy`). With the default
choice in every slot it is the original, with the same names, weights and outputs.
"""

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import nn

from searchspace.backbones.base import Backbone, Builder, initialise
from searchspace.backbones.graft import sources
from searchspace.backbones.graft.adaptation import set_classes, with_channels
from searchspace.backbones.graft.anatomy import Anatomy, examine, run
from searchspace.backbones.graft.places import recalibration_slots
from searchspace.errors import InputError
from searchspace.operators.static import Passthrough
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Slot


@dataclass(frozen=True)
class Graft(Backbone):
    """A model of torchvision's, of timm's or of a file of the user's, with slots found in it.

    `model` is torchvision/NAME, timm/NAME or FILE.py:FUNCTION; the function returns an `nn.Module`
    from images to logits, and may take `num_classes` and `in_chs`. Every convolution that is called
    once, with a square kernel and without dilation, is a slot with the name of its module. A
    recalibration slot stands at the end of every residual branch, of every map that is
    concatenated, or else of every convolution with its norm and activation; `recalibrate` names
    other modules after which to recalibrate, by patterns such as "*.act3". `source` is the
    library's version or the hash of the user's file, and is found where it is left out.

    For other classes or channels than its own the model is asked for them if it takes them; else
    the first convolution and the last linear layer are replaced.
    """

    model: str = "torchvision/resnet18"
    recalibrate: tuple[str, ...] = field(default=(), metadata=OMIT_DEFAULT)
    source: str = ""

    kind: ClassVar[str] = "graft"

    def __post_init__(self) -> None:
        patterns = self.recalibrate
        if not isinstance(patterns, tuple) or not all(isinstance(p, str) for p in patterns):
            raise InputError(
                f"recalibrate must be a list of patterns of module names, got {patterns!r}"
            )
        if self.source:
            sources.check_source(self.model, self.source)
        else:
            model, source = sources.identify(self.model)
            object.__setattr__(self, "model", model)
            object.__setattr__(self, "source", source)
        # Carried along to processes that do not have the file.
        object.__setattr__(self, "text", sources.text_of(self.source))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if state["text"] is not None:
            sources.keep(self.model.rpartition(":")[0], state["text"])

    @property
    def default_classes(self) -> int:
        """The classes of the model as it is published."""
        return anatomy(self).classes

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes), its slots filled."""
        parts = anatomy(self)
        network = self._network(parts, num_classes, in_chs)
        for slot in parts.slots:
            if slot.role == "conv":
                _fill_conv(network, builder, slot, parts)
            else:
                _fill_recalibration(network, builder, slot)
        return network

    def initialise(self, network: nn.Module) -> None:
        """Nothing: the model has initialised itself, and the operators were when they came."""

    def check_size(self, size: int) -> None:
        """Run the model on the meta device on an image of size x size pixels."""
        _check_size(self, size)

    def no_slot(self, name: str) -> str:
        """Why there is no slot of this name or pattern, where the model tells."""
        parts = anatomy(self)
        reasons = {n: why for n, why in parts.not_slots.items() if fnmatchcase(n, name)}
        if reasons:
            return "; ".join(f"{n} is none: {why}" for n, why in reasons.items())
        if parts.untraceable and not self.recalibrate:
            return (
                "it has no recalibration slots, for torch.fx cannot trace it "
                f"({parts.untraceable}); name the modules after which to recalibrate in recalibrate"
            )
        return ""

    def label(self) -> str:
        """The model's name."""
        after = f", recalibrate={','.join(self.recalibrate)}" if self.recalibrate else ""
        return f"{self.model}{after}"

    def _network(self, parts: Anatomy, num_classes: int, in_chs: int) -> nn.Module:
        network = _make(
            self,
            None if num_classes == parts.classes else num_classes,
            None if in_chs == parts.in_chs else in_chs,
        )
        for name in parts.image_convs:
            conv = network.get_submodule(name)
            if isinstance(conv, nn.Conv2d) and conv.in_channels != in_chs:
                network.set_submodule(name, with_channels(conv, in_chs))
        if num_classes != parts.classes:
            set_classes(self.model, network, parts.classifier, num_classes)
        return network


def _make(graft: Graft, num_classes: int | None = None, in_chs: int | None = None) -> nn.Module:
    """The model, on the meta device if that is the default one."""
    try:
        return sources.make(graft.model, graft.source, num_classes, in_chs)
    except NotImplementedError:
        if torch.get_default_device().type != "meta":
            raise
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        return sources.make(graft.model, graft.source, num_classes, in_chs).to("meta")


@lru_cache(maxsize=64)
def anatomy(graft: Graft) -> Anatomy:
    """What the model is made of, found once in a process."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        network = _make(graft)
        found = examine(graft.model, network)
        if not found.slots:
            reasons = "; ".join(f"{name}: {why}" for name, why in found.not_slots.items())
            raise InputError(
                f"{graft.model} has no convolution that an operator could stand in for"
                + (f" ({reasons})" if reasons else "")
            )
        return recalibration_slots(graft.model, network, found, graft.recalibrate)


@lru_cache(maxsize=256)
def _check_size(graft: Graft, size: int) -> None:
    parts = anatomy(graft)
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        run(graft.model, _make(graft).to("meta").eval(), (parts.in_chs,), (size,))


class Recalibrated(nn.Module):
    """recalibration(y, y), y = inner(x)."""

    def __init__(self, inner: nn.Module, recalibration: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.recalibration = recalibration

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        y = self.inner(x)
        return self.recalibration(y, y)


def _fill_conv(network: nn.Module, builder: Builder, slot: Slot, parts: Anatomy) -> None:
    """Put the choice into a slot; the norm that follows gives way to one that brings its own."""
    conv = network.get_submodule(slot.name)
    assert isinstance(conv, nn.Conv2d)
    if conv.in_channels != slot.in_chs:
        slot = replace(slot, in_chs=conv.in_channels)
    operator = builder.conv(slot, conv)
    if operator is conv:
        return
    initialise(operator)
    network.set_submodule(slot.name, operator)
    if builder.normalised(slot.name):
        for followers in (parts.norms, parts.activations):
            if slot.name in followers:
                network.set_submodule(followers[slot.name], nn.Identity())


def _fill_recalibration(network: nn.Module, builder: Builder, slot: Slot) -> None:
    operator = builder.recalibration(slot)
    if isinstance(operator, Passthrough):
        return
    initialise(operator)
    name = slot.name.rpartition(".")[0]
    network.set_submodule(name, Recalibrated(network.get_submodule(name), operator))
