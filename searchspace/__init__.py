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
    DepthwiseSeparable,
    DyConv,
    GatherExcite,
    HierarchicalSplit,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    Res2Net,
    SqueezeExcite,
    Static,
    Unchanged,
)
from searchspace.resolutions import Resolutions, ensemble_logits
from searchspace.slot import Slot

__all__ = [
    "BACKBONES",
    "OPERATORS",
    "ACNet",
    "AlexNet",
    "Architecture",
    "Backbone",
    "Choice",
    "CoConv",
    "CondConv",
    "Cost",
    "DenseNet",
    "DepthwiseSeparable",
    "DyConv",
    "GatherExcite",
    "HierarchicalSplit",
    "InputError",
    "MixConv",
    "MobileNetV2",
    "MultiScaleRecalibration",
    "Multiception",
    "Res2Net",
    "ResNet",
    "ResNetCifar",
    "Resolutions",
    "ShakeShake",
    "Slot",
    "SqueezeExcite",
    "Static",
    "Unchanged",
    "UnknownOperatorError",
    "build",
    "deploy",
    "ensemble_logits",
    "measure",
    "measure_module",
]
