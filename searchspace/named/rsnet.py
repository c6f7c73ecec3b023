"""The networks of Resolution Switchable Networks, Tables 2 and 4."""

from collections.abc import Iterator

from searchspace.backbones import Backbone, MobileNetV2, ResNet
from searchspace.named.entry import IMAGENET, Named, Source
from searchspace.resolutions import Resolutions

PAPER = "RS-Net"
SIZES = (224, 192, 160, 128, 96)

TABLE_2: tuple[tuple[str, str, Backbone], ...] = (
    ("resnet18", "ResNet18", ResNet(18)),
    ("resnet50", "ResNet50", ResNet(50)),
    ("mobilenetv2", "M-NetV2", MobileNetV2()),
)

WIDTHS = ((0.8, "0.8x"), (0.65, "0.65x"), (0.5, "0.5x"), (0.35, "0.35x"))
"""Width multipliers of Table 4 and its row headers."""


def entries() -> Iterator[tuple[str, Named]]:
    """Name and network of every row: at one size, and switchable between the five."""
    _, classes = IMAGENET
    for name, row, backbone in TABLE_2:
        for size in SIZES:
            sources = [Source(PAPER, "2", f"{row}, {size}x{size}")]
            if isinstance(backbone, MobileNetV2):
                sources.append(Source(PAPER, "4", f"{size}x{size}"))
            suffix = "" if size == IMAGENET[0] else str(size)
            data, where = (size, classes), tuple(sources)
            yield f"{name}-imagenet{suffix}", Named(backbone, data, where)
            switchable = Named(backbone, data, where, resolutions=Resolutions(SIZES))
            yield f"{name}-rsnet-imagenet{suffix}", switchable
    for multiplier, row in WIDTHS:
        source = (Source(PAPER, "4", row),)
        name = f"mobilenetv2-{round(100 * multiplier):03d}-imagenet"
        yield name, Named(MobileNetV2(multiplier), IMAGENET, source)
    yield "mobilenetv2-imagenet", Named(MobileNetV2(), IMAGENET, (Source(PAPER, "4", "1.0x"),))
