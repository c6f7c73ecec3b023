"""AlexNet for ImageNet and in two forms for small images.

Alex Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.
https://arxiv.org/abs/1404.5997

The "imagenet" form and all module names are torchvision's. CoConv (Tables 1-2, 4-6) trains AlexNet
on CIFAR and Tiny-ImageNet and does not print its layers: our forms keep the five convolutions and
shrink stem, pools and the grid in front of the classifier to the image.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.checks import MAX_CHANNELS, check_integer, check_one_of
from searchspace.slot import Slot

GRIDS = {"imagenet": 6, "tiny": 4, "cifar": 2}
"""Side of the pooled map that the classifier reads."""


@dataclass(frozen=True)
class AlexNet(Backbone):
    """Five convolutions with width, 3, 6, 4 and 4 times width channels, and three linear layers.

    `form` "imagenet" (224x224) has an 11x11 stride 4 stem and 3x3 pools; "tiny" (64x64) and "cifar"
    (32x32) have a 3x3 stride 2 stem and 2x2 pools. No batch norm.
    """

    form: Literal["imagenet", "tiny", "cifar"] = "cifar"
    width: int = 64

    kind: ClassVar[str] = "alexnet"

    def __post_init__(self) -> None:
        check_one_of(tuple(GRIDS), form=self.form)
        check_integer(1, MAX_CHANNELS, width=self.width)

    def assemble(self, builder: Builder, num_classes: int, in_chs: int) -> nn.Module:
        """The network, (N, in_chs, H, W) to (N, num_classes); H, W at least 16 (imagenet 63)."""
        return AlexNetNet(self, builder, num_classes, in_chs)


class AlexNetNet(nn.Module):
    """features, avgpool, classifier."""

    def __init__(self, spec: AlexNet, builder: Builder, num_classes: int, in_chs: int) -> None:
        super().__init__()
        width, grid, large = spec.width, GRIDS[spec.form], spec.form == "imagenet"
        pool = 3 if large else 2
        stem = (11, 4, 2) if large else (3, 2, 1)
        self.features = nn.Sequential(
            nn.Conv2d(in_chs, width, *stem),
            nn.ReLU(),
            nn.MaxPool2d(pool, 2),
            builder.conv(_slot(2, 3, width, 3 * width, 5 if large else 3)),
            nn.ReLU(),
            nn.MaxPool2d(pool, 2),
            builder.conv(_slot(3, 6, 3 * width, 6 * width)),
            nn.ReLU(),
            builder.conv(_slot(3, 8, 6 * width, 4 * width)),
            nn.ReLU(),
            builder.conv(_slot(3, 10, 4 * width, 4 * width)),
            nn.ReLU(),
            nn.MaxPool2d(pool, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(grid)
        hidden = 64 * width
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(4 * width * grid**2, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to logits (N, num_classes)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _slot(stage: int, index: int, in_chs: int, out_chs: int, kernel: int = 3) -> Slot:
    return Slot(
        f"features.{index}", stage, "conv", in_chs, out_chs, kernel=kernel, padding=kernel // 2,
        bias=True,
    )  # fmt: skip
