"""What the studies of MS-SAR share: networks, the quick setting and the paper's protocol."""

from dataclasses import replace

from searchspace import (
    Architecture,
    Backbone,
    Choice,
    DenseNet,
    MultiScaleRecalibration,
    ResNetCifar,
)
from searchspace.operators.mssar import REDUCTIONS
from studies.papers import quick
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from studies.spec.pilot import Pilot
from trainers import RECIPES, Cifar10, Cifar100, Recipe, Task

MSSAR = MultiScaleRecalibration()
"""What the paper puts into CIFAR ResNets, with the squeeze of its tables."""
MULTI_STAGE = replace(MSSAR, source="multi_stage", reduction=REDUCTIONS["densenet"])
"""The same for DenseNets."""

RESNETS = tuple(ResNetCifar(depth, shortcut="B") for depth in (20, 32, 56))
DENSENETS = (DenseNet(100, growth=12), DenseNet(190, growth=40))
CIFAR_TASKS: tuple[Task, ...] = (Cifar10(), Cifar100())
DENSE_RECIPE = RECIPES["mssar_densenet"]
PAPER_NOTE = (
    "The protocol of Section 4.1. The paper's ResNet figures are means of 3 runs and its DenseNet "
    "figures are of 1; here are 5 of each, and 5,000 training images are set aside for validation."
)

# A/A pilots on Fashion-MNIST: the smallest ResNet and the DenseNet-16, both without recalibration.
RESNET_PILOT = Pilot(sd=0.70, pairs=8, accuracy=84.9)
DENSENET_PILOT = Pilot(sd=1.11, pairs=8, accuracy=84.2)
QUICK_RESNETS = tuple(ResNetCifar(depth, width=8, shortcut="B") for depth in (8, 14, 20))
QUICK_DENSENETS = (DenseNet(10, growth=8), DenseNet(16, growth=8))


def quick_designs(
    arms: tuple[Arm, ...],
    networks: str,
    claims: tuple[Claim, ...],
    *,
    latency: bool = False,
    pilot: Pilot | None = None,
) -> dict[str, Design]:
    """The arms in each quick setting; `networks` says in words what they are forms of."""
    return quick.designs(
        lambda setting: setting.design(arms, claims, networks, latency=latency, tune=quick.RATES),
        pilot=pilot,
    )


def paper_design(
    arms: tuple[Arm, ...], claims: tuple[Claim, ...], tasks: tuple[Task, ...] = CIFAR_TASKS
) -> Design:
    """The paper's protocol on CIFAR; arms of DenseNets bring `DENSE_RECIPE`."""
    return Design(
        arms,
        tasks,
        RECIPES["mssar_resnet"],
        seeds=5,
        note=PAPER_NOTE,
        is_paper_protocol=True,
        claims=claims,
    )


def arms_of(
    name: str,
    backbone: Backbone,
    settings: dict[str, Choice | None],
    recipe: Recipe | None = None,
) -> tuple[Arm, ...]:
    """One network with each of the recalibrations, by name; None is no recalibration."""
    return tuple(
        Arm(f"{name} {title}", Architecture(backbone, {"*": choice} if choice else {}), recipe)
        for title, choice in settings.items()
    )


def dense(choice: MultiScaleRecalibration | None) -> MultiScaleRecalibration | None:
    """The same recalibration with the source and the squeeze of DenseNets."""
    return choice and replace(choice, source=MULTI_STAGE.source, reduction=MULTI_STAGE.reduction)
