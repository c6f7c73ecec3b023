"""A backbone without its operators, and the shapes of what goes into each slot."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.layers.counted_module import CountedModule, Shape
from searchspace.slot import Slot

Choices = tuple[tuple[str, Choice], ...]
"""Slot names and choices, sorted: a mapping that can be hashed."""


class EmptySlot(CountedModule):
    """Stands in for an operator: returns zeros of the right shape and costs nothing."""

    def __init__(self, slot: Slot) -> None:
        super().__init__()
        self.slot = slot
        self.shapes: tuple[Shape, ...] = ()

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """Remember the shapes of the inputs; (N, in_chs, H, W) to (N, out_chs, H', W')."""
        inputs = (x,) if source is None else (x, source)
        self.shapes = tuple(tuple(int(side) for side in tensor.shape) for tensor in inputs)
        slot = self.slot
        if slot.role == "recalibration":
            return x
        sides = [
            (int(side) + 2 * slot.padding - slot.kernel) // slot.stride + 1 for side in x.shape[2:]
        ]
        return x.new_zeros(x.shape[0], slot.out_chs, *sides)

    def macs(self, *shapes: Shape) -> int:
        """0: the operator of the slot is counted by itself."""
        return 0


class SkeletonBuilder(Builder):
    """Leaves every slot empty; the choices still shape the blocks around them."""

    def _fill(self, slot: Slot, own: nn.Module | None = None) -> nn.Module:
        self.slots.append(slot)
        return EmptySlot(slot)


@dataclass(frozen=True)
class ShapedSlot:
    """A slot and the shapes (1, C, H, W) of its inputs, for one image."""

    slot: Slot
    inputs: tuple[Shape, ...]

    @property
    def kernel_limit(self) -> int:
        """The largest useful kernel: the map's side, or the slot's own kernel if that is larger."""
        return max(self.inputs[0][2], self.slot.kernel)

    def with_slot(self, slot: Slot) -> "ShapedSlot":
        """The same place in the network when its slot has other channels."""
        chs = (slot.out_chs, slot.in_chs) if slot.role == "recalibration" else (slot.in_chs,)
        inputs = tuple(
            (1, count, *shape[2:]) for count, shape in zip(chs, self.inputs, strict=True)
        )
        return ShapedSlot(slot, inputs)

    def nameless(self) -> "ShapedSlot":
        """The same without name and stage: what an operator costs depends on no more."""
        return replace(self, slot=replace(self.slot, name="", stage=0))


def shapes_block(choice: Choice) -> bool:
    """Whether a choice changes the block around its slot."""
    return choice.inner_width() is not None or choice.normalised


def shaping_only(choices: Mapping[str, Choice]) -> Choices:
    """The choices that change the block around them."""
    return tuple(sorted((name, c) for name, c in choices.items() if shapes_block(c)))


def skeleton(
    backbone: Backbone, choices: Choices, num_classes: int | None, in_chs: int
) -> nn.Module:
    """The backbone with an `EmptySlot` in every slot, shaped by `choices`."""
    builder = SkeletonBuilder(dict(choices))
    classes = backbone.default_classes if num_classes is None else num_classes
    return backbone.assemble(builder, classes, in_chs)


@lru_cache(maxsize=256)
def shaped_slots(backbone: Backbone, size: int, in_chs: int) -> dict[str, ShapedSlot]:
    """Every slot by name with what goes into it for a size x size image."""
    backbone.check_size(size)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = skeleton(backbone, (), None, in_chs).eval()
        try:
            network(torch.zeros(1, in_chs, size, size))
        except RuntimeError:
            raise InputError(
                f"input_size {size} is too small for {backbone.label()}: a map would be empty"
            ) from None
    empty = [module for module in network.modules() if isinstance(module, EmptySlot)]
    return {module.slot.name: ShapedSlot(module.slot, module.shapes) for module in empty}
