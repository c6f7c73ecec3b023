"""What can be built, and what it costs: operators, backbones, architectures, spaces, costs."""

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
from searchspace.choice import OPERATORS, Choice, register
from searchspace.cost import Cost, UnknownOperatorError, count_as, measure, measure_module
from searchspace.errors import InputError
from searchspace.latency import Conditions, Latency, LatencyTable, measure_latency
from searchspace.named import Named, catalogue_entry, named, names
from searchspace.operators import (
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
from searchspace.space import Rule, Space, Within, named_space, parse_space, read_space, spaces

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
    "Conditions",
    "Cost",
    "DenseNet",
    "DepthwiseSeparable",
    "DyConv",
    "GatherExcite",
    "HierarchicalSplit",
    "InputError",
    "Latency",
    "LatencyTable",
    "MixConv",
    "MobileNetV2",
    "MultiScaleRecalibration",
    "Multiception",
    "Named",
    "Res2Net",
    "ResNet",
    "ResNetCifar",
    "Resolutions",
    "Rule",
    "ShakeShake",
    "Slot",
    "Space",
    "SqueezeExcite",
    "Static",
    "Unchanged",
    "UnknownOperatorError",
    "Within",
    "build",
    "catalogue_entry",
    "count_as",
    "deploy",
    "ensemble_logits",
    "measure",
    "measure_latency",
    "measure_module",
    "named",
    "names",
    "parse_space",
    "read_space",
    "register",
    "named_space",
    "spaces",
]
