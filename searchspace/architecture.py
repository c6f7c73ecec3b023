"""An architecture: a backbone and one choice per slot, as a frozen value with one key."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, ClassVar

from torch import nn

from searchspace.backbones.base import DEFAULTS, Backbone, Builder, refusal
from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.placement import placed_labels
from searchspace.resolutions import Resolutions
from searchspace.schema import OMIT_DEFAULT, content_key, from_json, to_json
from searchspace.slot import Slot

LONG = 160
"""Characters of a label that says where choices are."""


@dataclass(frozen=True)
class Architecture:
    """A backbone and the choices in its slots.

    `choices` maps slot names, or patterns with `*`, to choices; a pattern fills the slots that it
    matches and that can take the choice, a plain name must be able to. Later entries win. Slots not
    named keep the backbone's own operator. `resolutions`, if any, are the input sizes that the
    network switches between. Stored canonically: two architectures that compute the same family of
    functions are equal and have the same key.
    """

    backbone: Backbone
    choices: Mapping[str, Choice] = field(default_factory=dict)
    resolutions: Resolutions | None = field(default=None, metadata=OMIT_DEFAULT)

    shared: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", _resolve(self.backbone, self.choices))

    def __hash__(self) -> int:
        return hash((self.backbone, tuple(self.choices.items()), self.resolutions))

    @cached_property
    def key(self) -> str:
        """A content hash of the JSON form, the same on every machine."""
        return content_key(self)

    def slots(self) -> tuple[Slot, ...]:
        """The slots in forward order, with the channels that these choices give them."""
        return self.backbone.slots(self.choices)

    def choice(self, slot: Slot) -> Choice:
        """The choice in a slot."""
        return self.choices.get(slot.name, DEFAULTS[slot.role])

    def label(self) -> str:
        """A short name that no other architecture has: backbone, choices and where they are.

        `coconv(experts=2)` is in every slot that can take it, `coconv(experts=2)@1,3` in those of
        stages 1 and 3, `@2.conv1` in those of stage 2 whose name ends in conv1, `@*.conv1` in those
        of every stage. A label longer than `LONG` has the key's beginning for settings and places.
        """
        sizes = [self.resolutions.label()] if self.resolutions else []
        placed = placed_labels(self.backbone, self.choices)
        label = " + ".join([self.backbone.label(), *placed, *sizes])
        if len(label) <= LONG:
            return label
        kinds = dict.fromkeys(choice.kind for choice in self.choices.values())
        return f"{' + '.join([self.backbone.label(), *kinds, *sizes])} #{self.key[:8]}"

    def training_sizes(self, input_size: int) -> tuple[int, ...]:
        """The input sizes in pixels that it is trained at, the largest first.

        A network without resolutions has the images' own size.
        """
        return self.resolutions.distinct if self.resolutions else (input_size,)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Architecture.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "architecture") -> "Architecture":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)


def _resolve(backbone: Backbone, choices: Mapping[str, Choice]) -> dict[str, Choice]:
    """Expand patterns, check every choice against its slot, canonicalise, drop defaults."""
    names = [slot.name for slot in backbone.slots()]
    filled: dict[str, Choice] = {}
    for pattern, choice in choices.items():
        if pattern in names:
            filled[pattern] = choice
            continue
        if not any(sign in pattern for sign in "*?["):
            why = backbone.no_slot(pattern)
            raise InputError(
                f"{backbone.label()} has no slot {pattern!r}{why and f', {why}'}; "
                f"its slots are {', '.join(names)}"
            )
        taken = [
            slot.name
            for slot in backbone.slots()
            if fnmatchcase(slot.name, pattern) and refusal(choice, slot) is None
        ]
        if not taken:
            raise InputError(_no_slot(backbone, pattern, choice))
        filled.update(dict.fromkeys(taken, choice))
    canonical = {}
    for slot in backbone.slots(filled):
        choice = filled.get(slot.name, DEFAULTS[slot.role])
        reason = refusal(choice, slot)
        if reason:
            raise InputError(f"slot {slot.name!r} cannot take {choice.label()}: {reason}")
        choice = choice.canonical(slot)
        if choice != DEFAULTS[slot.role]:
            canonical[slot.name] = choice
    return canonical


def _no_slot(backbone: Backbone, pattern: str, choice: Choice) -> str:
    """Why a choice fills no slot that a pattern matches, with the slots to choose from."""
    slots = {slot.name: slot for slot in backbone.slots()}
    matched = [slot for name, slot in slots.items() if fnmatchcase(name, pattern)]
    names = ", ".join(slots)
    more = backbone.no_slot(pattern)
    if not matched:
        close = get_close_matches(pattern.strip("*?[]"), slots, n=3, cutoff=0.4)
        nearest = f", the nearest to it {', '.join(close)}" if close else ""
        return (
            f"no slot of {backbone.label()} matches {pattern!r}{more and f' ({more})'}; "
            f"its slots are {names}{nearest}"
        )
    reasons: dict[str, str] = {}
    for slot in matched:
        reasons.setdefault(refusal(choice, slot) or "", slot.name)
    why = "; ".join([f"{name}: {reason}" for reason, name in reasons.items()] + [more] * bool(more))
    return (
        f"no slot of {backbone.label()} matching {pattern!r} can take {choice.label()} "
        f"({why}); its slots are {names}"
    )


def build(architecture: Architecture, num_classes: int | None = None, in_chs: int = 3) -> nn.Module:
    """The network in training form: (N, in_chs, H, W) to logits (N, num_classes).

    `num_classes` defaults to the backbone's own (1000 for ImageNet networks, 10 for CIFAR's).
    Weights are initialised from torch's global generator.
    """
    backbone, resolutions = architecture.backbone, architecture.resolutions
    classes = backbone.default_classes if num_classes is None else num_classes
    network = backbone.assemble(Builder(architecture.choices), classes, in_chs)
    backbone.initialise(network)
    return network if resolutions is None else resolutions.switchable(network)


def deploy(network: nn.Module) -> nn.Module:
    """A copy in eval mode with every operator in its deployed form, where it has one.

    The result computes what `network.eval()` computes, to floating-point tolerance.
    """
    return _deployed(copy.deepcopy(network)).eval()


def _deployed(module: nn.Module) -> nn.Module:
    make = getattr(module, "deployed", None)
    if make is not None:
        replaced: nn.Module = make()
        return replaced
    for name, child in module.named_children():
        setattr(module, name, _deployed(child))
    return module
