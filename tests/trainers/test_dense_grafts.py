"""Detectors and DeepLabv3 on the stages of grafted networks."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from searchspace import (
    Architecture,
    CoConv,
    GatherExcite,
    Graft,
    InputError,
    Resolutions,
    SqueezeExcite,
    build,
    measure,
    measure_module,
)
from searchspace.backbones.graft.graft import Recalibrated
from searchspace.cli import run_command
from tests.support.paths import ROOT
from trainers.dense import deeplab, dense_costs, detector, staged
from trainers.dense.__main__ import main
from trainers.dense.fitting import fit
from trainers.dense.shapes import CLASSES, scenes
from trainers.dense.stages import StagedBackbone
from trainers.dense.traced import traced_stages

USERS = ROOT / "tests/support/user_models.py"
RESNET = Architecture(
    Graft("torchvision/resnet18"),
    {"layer[34].*.conv2": CoConv(2), "layer[24].*.recalibration": SqueezeExcite(4)},
)
FILE = """
import torch.nn.functional as F
from torch import nn

class Block(nn.Module):
    def __init__(self, in_chs, out_chs):
        super().__init__()
        self.conv = nn.Conv2d(in_chs, out_chs, 3, 2, 1)

    def forward(self, x):
        return self.conv(F.relu(x, inplace=True))

class Gate(nn.Module):
    def __init__(self, chs):
        super().__init__()
        self.conv = nn.Conv2d(chs, chs, 3, padding=1)

    def forward(self, x):
        x += self.conv(x)
        return x

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 2, 2)
        self.stages = nn.Sequential(*(
            nn.Sequential(
                nn.Sequential(nn.BatchNorm2d(i), nn.Conv2d(i, o, s, s)),
                nn.Sequential(nn.Conv2d(o, o, 3, 1, 1), nn.ReLU(), nn.Conv2d(o, o + 1, 1)),
            )
            for i, o, s in ((4, 5, 1), (6, 7, 2), (8, 9, 2))
        ))
        self.head = nn.Linear(10, 10)

    def forward(self, x):
        return self.head(self.stages(self.stem(x)).mean((2, 3)))

def staged():
    return Net()

def make():
    blocks = [Block(3, 4), Block(4, 5), nn.Sequential(Gate(5), Block(5, 6))]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10))
