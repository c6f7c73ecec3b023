"""Models and operators with which grafts are tested."""

from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from searchspace import (
    ACNet,
    CoConv,
    CondConv,
    GatherExcite,
    Graft,
    Multiception,
    MultiScaleRecalibration,
    SqueezeExcite,
    Static,
    Unchanged,
)
from tests.support.paths import ROOT

FILE = ROOT / "tests/support/user_models.py"


slow = pytest.mark.slow


MODELS = (
    "resnet18",
    "mobilenet_v3_small",
    *(
        pytest.param(name, marks=slow)
        for name in (
            "resnet50", "regnet_y_400mf", "mobilenet_v3_large", "convnext_tiny", "efficientnet_b0",
            "densenet121", "vgg16_bn", "squeezenet1_1", "shufflenet_v2_x0_5", "swin_t",
        )
    ),
)  # fmt: skip


OPTIONS = (
    Static(),
    CoConv(2),
    CondConv(2),
    ACNet(),
    Multiception((3, 3)),
    Unchanged(),
    SqueezeExcite(),
    GatherExcite(4),
    MultiScaleRecalibration((1, 2)),
)


SIZE = 64


def user(function: str, **settings: Any) -> Graft:
    return Graft(f"{FILE}:{function}", **settings)


def names(graft: Graft, role: str) -> list[str]:
    return [slot.name for slot in graft.slots() if slot.role == role]


def original(name: str, seed: int = 0, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = torchvision.models.get_model(name, weights=None, **settings)
    return network
