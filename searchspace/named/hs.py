"""The networks of HS-ResNet: Hierarchical-Split Block on Convolutional Neural Network.

ResNeSt50, a rival in Table 1, is not here: no library that the project depends on has it.
"""

from collections.abc import Iterator

from searchspace.backbones import Backbone, ResNet
from searchspace.choice import Choice
from searchspace.named.entry import IMAGENET, Named, Source
from searchspace.operators import HierarchicalSplit, Res2Net, SqueezeExcite

PAPER = "HS"

RESNET50D = ResNet(50, stem="deep", shortcut="D")
RESNEXT50D = ResNet(50, stem="deep", shortcut="D", groups=32, group_width=4)
SE: dict[str, Choice] = {"*": SqueezeExcite(bias=False)}
RES2NET: dict[str, Choice] = {
    f"layer{stage}.*.conv2": Res2Net(14 * 2 ** (stage - 1), 8) for stage in (1, 2, 3, 4)
}

TABLE_1: tuple[tuple[str, str, Backbone, dict[str, Choice]], ...] = (
    ("resnet50-imagenet", "ResNet50", ResNet(50), {}),
    ("resnet50d-imagenet", "ResNet50-D", RESNET50D, {}),
    ("resnet50d-se-imagenet", "SE-ResNet50-D", RESNET50D, SE),
    ("resnet50-res2net-14w8s-imagenet", "Res2Net50-14w-8s", ResNet(50), RES2NET),
    ("resnext50d-imagenet", "ResNeXt50-D-32x4d", RESNEXT50D, {}),
    ("resnext50d-se-imagenet", "SE-ResNeXt50-D-32x4d", RESNEXT50D, SE),
)

SETTINGS = ((18, 8), (22, 7), (28, 6), (40, 5))
"""Width and splits of Table 4. Table 1 does not say which it has; its time is 28w-6s's."""


def entries() -> Iterator[tuple[str, Named]]:
    """Name and network of the rows of Tables 1 and 4."""
    for name, row, backbone, choices in TABLE_1:
        yield name, Named(backbone, IMAGENET, (Source(PAPER, "1", row),), choices)
    for width, splits in SETTINGS:
        sources = [Source(PAPER, "4", f"{width}w-{splits}s")]
        if (width, splits) == (28, 6):
            sources += [Source(PAPER, "1", f"HS-ResNet50{star}(Ours)") for star in ("", "*")]
        blocks: dict[str, Choice] = {
            # As in every bottleneck network, the width doubles from stage to stage.
            f"layer{stage}.*.conv2": HierarchicalSplit(width * 2 ** (stage - 1), splits)
            for stage in (1, 2, 3, 4)
        }
        name = f"resnet50d-hs-{width}w{splits}s-imagenet"
        yield name, Named(RESNET50D, IMAGENET, tuple(sources), blocks)
