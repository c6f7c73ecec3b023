"""The networks of MS-SAR, Tables 1 to 5.

Yan Wang, Lingxi Xie, Siyuan Qiao, Ya Zhang, Wenjun Zhang and Alan L. Yuille, "Multi-Scale
Spatially-Asymmetric Recalibration for Image Classification", ECCV 2018.
https://arxiv.org/abs/1804.00787
"""

from collections.abc import Iterator

from searchspace.backbones import Backbone, DenseNet, ResNet, ResNetCifar
from searchspace.choice import Choice
from searchspace.operators.mssar import REDUCTIONS, MultiScaleRecalibration
from searchspace.paper_networks.network import CIFAR10, IMAGENET, NamedNetwork

ALL_SCALES = (1, 2, 4)
SUBSETS = ((1,), (2,), (4,), (1, 2), (1, 4), (2, 4), ALL_SCALES)
"""The scale subsets of Table 3, which are tried in two networks."""

CIFAR: dict[str, Backbone] = {
    "resnet20": ResNetCifar(20, shortcut="B"),
    "resnet32": ResNetCifar(32, shortcut="B"),
    "resnet56": ResNetCifar(56, shortcut="B"),
    "densenet100": DenseNet(100, growth=12),
    "densenet190": DenseNet(190, growth=40),
}
"""The networks of Tables 1 to 3."""

LARGE: dict[str, Backbone] = {
    "resnet18": ResNet(18),
    "resnet34": ResNet(34),
    "resnext50": ResNet(50, groups=32, group_width=4),
}
"""The networks of Tables 4 and 5, where the paper's SE is its own form with the one scale 1
(Section 3.3)."""


def networks() -> Iterator[tuple[str, NamedNetwork]]:
    """Name and network of every row."""
    for name, backbone in CIFAR.items():
        yield f"{name}-cifar10", NamedNetwork(backbone, CIFAR10)
        yield _recalibrated(name, backbone, ALL_SCALES)
    for name in ("resnet56", "densenet100"):
        for scales in SUBSETS:
            yield _recalibrated(name, CIFAR[name], scales)
    for name, backbone in LARGE.items():
        yield f"{name}-imagenet", NamedNetwork(backbone, IMAGENET)
        for scales in ((1,), ALL_SCALES):
            yield _recalibrated(name, backbone, scales)


def _recalibrated(
    name: str, backbone: Backbone, scales: tuple[int, ...]
) -> tuple[str, NamedNetwork]:
    images, data = ("imagenet", IMAGENET) if name in LARGE else ("cifar10", CIFAR10)
    network = NamedNetwork(backbone, data, {"*": _choice(backbone, scales)})
    return f"{name}-mssar{''.join(map(str, scales))}-{images}", network


def _choice(backbone: Backbone, scales: tuple[int, ...]) -> Choice:
    """With the squeeze of the printed counts, which is not the text's D/L."""
    if isinstance(backbone, DenseNet):
        return MultiScaleRecalibration(
            scales, source="multi_stage", reduction=REDUCTIONS["densenet"]
        )
    rule = "cifar" if isinstance(backbone, ResNetCifar) else "imagenet"
    return MultiScaleRecalibration(scales, reduction=REDUCTIONS[rule])
