"""The networks of Multiception: Table 5, and the rivals of Tables 1 to 3.

Guoqing Bao, Manuel B. Graeber and Xiuying Wang, "Depthwise Multiception Convolution for Reducing
Network Parameters without Sacrificing Accuracy", ICARCV 2020. https://arxiv.org/abs/2011.03701
"""

from collections.abc import Iterator, Mapping

from searchspace.backbones import Backbone, MobileNetV2, ResNetCifar, ShakeShake
from searchspace.choice import Choice
from searchspace.operators import DenseMixConv, DepthwiseSeparable, Multiception, SqueezeExcite
from searchspace.paper_networks.network import CIFAR10, CIFAR100, NamedNetwork

STL10, IMAGENET32 = (96, 10), (32, 1000)

KERNELS = {1: (3, 5, 7), 2: (3, 5), 3: (3, 3)}
"""The kernels of each stage: those of the printed counts (the text says one 3x3 in the last)."""

SE: dict[str, Choice] = {"*.recalibration": SqueezeExcite(reduction=8, bias=False)}

RESNET20, RESNET50, RESNET56 = (ResNetCifar(depth, shortcut="B") for depth in (20, 50, 56))
SHAKE = ShakeShake(26, 96)
MOBILENET = MobileNetV2(stem="medium", joined=2)
"""The network of Table 2: the depthwise and last 1x1 of two stages replaced, the rest standard."""

NETWORKS: tuple[tuple[str, tuple[int, int], Backbone, dict[str, Choice]], ...] = (
    ("resnet20-{}cifar10", CIFAR10, RESNET20, {}),
    ("resnet50-{}cifar10", CIFAR10, RESNET50, {}),
    ("senet56-{}cifar10", CIFAR10, RESNET56, SE),
    ("shakeshake26-{}cifar10", CIFAR10, SHAKE, {}),
    ("resnet50-{}cifar100", CIFAR100, RESNET50, {}),
    ("shakeshake26-{}cifar100", CIFAR100, SHAKE, {}),
    ("resnet50-{}stl10", STL10, RESNET50, {}),
    ("resnet50-{}imagenet32", IMAGENET32, RESNET50, {}),
)


OPERATORS: dict[str, dict[int, Choice]] = {
    "": {},
    "multiception-": {stage: Multiception(kernels) for stage, kernels in KERNELS.items()},
    "dsconv-": dict.fromkeys(KERNELS, DepthwiseSeparable(form="plain")),
    "mixconv-": dict.fromkeys(KERNELS, DenseMixConv()),
}
"""The choice for the first 3x3 of every block by stage, by the middle of the name.

The rivals are those of the authors' code, whose MixConv has all three sizes in every stage.
"""


def networks() -> Iterator[tuple[str, NamedNetwork]]:
    """Name and network of every row, with each operator."""
    for name, data, backbone, choices in NETWORKS:
        for operator, stages in OPERATORS.items():
            replaced = {**choices, **first_convolutions(backbone, stages)}
            yield name.format(operator), NamedNetwork(backbone, data, replaced)
    for operator in ("dsconv-", "multiception-"):
        joined = joined_convolutions(OPERATORS[operator])
        yield f"mobilenetv2-{operator}stl10", NamedNetwork(MOBILENET, STL10, joined)


def joined_convolutions(stages: Mapping[int, Choice]) -> dict[str, Choice]:
    """The choice of each of the two stages of `MOBILENET` whose convolutions are joined."""
    return {
        slot.name: stages[slot.stage]
        for slot in MOBILENET.slots()
        if slot.position == "plain" and slot.kernel == 3
    }


def first_convolutions(backbone: Backbone, stages: Mapping[int, Choice]) -> dict[str, Choice]:
    """The choice of each stage in the first 3x3 of its blocks, or of each branch of a block."""
    branch = "branch?." if isinstance(backbone, ShakeShake) else ""
    return {f"layer{stage}.*.{branch}conv1": choice for stage, choice in stages.items()}
