"""The networks of CoConv: Learning Dynamic Cooperative Convolution for Image Recognition."""

from collections.abc import Iterator

from searchspace.backbones import AlexNet, Backbone, MobileNetV2, ResNet
from searchspace.choice import Choice
from searchspace.named.entry import CIFAR100, IMAGENET, TINY, Named, Source
from searchspace.operators import ACNet, CoConv, CondConv, DyConv, GatherExcite, SqueezeExcite

PAPER = "CoConv"

TABLE_3: tuple[tuple[str, str, dict[str, Choice]], ...] = (
    ("resnet18-imagenet", "ResNet18", {}),
    ("resnet18-se-imagenet", "SE-ResNet18", {"*": SqueezeExcite()}),
    ("resnet18-ge-imagenet", "GE-ResNet18", {"*": GatherExcite()}),
    ("resnet18-ac-imagenet", "AC-ResNet18", {"*": ACNet(norms=False)}),
    ("resnet18-condconv3-imagenet", "CondConv-ResNet18", {"*": CondConv(3)}),
    ("resnet18-dycnn3-imagenet", "DY-CNN-ResNet18", {"*": DyConv(3, hidden="imagenet")}),
    (
        "resnet18-coconv3-imagenet",
        "CoConv-ResNet18 (ours)",
        {"*": CoConv(3, norms=False)},
    ),
)

SMALL_IMAGES: tuple[tuple[str, str, tuple[int, int], str, Backbone], ...] = (
    ("1", "cifar100", CIFAR100, "AlexNet", AlexNet("cifar")),
    ("1", "cifar100", CIFAR100, "ResNet18", ResNet(18, stem="small")),
    ("1", "cifar100", CIFAR100, "MobileNetV2", MobileNetV2(stem="small")),
    ("2", "tiny", TINY, "AlexNet", AlexNet("tiny")),
    ("2", "tiny", TINY, "ResNet18", ResNet(18, stem="small")),
    ("2", "tiny", TINY, "MobileNetV2", MobileNetV2(stem="small")),
)
"""Table, images and base network of the accuracy tables, whose networks have no printed cost."""

OPERATORS: tuple[tuple[str, str, dict[str, Choice]], ...] = (
    ("", "Original", {}),
    ("condconv4-", "CondConv", {"*": CondConv(4)}),
    ("dycnn4-", "DY-CNN", {"*": DyConv(4)}),
    ("coconv4-", "CoConv", {"*": CoConv(4)}),
)


def entries() -> Iterator[tuple[str, Named]]:
    """Name and network of the rows of Tables 1, 2 and 3."""
    for name, row, choices in TABLE_3:
        yield name, Named(ResNet(18), IMAGENET, (Source(PAPER, "3", row),), choices)
    for table, images, data, column, backbone in SMALL_IMAGES:
        for prefix, row, choices in OPERATORS:
            source = Source(PAPER, table, f"{row}, {column}")
            name = f"{column.lower()}-{prefix}{images}"
            yield name, Named(backbone, data, (source,), choices)
