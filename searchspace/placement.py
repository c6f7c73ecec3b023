"""Choices and the slots that hold them, in the short notation of an architecture's label."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

from searchspace.backbones.base import Backbone, refusal
from searchspace.choice import Choice
from searchspace.slot import Slot

K = TypeVar("K", bound=Hashable)


def placed_labels(backbone: Backbone, choices: Mapping[str, Choice]) -> list[str]:
    """The label of each distinct choice with the slots of `backbone` that hold it."""
    places: dict[Choice, set[str]] = {}
    for name, choice in choices.items():
        places.setdefault(choice, set()).add(name)
    wide = tuple(sorted((n, c) for n, c in choices.items() if c.inner_width() is not None))
    return [
        choice.label() + _place(_fitting(backbone, wide, choice), frozenset(names))
        for choice, names in places.items()
    ]


@lru_cache(maxsize=4096)
def _fitting(
    backbone: Backbone, wide: tuple[tuple[str, Choice], ...], choice: Choice
) -> tuple[Slot, ...]:
    """The slots that can take a choice, beside the choices that set widths."""
    slots = backbone.slots(dict(wide))
    return tuple(slot for slot in slots if refusal(choice, slot) is None)


@lru_cache(maxsize=4096)
def _place(fitting: tuple[Slot, ...], names: frozenset[str]) -> str:
    """The slots of these names among those that fit: nothing if all, else stages and endings."""
    if len(names) == len(fitting):
        return ""
    stages = _groups(fitting, lambda slot: slot.stage)
    ends = {stage: _ending(slots, names) for stage, slots in stages.items()}
    endings = set(ends.values())
    if len(ends) > 1 and len(endings) == 1 and _in_every_stage(ends):
        return f"@*{endings.pop()}"
    pieces = [
        f"{stage}{ending}" if ending[:1] in ("", ".", ":") else ending
        for stage, ending in ends.items()
        if ending is not None
    ]
    return f"@{','.join(pieces)}"


def _in_every_stage(ends: Mapping[int, str | None]) -> bool:
    """Whether stages share one ending, which is no list of names."""
    return all(ending is not None and ending[:1] in (".", ":") for ending in ends.values())


def _ending(slots: Iterable[Slot], names: frozenset[str]) -> str | None:
    """The slots of these names among those of one stage.

    None if none is and an empty text if all are; `.conv1` for all whose name ends in it,
    `:shortcut` for all of a position; else the slots' names.
    """
    slots = tuple(slots)
    taken = [slot.name for slot in slots if slot.name in names]
    if not taken or len(taken) == len(slots):
        return "" if taken else None
    for sign, key in ((".", _last_word), (":", _position)):
        groups = _groups(slots, key)
        whole = [word for word, group in groups.items() if all(s.name in names for s in group)]
        if sum(len(groups[word]) for word in whole) == len(taken):
            return sign + "+".join(whole)
    return ",".join(taken)


def _groups(slots: Iterable[Slot], key: Callable[[Slot], K]) -> dict[K, list[Slot]]:
    groups: dict[K, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(key(slot), []).append(slot)
    return groups


def _last_word(slot: Slot) -> str:
    """The last part of a slot's name that is no number."""
    return next((part for part in reversed(slot.name.split(".")) if not part.isdigit()), slot.name)


def _position(slot: Slot) -> str:
    return slot.position
