"""From a path of decisions to the architecture that it makes, and back."""

from collections.abc import Sequence
from typing import Any

from searchspace.architecture import Architecture
from searchspace.errors import InputError
from searchspace.space.tree import BACKBONE, RESOLUTIONS, DecisionVariable, Option, Path, walk


def architecture_of(path: Path) -> Architecture:
    """The network that the decisions of a path make."""
    values = {name: value for _, option in path for name, value in option.sets.items()}
    backbone, resolutions = values.pop(BACKBONE), values.pop(RESOLUTIONS)
    return Architecture(backbone, values, resolutions)


def path_of(root: Sequence[DecisionVariable], architecture: Architecture) -> Path:
    """The decisions that make a network; an InputError if it is not in the space."""
    values: dict[str, Any] = {BACKBONE: architecture.backbone, **architecture.choices}
    if architecture.resolutions is not None:
        values[RESOLUTIONS] = architecture.resolutions

    def pick(decision: DecisionVariable) -> Option:
        index = decision.index_of.get(decision.read(values))
        if index is None:
            set_here = {name: values[name] for name in decision.names if name in values}
            shown = ", ".join(f"{n}={c.label()}" for n, c in set_here.items()) or "the default"
            raise InputError(
                f"{architecture.label()} is not in the space: {decision.name} has no option "
                f"{shown}; it has {', '.join(decision.labels)}"
            )
        return decision.options[index]

    path = walk(root, pick)
    decided = {name for _, option in path for name in option.sets}
    for name in architecture.choices:
        if name not in decided:
            raise InputError(
                f"{architecture.label()} is not in the space, which decides nothing in {name!r}"
            )
    return path
