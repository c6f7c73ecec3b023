"""The networks of HS-ResNet, Tables 1 and 4.

Pengcheng Yuan et al., "HS-ResNet: Hierarchical-Split Block on Convolutional Neural Network", 2020.
https://arxiv.org/abs/2010.07621

ResNeSt50, a rival in Table 1, is not here: no library that the project depends on has it.
"""

from collections.abc import Iterator
from dataclasses import replace

from searchspace.backbones import Backbone, ResNet
from searchspace.choice import Choice
from searchspace.operators import HierarchicalSplit, Res2Net, SqueezeExcite
from searchspace.paper_networks.network import IMAGENET, NamedNetwork

RESNET50D = ResNet(50, stem="deep", shortcut="D")
RESNEXT50D = ResNet(50, stem="deep", shortcut="D", groups=32, group_width=4)
SE_RESNEXT50D = replace(RESNEXT50D, stem="wide")
"""The network of the printed count has another stem than its plain twin."""
SE: dict[str, Choice] = {"*": SqueezeExcite()}
RES2NET: dict[str, Choice] = {
    f"layer{stage}.*.conv2": Res2Net(14 * 2 ** (stage - 1), 8) for stage in (1, 2, 3, 4)
}

RIVALS: tuple[tuple[str, Backbone, dict[str, Choice]], ...] = (
    ("resnet50-imagenet", ResNet(50), {}),
    ("resnet50d-imagenet", RESNET50D, {}),
    ("resnet50d-se-imagenet", RESNET50D, SE),
    ("resnet50-res2net-14w8s-imagenet", ResNet(50), RES2NET),
    ("resnext50d-imagenet", RESNEXT50D, {}),
    ("resnext50d-se-imagenet", SE_RESNEXT50D, SE),
)
"""The rows of Table 1 without HS blocks."""

SETTINGS = ((18, 8), (22, 7), (28, 6), (40, 5))
"""Width and splits of Table 4. Table 1 does not say which it has; its time is 28w-6s's."""


def split_blocks(width: int, splits: int) -> dict[str, Choice]:
    """Hierarchical splits in the blocks of stages 1 and 2 that keep the shape of their input.

    `width` is that of the first stage; as in every bottleneck network, it doubles in the second.
    The text names no blocks: of all readings this one is nearest to the printed costs.
    """
    return {
        f"layer{stage}.[1-9]*.conv2": HierarchicalSplit(width * 2 ** (stage - 1), splits)
        for stage in (1, 2)
    }


def networks() -> Iterator[tuple[str, NamedNetwork]]:
    """Name and network of every row."""
    for name, backbone, choices in RIVALS:
        yield name, NamedNetwork(backbone, IMAGENET, choices)
    for width, splits in SETTINGS:
        name = f"resnet50d-hs-{width}w{splits}s-imagenet"
        yield name, NamedNetwork(RESNET50D, IMAGENET, split_blocks(width, splits))
