"""A tiny setting of every backbone, and the smallest comfortable image for it."""

from searchspace import (
    AlexNet,
    Backbone,
    DenseNet,
    Graft,
    MobileNetV2,
    ResNet,
    ResNetCifar,
    ShakeShake,
)
from tests.support.paths import ROOT

TINY: tuple[Backbone, ...] = (
    AlexNet("cifar", width=2),
    AlexNet("tiny", width=2),
    AlexNet("cifar", width=2, norms=True),
    AlexNet("imagenet", width=2),
    DenseNet(10, growth=3),
    Graft(f"{ROOT}/tests/support/user_models.py:residual"),
    MobileNetV2(0.1),
    MobileNetV2(0.1, stem="small"),
    MobileNetV2(0.1, stem="medium", joined=2),
    MobileNetV2(0.1, stem="small", dropout=0, shortcuts=True),
    ResNet(18, width=4),
    ResNet(18, width=3, stem="small"),
    ResNet(50, width=4),
    ResNet(50, width=4, stem="deep", shortcut="D"),
    ResNet(50, width=4, groups=2, group_width=32),
    ResNetCifar(8, width=3),
    ResNetCifar(8, width=4, shortcut="B"),
    ShakeShake(8, width=4),
)


def smallest_size(backbone: Backbone) -> int:
    """Height and width that every pool of the backbone can take, odd to catch rounding."""
    return 63 if backbone == AlexNet("imagenet", width=2) else 17
