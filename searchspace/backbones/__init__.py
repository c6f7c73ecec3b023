"""Every backbone by name; a new one is a file here and a line in `BACKBONES`."""

from searchspace.backbones.alexnet import AlexNet
from searchspace.backbones.base import Backbone
from searchspace.backbones.densenet import DenseNet
from searchspace.backbones.graft.graft import Graft
from searchspace.backbones.mobilenet_v2 import MobileNetV2
from searchspace.backbones.resnet import ResNet
from searchspace.backbones.resnet_cifar import ResNetCifar
from searchspace.backbones.shake_shake import ShakeShake

BACKBONES: dict[str, type[Backbone]] = {
    backbone.kind: backbone
    for backbone in (
        AlexNet,
        DenseNet,
        Graft,
        MobileNetV2,
        ResNet,
        ResNetCifar,
        ShakeShake,
    )
}
# The JSON reader looks kinds up in `family`.
Backbone.family = dict(BACKBONES)

__all__ = [
    "BACKBONES",
    "AlexNet",
    "Backbone",
    "DenseNet",
    "Graft",
    "MobileNetV2",
    "ResNet",
    "ResNetCifar",
    "ShakeShake",
]
