"""What can be built, and what it costs: operators, backbones, architectures, costs."""

from searchspace.architecture import Architecture, build, deploy
from searchspace.backbones import BACKBONES, Backbone, ResNet, ResNetCifar
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
from searchspace.resolutions import Resolutions, ensemble_logits
from searchspace.slot import Slot

__all__ = [
    "BACKBONES",
    "OPERATORS",
    "ACNet",
    "Architecture",
    "Backbone",
    "Choice",
    "CoConv",
    "CondConv",
    "Cost",
    "DyConv",
    "GatherExcite",
    "InputError",
    "ResNet",
    "ResNetCifar",
    "Resolutions",
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
