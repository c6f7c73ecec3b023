"""A space as a tree of decision variables, some of which exist only under an option of another.

A decision variable has options; an option may open further decisions. Decisions side by side are
independent. So sizes multiply along a list of decisions and add over the options of one, and
everything else (counting, sampling, mutation, pricing) is a walk over the same tree.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

from searchspace.errors import InputError

BACKBONE, RESOLUTIONS = "backbone", "resolutions"
"""What the first two decisions set; all others set slots."""


@dataclass(frozen=True, eq=False)
class Option:
    """One option: what it sets (slot names to canonical choices) and the decisions it opens."""

    label: str
    sets: Mapping[str, Any]
    then: tuple["DecisionVariable", ...] = ()

    @cached_property
    def size(self) -> int:
        """How many networks have this option."""
        return prod(decision.size for decision in self.then)


@dataclass(frozen=True, eq=False)
class DecisionVariable:
    """A categorical variable: one of its options is taken, and no two mean the same.

    `names` are the slots (or BACKBONE, RESOLUTIONS) that it decides. `index_of` maps what an option
    sets there, and `labels` an option's label, to the option's place.
    """

    name: str
    names: tuple[str, ...]
    options: tuple[Option, ...]
    index_of: dict[tuple[Any, ...], int] = field(init=False, repr=False)
    labels: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index_of = {self.read(option.sets): i for i, option in enumerate(self.options)}
        labels = {option.label: i for i, option in enumerate(self.options)}
        if not len(index_of) == len(labels) == len(self.options) > 0:
            raise InputError(
                f"the options of {self.name} must be one or more, with distinct labels and "
                f"effects, got {', '.join(option.label for option in self.options) or 'none'}"
            )
        object.__setattr__(self, "index_of", index_of)
        object.__setattr__(self, "labels", labels)

    def read(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """What `values` holds for `names`; None for a default."""
        return tuple(values.get(name) for name in self.names)

    @cached_property
    def size(self) -> int:
        """How many ways to make this decision and those that it opens."""
        return sum(option.size for option in self.options)

    @cached_property
    def weights(self) -> list[float]:
        """The share of the networks that has each option."""
        return [option.size / self.size for option in self.options]


Path = list[tuple[DecisionVariable, Option]]
"""The option taken of every decision that is made, in the order of the walk."""

Pick = Callable[[DecisionVariable], Option]
"""Takes one option of a decision."""


def walk(decisions: Sequence[DecisionVariable], pick: Pick) -> Path:
    """Make every decision with `pick`, in order, each followed by those it opens."""
    path: Path = []
    for decision in decisions:
        option = pick(decision)
        path.append((decision, option))
        path += walk(option.then, pick)
    return path


def all_decisions(decisions: Sequence[DecisionVariable]) -> Iterator[DecisionVariable]:
    """Every decision of a tree; one that several options share comes several times."""
    for decision in decisions:
        yield decision
        for option in decision.options:
            yield from all_decisions(option.then)


def at(decisions: Sequence[DecisionVariable], index: int) -> Path:
    """The path with number `index`, counting from 0."""
    path: Path = []
    for decision in reversed(decisions):
        index, digit = divmod(index, decision.size)
        path = _at_decision(decision, digit) + path
    return path


def _at_decision(decision: DecisionVariable, index: int) -> Path:
    for option in decision.options:
        if index < option.size:
            return [(decision, option), *at(option.then, index)]
        index -= option.size
    raise AssertionError(decision.name)


def number(decisions: Sequence[DecisionVariable], pick: Pick) -> int:
    """The number of the path that `pick` takes; the inverse of `at`."""
    index = 0
    for decision in decisions:
        taken = pick(decision)
        before = 0
        for option in decision.options:
            if option is taken:
                break
            before += option.size
        index = index * decision.size + before + number(taken.then, pick)
    return index


def extreme(
    decisions: Sequence[DecisionVariable],
    costs: Callable[[DecisionVariable], Sequence[int]],
    pick: Callable[[list[int]], int],
) -> tuple[int, Path]:
    """The path with the least or greatest total of its options' costs; `pick` is min or max."""
    total, path = 0, []
    for decision in decisions:
        below = [extreme(option.then, costs, pick) for option in decision.options]
        sums = [own + rest for own, (rest, _) in zip(costs(decision), below, strict=True)]
        best = sums.index(pick(sums))
        total += sums[best]
        path += [(decision, decision.options[best]), *below[best][1]]
    return total, path