"""


@pytest.mark.parametrize(
    ("name", "ends", "chs"),
    [
        ("resnet18", ("layer1", "layer2", "layer3", "layer4"), (64, 128, 256, 512)),
        (
            "mobilenet_v3_small",
            ("features.1", "features.3", "features.8", "features.12"),
            (16, 24, 48, 576),
        ),
        (
            "regnet_y_400mf",
            tuple(f"trunk_output.block{i}" for i in (1, 2, 3, 4)),
            (48, 104, 208, 440),
        ),
        pytest.param(
            "convnext_tiny",
            ("features.1", "features.3", "features.5", "features.7"),
            (96, 192, 384, 768),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "densenet121",
            ("features.denseblock1", "features.denseblock2", "features.denseblock3", ""),
            (256, 512, 1024, 1024),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_maps_are_those_of_the_whole_network(
    name: str, ends: tuple[str, ...], chs: tuple[int, ...]
) -> None:
    """At strides 4 to 32, at the ends of blocks, with operators in the slots."""
    graft = Graft(f"torchvision/{name}")
    spots = [slot.name for slot in graft.slots() if slot.role == "recalibration"]
    architecture = Architecture(graft, {n: GatherExcite(4) for n in spots[::3]})
    torch.manual_seed(3)
    body = staged(architecture).eval()
    assert [(tap.stride, tap.chs) for tap in body.taps] == list(
        zip((4, 8, 16, 32), chs, strict=True)
    )
    torch.manual_seed(3)
    network = build(architecture).eval()
    expected: dict[str, torch.Tensor] = {}
    for end in filter(None, ends):
        network.get_submodule(end).register_forward_hook(
            lambda _, inputs, y, end=end: expected.update({end: y})
        )
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        network(images)
        maps = body(images)
    for end, found in zip(ends, maps.values(), strict=True):
        if end:
            y = expected[end]
            y = torch.cat(list(y.values()), 1) if isinstance(y, dict) else y
            torch.testing.assert_close(found, y, rtol=0, atol=0)
    assert any(isinstance(module, Recalibrated) for module in body.modules())


def test_stages_share_the_weights_of_the_network_and_hold_its_operators() -> None:
    network = build(RESNET)
    assert isinstance(RESNET.backbone, Graft)
    stages = nn.ModuleList(traced_stages(RESNET.backbone, network, 64))
    shared = {id(parameter) for parameter in stages.parameters()}
    assert shared == {id(p) for n, p in network.named_parameters() if not n.startswith("fc.")}
    operators = {id(m) for m in network.modules() if type(m).__module__.startswith("searchspace")}
    assert operators and operators <= {id(module) for module in stages.modules()}
    assert all(module.training for module in [*stages.modules(), *network.modules()])


def test_layers_in_place_leave_the_maps_of_earlier_stages(tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    path.write_text(FILE)
    architecture = Architecture(Graft(f"{path}:make"))
    body = staged(architecture, taps=3).eval()
    assert [(tap.stride, tap.chs) for tap in body.taps] == [(2, 4), (4, 5), (8, 6)]
    network = build(architecture).eval()
    for mine, theirs in zip(body.parameters(), network.parameters(), strict=False):
        theirs.data.copy_(mine.data)
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        maps = list(body(images.clone()).values())
        assert all(found.min() < 0 for found in maps)
        assert isinstance(network, nn.Sequential)
        torch.testing.assert_close(network(images), network[3:](maps[-1]))
    loss = sum(found.square().sum() for found in staged(architecture, taps=3)(images).values())
    assert isinstance(loss, torch.Tensor)
    loss.backward()


def test_stages_and_not_the_stem_end_where_both_have_maps_of_one_side(tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    path.write_text(FILE)
    body = staged(Architecture(Graft(f"{path}:staged")))
    assert [(tap.stride, tap.chs) for tap in body.taps] == [(2, 6), (4, 8), (8, 10)]


def test_trained_weights_are_loaded_whatever_their_classes(tmp_path: Path) -> None:
    architecture = Architecture(Graft("torchvision/mobilenet_v3_small"))
    trained = build(architecture, num_classes=7)
    path = tmp_path / "weights.safetensors"
    save_file(trained.state_dict(), path)
    maps: list[torch.Tensor] = []
    trained.eval().get_submodule("features").register_forward_hook(lambda *a: maps.append(a[2]))
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        trained(images)
        found = staged(architecture, path).eval()(images)
    torch.testing.assert_close(found["3"], maps[0])
    with pytest.raises(InputError, match="cannot load|the weights of another architecture"):
        staged(RESNET, path)


def test_switchable_grafts_serve_with_the_norms_of_one_size() -> None:
    architecture = Architecture(Graft(f"{USERS}:residual"), {"*": CoConv(2)}, Resolutions((16, 8)))
    maps = staged(architecture, size=8).eval()(torch.randn(1, 3, 8, 8))
    assert [tuple(found.shape[1:]) for found in maps.values()] == [(5, 8, 8), (10, 4, 4)]


def test_dilation_keeps_what_the_stages_gave() -> None:
    torch.manual_seed(1)
    plain = staged(RESNET).double().eval()
    torch.manual_seed(1)
    dense = staged(RESNET, taps=1, output_stride=8).double().eval()
    images = torch.randn(1, 3, 64, 64, dtype=torch.double)
    with torch.no_grad():
        before, after = plain(images)["3"], dense(images)["0"]
    assert after.shape[-2:] == (8, 8)
    torch.testing.assert_close(after[..., ::4, ::4], before)


@pytest.mark.slow
def test_costs_are_those_of_the_whole_network_but_its_classifier() -> None:
    whole = measure(RESNET, 64, "training")
    body = dense_costs(deeplab(Architecture(RESNET.backbone), classes=CLASSES), 64)["backbone"]
    head = 512 * 1000
    features = measure_module(Maps(staged(RESNET)), (1, 3, 64, 64))
    assert features.macs == whole.macs - head
    assert features.params == whole.params - head - 1000
    plain = measure(Architecture(RESNET.backbone), 64)
    assert body.params == plain.params - head - 1000 and body.macs > plain.macs - head


class Maps(nn.Module):
    """The maps as a tuple, for counting."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.body(images).values())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (f"{USERS}:untraceable", "untraceable has no stages to build on: torch.fx cannot trace it"),
        ("torchvision/swin_t", "halved one after the other, but their strides are 4, 32"),
        ("torchvision/squeezenet1_1", "but their strides are none"),
    ],
)
def test_networks_without_stages_are_refused(model: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        staged(Architecture(Graft(model)))


def test_command_refuses_a_graft_without_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "arch.json"
    architecture = Architecture(Graft(f"{USERS}:untraceable"))
    path.write_text(json.dumps(architecture.to_json()))
    monkeypatch.chdir(USERS.parent)
    monkeypatch.setattr(sys, "argv", ["dense", str(path)])
    with pytest.raises(SystemExit) as stopped:
        run_command(main, "python -m trainers.dense")
    assert stopped.value.code == 2
    assert "torch.fx cannot trace it" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["faster_rcnn", "mask_rcnn", "deeplab_v3"])
def test_a_few_steps_lower_the_loss(kind: str) -> None:
    heads: dict[str, Any] = {"min_size": 64, "max_size": 64, "pyramid_chs": 16}
    if kind == "deeplab_v3":
        model = deeplab(RESNET, classes=CLASSES)
    else:
        model = detector(RESNET, kind=kind, classes=CLASSES, **heads)
    draw = partial(scenes, 2, 64)
    batch = draw(torch.Generator().manual_seed(0))
    losses = fit(model, lambda: batch, 4, lr=0.01)
    assert min(losses[-2:]) < losses[0]
    assert isinstance(model.backbone, nn.Module)
    body = model.backbone.body
    assert isinstance(body, StagedBackbone)
    assert all(p.grad is not None and p.grad.any() for p in body.parameters())
