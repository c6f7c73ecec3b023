"""What the studies of Multiception share: networks, places, and each dataset's protocol.

Arms without a network in their name are the paper's ResNet-50 of basic blocks, the one network on
all of its datasets, and a small ResNet in quick designs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from searchspace import Architecture, Backbone, Choice
from searchspace.paper_networks.multiception import (
    MOBILENET,
    RESNET20,
    RESNET50,
    RESNET56,
    SE,
    SHAKE,
    first_convolutions,
    joined_convolutions,
)
from studies.papers import quick
from studies.papers.grid import arm_name
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from trainers import RECIPES, Cifar10, Cifar100, ImageNet32, Recipe, Stl10, Task

RESNET, SMALL, SENET, SHAKENET = "", "ResNet-20", "SeNet-56", "ShakeNet-26-2x96d"
MOBILE = "MobileNet-V2"

NETWORKS: dict[str, tuple[Backbone, Mapping[str, Choice]]] = {
    RESNET: (RESNET50, {}),
    SMALL: (RESNET20, {}),
    SENET: (RESNET56, SE),
    SHAKENET: (SHAKE, {}),
}

Stages = Mapping[int, Choice]
"""The choice for the first 3x3 of every block, by stage; an empty mapping is the standard one."""


@dataclass(frozen=True)
class DatasetProtocol:
    """A dataset of Section IV with its recipe and the networks that were trained on it."""

    task: Task
    recipe: Recipe
    networks: tuple[str, ...]


PROTOCOLS = {
    "paper": DatasetProtocol(Cifar10(), RECIPES["multiception"], tuple(NETWORKS)),
    "paper_cifar100": DatasetProtocol(Cifar100(), RECIPES["multiception"], (RESNET, SHAKENET)),
    "paper_stl10": DatasetProtocol(Stl10(), RECIPES["multiception_stl10"], (RESNET,)),
    "paper_imagenet32": DatasetProtocol(
        ImageNet32(), RECIPES["multiception_imagenet32"], (RESNET,)
    ),
}
"""By preset."""

NOTE = (
    "The protocol of Section IV, three runs and the last epoch. DSConv and MixConv are those of "
    "the authors' code: no norm between DSConv's two convolutions, a MixConv of dense 3x3, 5x5 and "
    "7x7 convolutions in every stage, without a 1x1 and without a norm."
)


def paper_design(
    preset: str,
    settings: Mapping[str, Stages],
    claims: Iterable[Claim],
    *,
    networks: tuple[str, ...] | None = None,
    note: str = NOTE,
    more: Iterable[Arm] = (),
) -> Design:
    """The protocol of a preset: every setting in its networks or in those given, and `more`."""
    protocol = PROTOCOLS[preset]
    return Design(
        arms=tuple(
            Arm(arm_name(name, network), _architecture(*NETWORKS[network], stages))
            for network in networks or protocol.networks
            for name, stages in settings.items()
        )
        + tuple(more),
        tasks=(protocol.task,),
        recipe=protocol.recipe,
        seeds=3,
        note=note,
        is_paper_protocol=True,
        claims=tuple(claims),
    )


def mobile_arms(settings: Mapping[str, Stages]) -> tuple[Arm, ...]:
    """Every setting in the MobileNetV2 of Table 2."""
    return tuple(
        Arm(arm_name(name, MOBILE), Architecture(MOBILENET, joined_convolutions(stages)))
        for name, stages in settings.items()
    )


def quick_designs(settings: Mapping[str, Stages], *claims: Claim) -> dict[str, Design]:
    """Every setting in the small ResNet of all quick designs."""
    arms = (Arm(name, _architecture(quick.NETWORK, {}, s)) for name, s in settings.items())
    return quick.plain_designs(arms, *claims, tune=quick.RATES)


def _architecture(backbone: Backbone, others: Mapping[str, Choice], stages: Stages) -> Architecture:
    return Architecture(backbone, {**others, **first_convolutions(backbone, stages)})
