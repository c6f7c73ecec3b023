"""Cost terms: what each option of each decision adds to a network's cost, measured once.

The cost of a network is that of its skeleton plus that of the operator in each slot. Modules are
built and counted by fvcore, as whole networks are (`searchspace.cost`); equal choices in slots of
equal shape are counted once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from searchspace.architecture import deploy
from searchspace.backbones.base import DEFAULTS, Backbone
from searchspace.choice import Choice
from searchspace.cost import Cost, Form, measure_module
from searchspace.layers.norms import PrivateBatchNorm2d
from searchspace.resolutions import Resolutions
from searchspace.slot import Slot
from searchspace.space.costs.skeleton import (
    EmptySlot,
    ShapedSlot,
    shaped_slots,
    shaping_only,
    skeleton,
)
from searchspace.space.tree import DecisionVariable, Option, all_decisions

Choices = Mapping[str, Choice]


@dataclass(frozen=True)
class CostTerms:
    """Costs of the options of every decision under one backbone."""

    fixed: Cost
    options: dict[DecisionVariable, list[Cost]]


@dataclass
class TermCounter:
    """Measures the cost terms of networks in one form, for size x size images.

    `entries` caches what was measured, by choice and shape.
    """

    form: Form
    size: int
    num_classes: int | None
    in_chs: int
    entries: dict[object, Cost] = field(default_factory=dict)
    resolutions: Resolutions | None = None

    def with_resolutions(self, resolutions: Resolutions | None) -> "TermCounter":
        """A counter for networks that switch between sizes; it shares `entries`."""
        return replace(self, resolutions=resolutions)

    def terms(self, backbone: Backbone, decisions: Sequence[DecisionVariable]) -> CostTerms:
        """The fixed cost and what each option adds to it."""
        slots = shaped_slots(backbone, self.size, self.in_chs)
        decided = {name for decision in all_decisions(decisions) for name in decision.names}
        fixed = self._skeleton(backbone, {})
        for name, place in slots.items():
            if name not in decided:
                fixed = add(fixed, self._operator(None, place))
        options: dict[DecisionVariable, list[Cost]] = {}
        for decision in decisions:
            options[decision] = []
            for option in decision.options:
                options[decision].append(self._leading(backbone, decision, option, decided))
                shaped = self._shaped(backbone, option.sets)
                for follower in option.then:
                    options[follower] = [
                        self._slots(follower, way.sets, shaped) for way in follower.options
                    ]
        return CostTerms(fixed, options)

    def _leading(
        self, backbone: Backbone, decision: DecisionVariable, option: Option, decided: set[str]
    ) -> Cost:
        """The cost of its slots and of the blocks that they reshape, without followers."""
        shaped = self._shaped(backbone, option.sets)
        cost = self._slots(decision, option.sets, shaped)
        if not shaping_only(option.sets):
            return cost
        cost = add(cost, self._reshaping(backbone, option.sets, shaped))
        for name, place in shaped_slots(backbone, self.size, self.in_chs).items():
            if name not in decided and shaped[name] != place:
                cost = add(cost, self._operator(None, shaped[name]))
                cost = add(cost, self._operator(None, place), -1)
        return cost

    def _slots(
        self, decision: DecisionVariable, sets: Choices, shaped: Mapping[str, ShapedSlot]
    ) -> Cost:
        total = Cost(0, 0)
        for name in decision.names:
            total = add(total, self._operator(sets.get(name), shaped[name]))
        return total

    def _shaped(self, backbone: Backbone, sets: Choices) -> dict[str, ShapedSlot]:
        slots = shaped_slots(backbone, self.size, self.in_chs)
        usual = {slot.name: slot for slot in backbone.slots()}
        # Of a slot that reads the image, the channels are those of the images.
        return {
            slot.name: slots[slot.name]
            if slot == usual[slot.name]
            else slots[slot.name].with_slot(slot)
            for slot in backbone.slots(sets)
        }

    def _operator(self, choice: Choice | None, place: ShapedSlot) -> Cost:
        """The cost of a choice (None: the default) in a place."""
        chosen = choice or DEFAULTS[place.slot.role]
        key = chosen, place.nameless()
        if key not in self.entries:
            self.entries[key] = self._measure(_Alone(chosen, place.slot), place.inputs)
        if self.resolutions is None:
            return self.entries[key]
        switched = *key, self.resolutions.norms, len(self.resolutions.distinct)
        if switched not in self.entries:
            module = _Alone(chosen, place.slot)
            several = any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
            self.entries[switched] = (
                self._measure(self.resolutions.privatise(module), place.inputs)
                if several
                else self.entries[key]
            )
        return self.entries[switched]

    def _reshaping(
        self, backbone: Backbone, sets: Choices, shaped: Mapping[str, ShapedSlot]
    ) -> Cost:
        """The extra cost of the skeleton when `sets` shape its blocks; equal ones counted once."""
        slots = shaped_slots(backbone, self.size, self.in_chs)
        requested = [
            (choice.inner_width(), choice.normalised, slots[name].nameless())
            for name, choice in shaping_only(sets)
        ]
        changed = [(slots[n].nameless(), p.nameless()) for n, p in shaped.items() if p != slots[n]]
        key = backbone, self.resolutions, tuple(requested), tuple(changed)
        if key not in self.entries:
            self.entries[key] = self._difference(backbone, sets)
        return self.entries[key]

    def _difference(self, backbone: Backbone, sets: Choices) -> Cost:
        base, shaped = self._bare(backbone, {}), self._bare(backbone, sets)
        if _all_free(base, shaped):
            return Cost(0, _params(shaped) - _params(base))
        return add(self._skeleton(backbone, sets), self._skeleton(backbone, {}), -1)

    def _bare(self, backbone: Backbone, sets: Choices) -> nn.Module:
        with torch.device("meta"):
            network = skeleton(backbone, shaping_only(sets), self.num_classes, self.in_chs)
            return self.resolutions.privatise(network) if self.resolutions else network

    def _skeleton(self, backbone: Backbone, sets: Choices) -> Cost:
        key = backbone, self.resolutions, shaping_only(sets)
        if key not in self.entries:
            network = skeleton(backbone, shaping_only(sets), self.num_classes, self.in_chs)
            if self.resolutions is not None:
                self.resolutions.switchable(network)
            image = (1, self.in_chs, self.size, self.size)
            self.entries[key] = self._measure(network, (image,))
        return self.entries[key]

    def _measure(self, module: nn.Module, inputs: Sequence[tuple[int, ...]]) -> Cost:
        if self.form == "deployed":
            module = deploy(module)
        return measure_module(module, *inputs)


class _Alone(nn.Module):
    """One operator outside its network."""

    def __init__(self, choice: Choice, slot: Slot) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.operator = choice.module(slot)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.operator(*inputs)


def add(first: Cost, second: Cost, times: int = 1) -> Cost:
    """First + times * second."""
    return Cost(first.macs + times * second.macs, first.params + times * second.params)


FREE_MODULES = nn.BatchNorm2d, PrivateBatchNorm2d, nn.ReLU, nn.Identity, EmptySlot
"""Modules without multiply-accumulates: skeletons that differ in these alone need no counting."""


def _all_free(first: nn.Module, second: nn.Module) -> bool:
    """Whether two skeletons differ in free modules only."""
    counted = [
        {
            name: repr(module)
            for name, module in network.named_modules()
            if not list(module.children()) and not isinstance(module, FREE_MODULES)
        }
        for network in (first, second)
    ]
    return counted[0] == counted[1]


def _params(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
