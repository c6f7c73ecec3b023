"""The networks of Multi-Scale Spatially-Asymmetric Recalibration, Tables 1 to 5."""

from collections.abc import Iterator

from searchspace.backbones import Backbone, DenseNet, ResNet, ResNetCifar
from searchspace.choice import Choice
from searchspace.named.entry import CIFAR10, IMAGENET, Named, Source
from searchspace.operators.mssar import REDUCTIONS, MultiScaleRecalibration

PAPER = "MS-SAR"
ALL_SCALES = (1, 2, 4)
SUBSETS = ((1,), (2,), (4,), (1, 2), (1, 4), (2, 4), ALL_SCALES)
"""The scale subsets of Table 3."""

CIFAR: tuple[tuple[str, str, str, Backbone], ...] = (
    ("resnet20", "ResNet-20", "RN-20", ResNetCifar(20, shortcut="B")),
    ("resnet32", "ResNet-32", "RN-32", ResNetCifar(32, shortcut="B")),
    ("resnet56", "ResNet-56", "RN-56", ResNetCifar(56, shortcut="B")),
    ("densenet100", "DenseNet-100", "DN-100", DenseNet(100, growth=12)),
    ("densenet190", "DenseNet-190", "DN-190", DenseNet(190, growth=40)),
)
"""Name, row in Table 1 and (without the star) in Table 2."""

LARGE: tuple[tuple[str, str, Backbone], ...] = (
    ("resnet18", "ResNet-18", ResNet(18)),
    ("resnet34", "ResNet-34", ResNet(34)),
    ("resnext50", "ResNeXt-50", ResNet(50, groups=32, group_width=4)),
)
"""Name and row in Tables 4 and 5."""


def scales_label(scales: tuple[int, ...]) -> str:
    """The scales as the row header of Table 3 and of the audit: {1,2,4}."""
    return "{" + ",".join(map(str, scales)) + "}"


def entries() -> Iterator[tuple[str, Named]]:
    """Name and network of every row of the five tables."""
    for name, row, short, backbone in CIFAR:
        sources = (Source(PAPER, "1", row), Source(PAPER, "2", short))
        yield f"{name}-cifar10", Named(backbone, CIFAR10, sources)
        yield from _recalibrated(name, backbone, ALL_SCALES, Source(PAPER, "2", f"{short}*"))
    for name, row, _, backbone in CIFAR:
        if name in ("resnet56", "densenet100"):
            for scales in SUBSETS:
                source = Source(PAPER, "3", f"{row}, {scales_label(scales)}")
                yield from _recalibrated(name, backbone, scales, source)
    for name, row, backbone in LARGE:
        plain = (Source(PAPER, "4", row), Source(PAPER, "5", row))
        yield f"{name}-imagenet", Named(backbone, IMAGENET, plain)
        # The paper's SE is its own form with the one scale 1 (Section 3.3).
        for scales, title in (((1,), "SE"), (ALL_SCALES, "MS-SAR")):
            source = Source(PAPER, "5", f"{row}+{title}")
            yield from _recalibrated(name, backbone, scales, source)


def _recalibrated(
    name: str, backbone: Backbone, scales: tuple[int, ...], source: Source
) -> Iterator[tuple[str, Named]]:
    large = isinstance(backbone, ResNet)
    images, data = ("imagenet", IMAGENET) if large else ("cifar10", CIFAR10)
    title = "".join(map(str, scales))
    choices: dict[str, Choice] = {"*": _choice(backbone, scales)}
    yield f"{name}-mssar{title}-{images}", Named(backbone, data, (source,), choices)


def _choice(backbone: Backbone, scales: tuple[int, ...]) -> MultiScaleRecalibration:
    """With the squeeze of the printed counts, which is not the text's D/L."""
    if isinstance(backbone, DenseNet):
        return MultiScaleRecalibration(
            scales, source="multi_stage", reduction=REDUCTIONS["densenet"]
        )
    rule = "cifar" if isinstance(backbone, ResNetCifar) else "imagenet"
    return MultiScaleRecalibration(scales, reduction=REDUCTIONS[rule])
