"""AlexNet for ImageNet and in two forms for small images.

Alex Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.
https://arxiv.org/abs/1404.5997

The "imagenet" form and all module names are torchvision's. CoConv (Tables 1-2, 4-6) trains AlexNet
on CIFAR and Tiny-ImageNet and does not print its layers: our forms keep the five convolutions and
shrink stem, pools and the grid in front of the classifier to the image.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import Tensor, nn

from searchspace.backbones.base import Backbone, Builder
from searchspace.checks import MAX_CHANNELS, check_integer, check_one_of
from searchspace.schema import OMIT_DEFAULT
from searchspace.slot import Slot

GRIDS = {"imagenet": 6, "tiny": 4, "cifar": 2}
"""Side of the pooled map that the classifier reads."""


@dataclass(frozen=True)
class AlexNet(Backbone):
    """Five convolutions with width, 3, 6, 4 and 4 times width channels, and three linear layers.

    `form` "imagenet" (224x224) has an 11x11 stride 4 stem and 3x3 pools; "tiny" (64x64) and "cifar"
    (32x32) have a 3x3 stride 2 stem and 2x2 pools. With `norms`, as CoConv's authors train it,
    a batch norm follows each convolution, none has a bias, and the stem is a place for choices too.
    """

    form: Literal["imagenet", "tiny", "cifar"] = "cifar"
    width: int = 64
    norms: bool = field(default=False, metadata=OMIT_DEFAULT)

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
        kernel, stride, padding = (11, 4, 2) if large else (3, 2, 1)
        self.features = nn.Sequential()

        def add(stage: int, in_chs: int, out_chs: int, kernel: int = 3, stride: int = 1) -> None:
            name, bias = f"features.{len(self.features)}", not spec.norms
            around = padding if stage == 1 else kernel // 2
            slot = Slot(
                name, stage, "conv", in_chs, out_chs, kernel, stride, padding=around, bias=bias
            )
            if stage == 1 and not spec.norms:
                self.features.append(nn.Conv2d(in_chs, out_chs, kernel, stride, around))
            else:
                self.features.append(builder.conv(slot))
            if spec.norms:
                self.features.append(nn.BatchNorm2d(out_chs))
            self.features.append(nn.ReLU())

        add(1, in_chs, width, kernel, stride)
        self.features.append(nn.MaxPool2d(pool, 2))
        add(2, width, 3 * width, 5 if large else 3)
        self.features.append(nn.MaxPool2d(pool, 2))
        add(3, 3 * width, 6 * width)
        add(3, 6 * width, 4 * width)
        add(3, 4 * width, 4 * width)
        self.features.append(nn.MaxPool2d(pool, 2))
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
