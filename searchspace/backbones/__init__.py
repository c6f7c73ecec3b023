"""Every backbone by name; a new one is a file here and a line in `BACKBONES`."""

from searchspace.backbones.base import Backbone
from searchspace.backbones.resnet import ResNet
from searchspace.backbones.resnet_cifar import ResNetCifar

BACKBONES: dict[str, type[Backbone]] = {
    backbone.kind: backbone
    for backbone in (
        ResNet,
        ResNetCifar,
    )
}
# Backbone.family is what the JSON reader looks kinds up in.
Backbone.family = dict(BACKBONES)

__all__ = ["BACKBONES", "Backbone", "ResNet", "ResNetCifar"]
