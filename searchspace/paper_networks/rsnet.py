"""The networks of RS-Net, Tables 2 and 4.

Yikai Wang, Fuchun Sun, Duo Li and Anbang Yao, "Resolution Switchable Networks for Runtime Efficient
Image Recognition", ECCV 2020. https://arxiv.org/abs/2007.09558
"""

from collections.abc import Iterator

from searchspace.backbones import Backbone, MobileNetV2, ResNet
from searchspace.paper_networks.network import IMAGENET, NamedNetwork
from searchspace.resolutions import Resolutions

SIZES = (224, 192, 160, 128, 96)
BACKBONES: dict[str, Backbone] = {
    "resnet18": ResNet(18),
    "resnet50": ResNet(50),
    "mobilenetv2": MobileNetV2(dropout=0.0),
}
"""The networks of Table 2."""

WIDTHS = (0.8, 0.65, 0.5, 0.35)
"""Width multipliers of Table 4."""


def networks() -> Iterator[tuple[str, NamedNetwork]]:
    """Name and network of every row: at one size, and switchable between the five."""
    _, classes = IMAGENET
    for name, backbone in BACKBONES.items():
        for size in SIZES:
            suffix, data = "" if size == SIZES[0] else str(size), (size, classes)
            yield f"{name}-imagenet{suffix}", NamedNetwork(backbone, data)
            switchable = NamedNetwork(backbone, data, resolutions=Resolutions(SIZES))
            yield f"{name}-rsnet-imagenet{suffix}", switchable
    for multiplier in WIDTHS:
        name = f"mobilenetv2-{round(100 * multiplier):03d}-imagenet"
        yield name, NamedNetwork(MobileNetV2(multiplier, dropout=0.0), IMAGENET)
