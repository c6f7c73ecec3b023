"""Decisions that act on each other's slots through the width of a bottleneck.

A choice that sets a block's width changes the channels of the slots around it, and so what their
options are, do and cost. Such a leading decision opens those that it acts on. Where that does not
give a tree (two leaders act on one decision, or on each other), they become one joint decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from searchspace.backbones.base import Backbone
from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.space.rules import SlotGroup

JOINT_LIMIT = 20_000
"""Options of one joint decision, at most."""


@dataclass(frozen=True)
class Coupled:
    """A group and the groups that it acts on."""

    group: SlotGroup
    followers: tuple[SlotGroup, ...] = ()


def couple(backbone: Backbone, groups: list[SlotGroup]) -> list[Coupled]:
    """The groups in order, each follower below its leader."""
    while True:
        leaders = _leaders(backbone, groups)
        clash = next(
            (name for name, led in leaders.items() if len(led) > 1 or any(leaders[n] for n in led)),
            None,
        )
        if clash is None:
            break
        groups = _join(groups, {clash, *leaders[clash]})
    followers = {
        group.name: tuple(other for other in groups if group.name in leaders[other.name])
        for group in groups
    }
    return [Coupled(group, followers[group.name]) for group in groups if not leaders[group.name]]


def _leaders(backbone: Backbone, groups: list[SlotGroup]) -> dict[str, set[str]]:
    """For each group by name, the other groups that act on its slots."""
    owner = {slot: group.name for group in groups for slot in group.slots}
    leaders: dict[str, set[str]] = {group.name: set() for group in groups}
    for group in groups:
        wide = {
            (slot, choice.inner_width()): choice
            for _, choices in group.options
            for slot, choice in choices.items()
            if choice.inner_width() is not None
        }
        for (slot, _), choice in wide.items():
            for name in _changed(backbone, {slot: choice}):
                if name in owner and owner[name] != group.name:
                    leaders[owner[name]].add(group.name)
    return leaders


def _changed(backbone: Backbone, choices: Mapping[str, Choice]) -> list[str]:
    """The slots whose shape `choices` change."""
    pairs = zip(backbone.slots(), backbone.slots(choices), strict=True)
    return [before.name for before, after in pairs if before != after]


def _join(groups: list[SlotGroup], names: set[str]) -> list[SlotGroup]:
    """Replace the named groups by one with every combination of their options."""
    members = [group for group in groups if group.name in names]
    count = 1
    for group in members:
        count *= len(group.options)
    if count > JOINT_LIMIT:
        raise InputError(
            f"decisions {', '.join(group.name for group in members)} act on each other's channels "
            f"and have {count} combinations, at most {JOINT_LIMIT} can be joined; tie the slots "
            "of a block in the same way"
        )
    options = []
    for combination in product(*(group.options for group in members)):
        choices: dict[str, Choice] = {}
        for _, part in combination:
            choices.update(part)
        options.append((" & ".join(label for label, _ in combination), choices))
    joint = SlotGroup(
        "+".join(group.name for group in members),
        tuple(slot for group in members for slot in group.slots),
        tuple(options),
    )
    first = groups.index(members[0])
    rest = [group for group in groups if group.name not in names]
    return [*rest[:first], joint, *rest[first:]]
