"""Names and grids of arms, for papers that try the same operators in several networks."""

from collections.abc import Iterable, Mapping, Sequence

from searchspace import Architecture, Backbone, Choice
from studies.spec.ablation import Arm, Published

Settings = dict[str, dict[str, Choice]]
"""What to put into which slots, by the arm's name."""


def on(arm: str, network: str) -> str:
    """The arm's name in a network; "" is the one that the quick design stands for."""
    return f"{arm}, {network}" if network else arm


def grid(backbones: Mapping[str, Backbone], settings: Settings) -> tuple[Arm, ...]:
    """Every setting in every network, network by network."""
    return tuple(
        Arm(on(name, network), Architecture(backbone, choices))
        for network, backbone in backbones.items()
        for name, choices in settings.items()
    )


def everywhere(choices: Mapping[str, Choice]) -> Settings:
    """Settings that put one choice into all slots that can take it."""
    return {name: {"*": choice} for name, choice in choices.items()}


def names(arms: Iterable[str], network: str) -> tuple[str, ...]:
    """The names of several arms in a network."""
    return tuple(on(arm, network) for arm in arms)


def printed(
    source: str, task: str, arms: Iterable[str], rows: Mapping[str, Sequence[float]]
) -> tuple[Published, ...]:
    """A printed table: for each network its accuracies, in the order of `arms`."""
    columns = tuple(arms)
    return tuple(
        Published(task, on(arm, network), accuracy, source)
        for network, accuracies in rows.items()
        for arm, accuracy in zip(columns, accuracies, strict=True)
    )
