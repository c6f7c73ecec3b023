"""Rules: which options which slots have, and which slots are decided together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from searchspace.checks import check_one_of
from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.slot import Slot

TIES = "slot", "stage", "all"
Tie = Literal["slot", "stage", "all"] | tuple[tuple[str, ...], ...]


class RuleError(InputError):
    """An unusable rule; `rule` and `option` say where it stands, -1 for no certain option."""

    def __init__(self, reason: str, rule: int, option: int = -1) -> None:
        place = f"rules[{rule}]" + (f".options[{option}]" if option >= 0 else "")
        super().__init__(f"{place}: {reason}")
        self.reason, self.rule, self.option = reason, rule, option


@dataclass(frozen=True)
class Rule:
    """Slots, the options that they have, and which of them are decided together.

    `slots` are names or patterns with `*`. A pattern offers an option to the slots that can take
    it, a plain name must be able to. `tie` makes one decision for each slot, for each stage, for
    all, or for each listed group of names and patterns; slots of a group that cannot take an option
    keep the backbone's own operator. A later rule replaces an earlier one in the slots that can
    take any of its options.
    """

    slots: tuple[str, ...]
    options: tuple[Choice, ...]
    tie: Tie = "slot"

    def __post_init__(self) -> None:
        if not self.slots:
            raise InputError("slots must name at least one slot or pattern, got none")
        if not self.options:
            raise InputError("options must hold at least one choice, got none")
        if len(set(self.options)) < len(self.options):
            twice = next(c for c in self.options if self.options.count(c) > 1)
            raise InputError(f"options must differ, got {twice.label()} twice")
        if isinstance(self.tie, str):
            check_one_of(TIES, tie=self.tie)

    @classmethod
    def of(cls, slots: str | Iterable[str], *options: Choice, tie: Tie = "slot") -> "Rule":
        """A rule for one slot or pattern, or for several."""
        return cls((slots,) if isinstance(slots, str) else tuple(slots), options, tie)

    def group(self, slot: Slot) -> str:
        """The name of the decision to which a slot belongs."""
        if self.tie == "slot":
            return slot.name
        patterns = ",".join(self.slots)
        if self.tie == "stage":
            return f"stage{slot.stage}:{patterns}"
        if self.tie == "all":
            return patterns
        listed = [group for group in self.tie if matches(slot.name, group)]
        if len(listed) > 1:
            raise InputError(
                f"contradictory ties: slot {slot.name!r} is in the groups {list(listed[0])} and "
                f"{list(listed[1])}; each slot must be in at most one"
            )
        return ",".join(listed[0]) if listed else slot.name


@dataclass(frozen=True)
class SlotGroup:
    """Slots decided together: each option is the choices it puts into them."""

    name: str
    slots: tuple[str, ...]
    options: tuple[tuple[str, Mapping[str, Choice]], ...]


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a slot's name is one of the names or fits one of the patterns."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Refusal:
    """Why a slot cannot take a choice; a `mistake` is an error, not only something to leave out."""

    reason: str
    mistake: bool = False


Refused = Mapping[tuple[str, Choice], Refusal | None]
"""For a slot's name and a choice, why it cannot take it, or None if it can."""


def groups(slots: tuple[Slot, ...], rules: tuple[Rule, ...], refused: Refused) -> list[SlotGroup]:
    """The decisions that the rules make about these slots, in forward order."""
    winners: dict[str, tuple[int, str]] = {}
    tied: dict[tuple[int, str], list[str]] = {}
    for i, rule in enumerate(rules):
        for slot in slots:
            refusals = [refused[slot.name, choice] for choice in rule.options]
            offered = any(refusal is None or refusal.mistake for refusal in refusals)
            if not offered or not matches(slot.name, rule.slots):
                continue
            try:
                place = i, rule.group(slot)
            except InputError as error:
                raise RuleError(str(error), i) from None
            winners[slot.name] = place
            tied.setdefault(place, []).append(slot.name)
    _check_ties(winners, tied)
    decided = dict.fromkeys(winners[slot.name] for slot in slots if slot.name in winners)
    names: dict[str, int] = {}
    slot_groups = []
    for place in decided:
        i, name = place
        names[name] = names.get(name, 0) + 1
        unique = name if names[name] == 1 else f"{name}~{names[name]}"
        slot_groups.append(_group(unique, tuple(tied[place]), (i, rules[i]), refused))
    return slot_groups


def _check_ties(
    winners: Mapping[str, tuple[int, str]], tied: Mapping[tuple[int, str], list[str]]
) -> None:
    """A rule must replace all of a group that an earlier one tied, or nothing of it."""
    for place, members in tied.items():
        kept = [name for name in members if winners[name] == place]
        lost = [name for name in members if winners[name] != place]
        if kept and lost:
            other = winners[lost[0]][0]
            raise RuleError(
                f"contradictory ties: rules[{place[0]}] ties slot {lost[0]!r} to {kept[0]!r}, but "
                f"this rule decides {lost[0]!r} anew; it must decide all of them or none",
                other,
            )


def _group(
    name: str, slots: tuple[str, ...], numbered: tuple[int, Rule], refused: Refused
) -> SlotGroup:
    i, rule = numbered
    options = []
    for k, choice in enumerate(rule.options):
        refusals = {slot: refused[slot, choice] for slot in slots}
        for slot, refusal in refusals.items():
            if refusal and refusal.mistake:
                raise RuleError(refusal_text(slot, choice, refusal), i, k)
        taken = [slot for slot, refusal in refusals.items() if refusal is None]
        if taken:
            options.append((choice.label(), dict.fromkeys(taken, choice)))
    return SlotGroup(name, slots, tuple(options))


def refusal_text(slot: str, choice: Choice, refusal: Refusal) -> str:
    """The sentence that says that a slot cannot take a choice."""
    return f"slot {slot!r} cannot take {choice.label()}: {refusal.reason}"
