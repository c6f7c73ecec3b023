"""The networks of Depthwise Multiception Convolution, Table 5."""

from collections.abc import Iterator

from searchspace.backbones import Backbone, ResNetCifar, ShakeShake
from searchspace.choice import Choice
from searchspace.named.entry import CIFAR10, CIFAR100, Named, Source
from searchspace.operators import Multiception, SqueezeExcite

PAPER = "Multiception"
STL10, IMAGENET32 = (96, 10), (32, 1000)

KERNELS = {1: (3, 5, 7), 2: (3, 5), 3: (3, 3)}
"""The kernels of each stage: those of the printed counts (the text says one 3x3 in the last)."""

SE: dict[str, Choice] = {"*.recalibration": SqueezeExcite(reduction=8, bias=False)}

RESNET20, RESNET50, RESNET56 = (ResNetCifar(depth, shortcut="B") for depth in (20, 50, 56))
SHAKE = ShakeShake(26, 96)

ROWS: tuple[tuple[str, str, tuple[int, int], Backbone, dict[str, Choice]], ...] = (
    ("resnet20-{}cifar10", "Cifar-10, ResNet-20", CIFAR10, RESNET20, {}),
    ("resnet50-{}cifar10", "Cifar-10, ResNet-50", CIFAR10, RESNET50, {}),
    ("senet56-{}cifar10", "Cifar-10, SeNet-56", CIFAR10, RESNET56, SE),
    ("shakeshake26-{}cifar10", "Cifar-10, ShakeNet-26-2x96d", CIFAR10, SHAKE, {}),
    ("resnet50-{}cifar100", "Cifar-100, ResNet-50", CIFAR100, RESNET50, {}),
    ("shakeshake26-{}cifar100", "Cifar-100, ShakeNet-26x96d", CIFAR100, SHAKE, {}),
    ("resnet50-{}stl10", "STL-10, ResNet-50", STL10, RESNET50, {}),
    ("resnet50-{}imagenet32", "ImageNet32x32, ResNet-50", IMAGENET32, RESNET50, {}),
)


def entries() -> Iterator[tuple[str, Named]]:
    """Name and network of every row, with standard and with Multiception convolutions."""
    for pattern, row, data, backbone, choices in ROWS:
        source = (Source(PAPER, "5", row),)
        yield pattern.format(""), Named(backbone, data, source, choices)
        replaced = {**choices, **_first_convolutions(backbone)}
        yield pattern.format("multiception-"), Named(backbone, data, source, replaced)


def _first_convolutions(backbone: Backbone) -> dict[str, Choice]:
    """Multiception in the first 3x3 of every block, or of every branch of a block."""
    branch = "branch?." if isinstance(backbone, ShakeShake) else ""
    return {f"layer{s}.*.{branch}conv1": Multiception(k) for s, k in KERNELS.items()}
