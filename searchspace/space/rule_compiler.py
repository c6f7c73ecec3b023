"""Compiles rules on a backbone to a tree of decisions in which every path is one network."""

from collections.abc import Mapping

from searchspace.backbones.base import DEFAULTS, Backbone, refusal
from searchspace.choice import Choice
from searchspace.slot import Slot
from searchspace.space.costs.skeleton import ShapedSlot, shaped_slots
from searchspace.space.rules import (
    Refusal,
    Rule,
    RuleError,
    SlotGroup,
    groups,
    matches,
    refusal_text,
)
from searchspace.space.tree import DecisionVariable, Option
from searchspace.space.width_coupling import Coupled, couple


def decisions(
    backbone: Backbone, rules: tuple[Rule, ...], size: int, in_chs: int
) -> tuple[DecisionVariable, ...]:
    """The decisions that rules make about a backbone, for size x size images."""
    refused = refusals(backbone, rules, size, in_chs)
    decided = []
    for coupled in couple(backbone, groups(backbone.slots(), rules, refused)):
        decision = _decision(backbone, coupled)
        if len(decision.options) > 1 or decision.options[0].sets or decision.options[0].then:
            decided.append(decision)
    return tuple(decided)


def refusals(
    backbone: Backbone, rules: tuple[Rule, ...], size: int, in_chs: int
) -> dict[tuple[str, Choice], Refusal | None]:
    """For each slot and each choice of any rule, why the slot cannot take it, or None."""
    shaped = shaped_slots(backbone, size, in_chs)
    distinct = dict.fromkeys(choice for rule in rules for choice in rule.options)
    by_shape: dict[tuple[ShapedSlot, Choice], Refusal | None] = {}
    refused = {}
    for choice in distinct:
        for slot in backbone.slots():
            key = shaped[slot.name].nameless(), choice
            if key not in by_shape:
                by_shape[key] = _refusal(backbone, choice, shaped[slot.name])
            refused[slot.name, choice] = by_shape[key]
    return refused


def _refusal(backbone: Backbone, choice: Choice, place: ShapedSlot) -> Refusal | None:
    reason = refusal(choice, place.slot)
    if reason is None and choice.inner_width() is not None:
        shaped = _shaped(backbone, {place.slot.name: choice})
        reason = refusal(choice, shaped[place.slot.name])
    if reason:
        return Refusal(reason)
    largest = max(getattr(choice, "kernels", ()), default=0)
    if largest > place.kernel_limit:
        height, width = place.inputs[0][2:]
        return Refusal(f"kernel {largest} is larger than its {height}x{width} map", mistake=True)
    return None


def check_rules(
    backbones: tuple[Backbone, ...], rules: tuple[Rule, ...], size: int, in_chs: int
) -> None:
    """Raise a RuleError for a rule that fits no slot and for an option that no slot can take."""
    refused_by = [refusals(backbone, rules, size, in_chs) for backbone in backbones]
    for i, rule in enumerate(rules):
        for pattern in rule.slots:
            _check_pattern(pattern, i, backbones)
        for k, choice in enumerate(rule.options):
            reasons = {
                name: reason
                for refused in refused_by
                for (name, option), reason in refused.items()
                if option == choice and matches(name, rule.slots)
            }
            _check_option(rule, choice, reasons, (i, k))


def _check_pattern(pattern: str, rule: int, backbones: tuple[Backbone, ...]) -> None:
    slots = dict.fromkeys(slot.name for backbone in backbones for slot in backbone.slots())
    if not any(matches(name, (pattern,)) for name in slots):
        raise RuleError(
            f"no slot is called or fits {pattern!r}; the slots are {', '.join(slots)}", rule
        )


def _check_option(
    rule: Rule, choice: Choice, refused: dict[str, Refusal | None], place: tuple[int, int]
) -> None:
    """`refused` holds, for each slot that fits the rule, why it refuses; None where it does not."""
    reasons = [(name, refusal) for name, refusal in refused.items() if refusal]
    named = [(name, refusal) for name, refusal in reasons if name in rule.slots]
    if named or len(reasons) == len(refused):
        # A mistake tells more than a slot of another kind.
        name, reason = max(named or reasons, key=lambda pair: pair[1].mistake)
        raise RuleError(refusal_text(name, choice, reason), *place)


def _decision(backbone: Backbone, coupled: Coupled) -> DecisionVariable:
    """The canonical options of a leading group, each with what its followers' options then are."""
    options: dict[tuple[tuple[str, Choice], ...], Option] = {}
    for label, choices in coupled.group.options:
        sets = canonical(backbone, coupled.group.slots, choices, {})
        then = tuple(_follower(backbone, group, sets) for group in coupled.followers)
        options.setdefault(tuple(sets.items()), Option(label, sets, then))
    return DecisionVariable(coupled.group.name, coupled.group.slots, tuple(options.values()))


def _follower(
    backbone: Backbone, group: SlotGroup, leading: Mapping[str, Choice]
) -> DecisionVariable:
    options: dict[tuple[tuple[str, Choice], ...], Option] = {}
    for label, choices in group.options:
        sets = canonical(backbone, group.slots, choices, leading)
        options.setdefault(tuple(sets.items()), Option(label, sets))
    return DecisionVariable(group.name, group.slots, tuple(options.values()))


def canonical(
    backbone: Backbone,
    names: tuple[str, ...],
    choices: Mapping[str, Choice],
    leading: Mapping[str, Choice],
) -> dict[str, Choice]:
    """The canonical choices in the named slots, defaults and what cannot be there left out."""
    shaped = _shaped(backbone, {**leading, **choices})
    kept = {}
    for name in names:
        slot = shaped[name]
        choice = choices.get(name, DEFAULTS[slot.role])
        if refusal(choice, slot) is None:
            choice = choice.canonical(slot)
            if choice != DEFAULTS[slot.role]:
                kept[name] = choice
    return kept


def _shaped(backbone: Backbone, choices: Mapping[str, Choice]) -> dict[str, Slot]:
    return {slot.name: slot for slot in backbone.slots(choices)}
