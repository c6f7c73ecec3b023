"""What can be built, and what it costs: operators, backbones, architectures, costs."""

from searchspace.architecture import Architecture, build, deploy
from searchspace.backbones import (
    BACKBONES,
    AlexNet,
    Backbone,
    DenseNet,
    MobileNetV2,
    ResNet,
    ResNetCifar,
    ShakeShake,
)
from searchspace.choice import Choice
from searchspace.cost import Cost, UnknownOperatorError, measure, measure_module
from searchspace.errors import InputError
from searchspace.operators import (
    OPERATORS,
    ACNet,
    CoConv,
    CondConv,
    DyConv,
    GatherExcite,
    SqueezeExcite,
    Static,
    Unchanged,
)
from searchspace.slot import Slot

__all__ = [
    "BACKBONES",
    "OPERATORS",
    "AlexNet",
    "ACNet",
    "Architecture",
    "Backbone",
    "Choice",
    "CoConv",
    "CondConv",
    "Cost",
    "DenseNet",
    "DyConv",
    "GatherExcite",
    "InputError",
    "MobileNetV2",
    "ResNet",
    "ResNetCifar",
    "ShakeShake",
    "Slot",
    "SqueezeExcite",
    "Static",
    "Unchanged",
    "UnknownOperatorError",
    "build",
    "deploy",
    "measure",
    "measure_module",
]
