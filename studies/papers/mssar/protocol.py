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
from studies.spec.ablation import Arm, Design
from studies.spec.claims import Claim
from trainers import RECIPES, Cifar10, Cifar100, Recipe, Synthetic, Task

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

# One quick setting for all of MS-SAR, fixed by ResNet-8 without recalibration alone: its validation
# accuracies (%) with seeds from 1000 on. Batches of 64, 10 epochs of 1,500 images unless stated:
#   4 channels, difficulty 0.5: 89.3 95.9 88.8; 8 epochs of 1,200: 49.5 78.8 45.2
#   4 channels, difficulty 0.7, 8 epochs of 1,200: 36.5 59.4; 1.0, 10 epochs: 32.6 37.5
#   8 channels, difficulty 0.5: 99.1 98.1; 0.3: 99.8 99.6; 0.3, 15 epochs: 100 100
#   8 channels, difficulty 0.7: 94.4 88.1 89.2; 8 epochs of 1,200: 82.2 60.3 72.1; 1.0: 53.4 31.2
# and with batches of 32, 8 epochs:
#   8 channels, difficulty 0.8: 94.0 92.7 94.3; lr 0.05: 89.9 80.5 80.5
#   8 channels, difficulty 1.0 (this one): 81.3 79.8 83.4, in about 4 s
QUICK_TASK = Synthetic(train_size=1500, difficulty=1.0)
QUICK_RECIPE = Recipe(epochs=8, batch_size=32, lr=0.1, nesterov=True)
QUICK_RESNETS = tuple(ResNetCifar(depth, width=8, shortcut="B") for depth in (8, 14, 20))
QUICK_DENSENETS = (DenseNet(10, growth=8), DenseNet(16, growth=8))
QUICK_SEEDS = 5
QUICK_NOTE = (
    "8 epochs of 1,500 synthetic 16x16 images, whose classes are the size of one pattern and the "
    "place of another, in {}: another task, smaller networks and a smaller budget than the paper's."
)


def quick_design(arms: tuple[Arm, ...], networks: str, claims: tuple[Claim, ...]) -> Design:
    """The quick setting, with what the networks are in words."""
    note = QUICK_NOTE.format(networks)
    return Design(arms, (QUICK_TASK,), QUICK_RECIPE, seeds=QUICK_SEEDS, note=note, claims=claims)


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
