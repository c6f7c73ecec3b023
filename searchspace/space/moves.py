"""Neighbours, mutation and crossover on paths; every result is a path of the tree.

`space.path(network)` is a network's path, `architecture_of(path)` the way back. Limits on cost are
left aside: `space.fits` tests the children.
"""

from collections.abc import Iterator, Sequence
from random import Random

from searchspace.space.tree import DecisionVariable, Option, Path, walk


def neighbours(root: Sequence[DecisionVariable], path: Path) -> Iterator[Path]:
    """Every path that differs in one decision, and in what must follow from it."""
    for decision, taken in path:
        for option in decision.options:
            if option is not taken:
                yield _replaced(root, path, decision, option, None)


def mutate(root: Sequence[DecisionVariable], path: Path, rng: Random) -> Path:
    """One decision, drawn uniformly, made differently; the same path if there is only one."""
    open_decisions = [step for step in path if len(step[0].options) > 1]
    if not open_decisions:
        return path
    decision, taken = rng.choice(open_decisions)
    option = rng.choice([option for option in decision.options if option is not taken])
    return _replaced(root, path, decision, option, rng)


def crossover(root: Sequence[DecisionVariable], first: Path, second: Path, rng: Random) -> Path:
    """Uniform crossover: each decision as in one of the two, drawn anew each time."""
    parents = [_labels(first), _labels(second)]

    def pick(decision: DecisionVariable) -> Option:
        for parent in rng.sample(parents, 2):
            label = parent.get(decision.name)
            if label in decision.labels:
                return decision.options[decision.labels[label]]
        return draw(decision, rng)

    return walk(root, pick)


def draw(decision: DecisionVariable, rng: Random) -> Option:
    """An option, with a probability in proportion to the networks that have it."""
    index = rng.randrange(decision.size)
    for option in decision.options:
        if index < option.size:
            return option
        index -= option.size
    raise AssertionError(decision.name)


def _labels(path: Path) -> dict[str, str]:
    return {decision.name: option.label for decision, option in path}


def _replaced(
    root: Sequence[DecisionVariable],
    path: Path,
    changed: DecisionVariable,
    to: Option,
    rng: Random | None,
) -> Path:
    """`path` with one decision changed; the others stay where they can.

    A decision that cannot stay takes its first option, or one drawn by `rng`.
    """
    labels = _labels(path)

    def pick(decision: DecisionVariable) -> Option:
        if decision is changed:
            return to
        label = labels.get(decision.name)
        if label in decision.labels:
            return decision.options[decision.labels[label]]
        return decision.options[0] if rng is None else draw(decision, rng)

    return walk(root, pick)
