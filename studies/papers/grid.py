"""Arms of papers that try the same operators in several networks, and their names."""

from collections.abc import Iterable, Mapping

from searchspace import Architecture, Backbone, Choice
from studies.spec.ablation import Arm

Operators = dict[str, dict[str, Choice]]
"""The choice for each slot pattern, by the arm's name."""


def arm_name(operator: str, network: str) -> str:
    """The arm of an operator in a network; "" is the network that the quick design stands for."""
    return f"{operator}, {network}" if network else operator


def arm_names(operators: Iterable[str], network: str) -> tuple[str, ...]:
    """The arms of several operators in one network."""
    return tuple(arm_name(operator, network) for operator in operators)


def grid(backbones: Mapping[str, Backbone], operators: Operators) -> tuple[Arm, ...]:
    """An arm for every operator in every network, network by network."""
    return tuple(
        Arm(arm_name(operator, network), Architecture(backbone, choices))
        for network, backbone in backbones.items()
        for operator, choices in operators.items()
    )


def in_all_slots(choices: Mapping[str, Choice]) -> Operators:
    """Operators that are one choice in all slots that can take it."""
    return {name: {"*": choice} for name, choice in choices.items()}
