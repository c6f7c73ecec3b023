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
    CoConv,
    DepthwiseSeparable,
    HierarchicalSplit,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    Res2Net,
    Static,
    Unchanged,
)
from searchspace.slot import Slot

__all__ = [
    "BACKBONES",
    "OPERATORS",
    "AlexNet",
    "Architecture",
    "Backbone",
    "Choice",
    "CoConv",
    "Cost",
    "DenseNet",
    "DepthwiseSeparable",
    "HierarchicalSplit",
    "InputError",
    "MixConv",
    "MobileNetV2",
    "MultiScaleRecalibration",
    "Multiception",
    "Res2Net",
    "ResNet",
    "ResNetCifar",
    "ShakeShake",
    "Slot",
    "Static",
    "Unchanged",
    "UnknownOperatorError",
    "build",
    "deploy",
    "measure",
    "measure_module",
]
