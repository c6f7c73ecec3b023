"""Networks of every backbone and settings of every operator, small enough to try all pairs."""

from itertools import product

import torch
from torch import nn

from searchspace import (
    CBAM,
    ACNet,
    AlexNet,
    Backbone,
    Choice,
    CoConv,
    CondConv,
    CoordinateAttention,
    DenseMixConv,
    DenseNet,
    DepthwiseSeparable,
    DyConv,
    EfficientChannelAttention,
    GatherExcite,
    Graft,
    HierarchicalSplit,
    MixConv,
    MobileNetV2,
    Multiception,
    MultiScaleRecalibration,
    PartialConv,
    Res2Net,
    ResNet,
    ResNetCifar,
    ShakeShake,
    SimAM,
    SqueezeExcite,
    Static,
    StripPooling,
    Unchanged,
)
from searchspace.backbones.base import refusal
from tests.support.paths import ROOT

SHALLOW = ResNetCifar(8, width=5)
# Channel counts that 16, kernel counts and splits do not divide.
NETWORKS: tuple[Backbone, ...] = (
    AlexNet("cifar", width=3),
    DenseNet(10, growth=5),
    Graft(f"{ROOT}/tests/support/user_models.py:residual"),
    MobileNetV2(0.1, stem="small"),
    ResNet(18, width=3, stem="small"),
    ResNet(50, width=6, stem="deep", shortcut="D"),
    ResNet(50, width=5, groups=3, group_width=32),
    SHALLOW,
    ShakeShake(8, width=6),
)
CHOICES: tuple[Choice, ...] = (
    Static(),
    CoConv(2),
    CoConv(3, side="in", scales="single", gate="softmax", norms=False),
    CondConv(2),
    DyConv(2, temperature=34.0),
    DyConv(3, hidden="imagenet"),
    ACNet(),
    ACNet(norms=False),
    DepthwiseSeparable(5),
    PartialConv(3),
    DepthwiseSeparable(form="plain"),
    DenseMixConv((3, 5)),
    MixConv((3, 5)),
    Multiception((3, 5, 3)),
    HierarchicalSplit(3, 4),
    Res2Net(3, 3),
    Unchanged(),
    SqueezeExcite(reduction=2),
    SqueezeExcite(bias=False),
    GatherExcite(4),
    GatherExcite(4, parameters=False),
    EfficientChannelAttention(),
    CBAM(reduction=2, kernel=3),
    SimAM(),
    CoordinateAttention(),
    StripPooling(),
    EfficientChannelAttention(7),
    MultiScaleRecalibration((1, 3)),
    MultiScaleRecalibration((1, 2), pooling="sliding"),
    MultiScaleRecalibration((2,), source="multi_stage", reduction=1),
)
PAIRS = tuple(product(NETWORKS, CHOICES))


def pair_id(value: Backbone | Choice) -> str:
    return value.label()


def legal(backbone: Backbone, choice: Choice) -> bool:
    return any(refusal(choice, slot) is None for slot in backbone.slots())


LEGAL = tuple(pair for pair in PAIRS if legal(*pair))


def trained_a_little(network: nn.Module, size: int) -> nn.Module:
    """In double precision, with statistics and affine parameters that folding must not lose."""
    network.double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    with torch.no_grad():
        network(torch.randn(4, 3, size, size, dtype=torch.double))
    return network
