"""From a backbone and rules to a tree of decisions in which every path is one network."""

from collections.abc import Mapping

from searchspace.backbones.base import DEFAULTS, Backbone, refusal
from searchspace.choice import Choice
from searchspace.slot import Slot
from searchspace.space.coupling import Coupled, couple
from searchspace.space.rules import Group, Refusal, Rule, RuleError, groups, matches, refusal_text
from searchspace.space.skeleton import Place, places
from searchspace.space.tree import Decision, Option


def decisions(
    backbone: Backbone, rules: tuple[Rule, ...], size: int, in_chs: int
) -> tuple[Decision, ...]:
    """The decisions that rules make about a backbone, for size x size images."""
    refused = refusals(backbone, rules, size, in_chs)
    found = []
    for coupled in couple(backbone, groups(backbone.slots(), rules, refused)):
        decision = _decision(backbone, coupled)
        if len(decision.options) > 1 or decision.options[0].sets or decision.options[0].then:
            found.append(decision)
    return tuple(found)


def refusals(
    backbone: Backbone, rules: tuple[Rule, ...], size: int, in_chs: int
) -> dict[tuple[str, Choice], Refusal | None]:
    """For each slot and each choice of any rule, why the slot cannot take it, or None."""
    there = places(backbone, size, in_chs)
    distinct = dict.fromkeys(choice for rule in rules for choice in rule.options)
    answers: dict[tuple[Place, Choice], Refusal | None] = {}
    refused = {}
    for choice in distinct:
        for slot in backbone.slots():
            key = there[slot.name].alike(), choice
            if key not in answers:
                answers[key] = _refusal(backbone, choice, there[slot.name])
            refused[slot.name, choice] = answers[key]
    return refused


def _refusal(backbone: Backbone, choice: Choice, place: Place) -> Refusal | None:
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
    answers = [refusals(backbone, rules, size, in_chs) for backbone in backbones]
    for i, rule in enumerate(rules):
        for pattern in rule.slots:
            _check_pattern(pattern, i, backbones)
        for k, choice in enumerate(rule.options):
            reasons = {
                name: reason
                for refused in answers
                for (name, asked), reason in refused.items()
                if asked == choice and matches(name, rule.slots)
            }
            _check_option(rule, choice, reasons, (i, k))


def _check_pattern(pattern: str, rule: int, backbones: tuple[Backbone, ...]) -> None:
    slots = dict.fromkeys(slot.name for backbone in backbones for slot in backbone.slots())
    if not any(matches(name, (pattern,)) for name in slots):
        raise RuleError(
            f"no slot is called or fits {pattern!r}; the slots are {', '.join(slots)}", rule
        )


def _check_option(
    rule: Rule, choice: Choice, answers: dict[str, Refusal | None], place: tuple[int, int]
) -> None:
    """`answers` are why each slot that fits the rule refuses, None where it does not."""
    refused = [(name, answer) for name, answer in answers.items() if answer]
    named = [(name, answer) for name, answer in refused if name in rule.slots]
    if named or len(refused) == len(answers):
        # A mistake tells more than a slot of another kind.
        name, answer = max(named or refused, key=lambda pair: pair[1].mistake)
        raise RuleError(refusal_text(name, choice, answer), *place)


def _decision(backbone: Backbone, coupled: Coupled) -> Decision:
    """The canonical options of a leading group, each with what its followers' options then are."""
    options: dict[tuple[tuple[str, Choice], ...], Option] = {}
    for label, choices in coupled.group.options:
        sets = canonical(backbone, coupled.group.slots, choices, {})
        then = tuple(_follower(backbone, group, sets) for group in coupled.followers)
        options.setdefault(tuple(sets.items()), Option(label, sets, then))
    return Decision(coupled.group.name, coupled.group.slots, tuple(options.values()))


def _follower(backbone: Backbone, group: Group, leading: Mapping[str, Choice]) -> Decision:
    options: dict[tuple[tuple[str, Choice], ...], Option] = {}
    for label, choices in group.options:
        sets = canonical(backbone, group.slots, choices, leading)
        options.setdefault(tuple(sets.items()), Option(label, sets))
    return Decision(group.name, group.slots, tuple(options.values()))


def canonical(
    backbone: Backbone,
    names: tuple[str, ...],
    choices: Mapping[str, Choice],
    leading: Mapping[str, Choice],
) -> dict[str, Choice]:
    """The canonical choices in the named slots, defaults and what cannot be there left out."""
    shaped = _shaped(backbone, {**leading, **choices})
    found = {}
    for name in names:
        slot = shaped[name]
        choice = choices.get(name, DEFAULTS[slot.role])
        if refusal(choice, slot) is None:
            choice = choice.canonical(slot)
            if choice != DEFAULTS[slot.role]:
                found[name] = choice
    return found


def _shaped(backbone: Backbone, choices: Mapping[str, Choice]) -> dict[str, Slot]:
    return {slot.name: slot for slot in backbone.slots(choices)}
