"""Trained networks as files: each computes what the network does, for any number of images."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

from searchspace import (
    BACKBONES,
    OPERATORS,
    Architecture,
    Backbone,
    Choice,
    CoConv,
    DenseNet,
    HierarchicalSplit,
    InputError,
    Multiception,
    MultiScaleRecalibration,
    ResNet,
    ResNetCifar,
    Resolutions,
    Slot,
    build,
    deploy,
)
from searchspace.backbones.base import refusal
from searchspace.cli import run_command
from searchspace.layers.mixed_kernel import MixedKernelConv2d, Side
from searchspace.schema import to_json
from tests.support.helpers import RECIPE, SMALL, STATIC, TASK
from tests.support.paths import ROOT
from tests.support.registry import CHOICES, NETWORKS, trained_a_little
from trainers import Job, Result, folder_task, quantise
from trainers.command import main as train_main
from trainers.export import FORMATS, export, formats, load, read_trained
from trainers.export.card import wilson
from trainers.export.checking import compare
from trainers.export.command import main
from trainers.export.deployed import DeployedClassifier, ExportInput
from trainers.training_folder import CONFIG, METRICS

SIZE = 8
LABELS = tuple(f"digit {number}" for number in range(10))
HOMES: tuple[tuple[Backbone, str], ...] = (
    (ResNetCifar(8, width=4), "layer1.0.conv1"),
    (ResNetCifar(8, width=4), "layer1.0.recalibration"),
    (DenseNet(10, growth=4), "features.denseblock2.denselayer1.recalibration"),
    (ResNet(50, width=4, stem="small"), "layer1.0.conv2"),
)
"""Small networks and one slot of each: tracing takes time. Each operator fits one of them."""


def home(choice: Choice) -> Architecture:
    """A network with one slot that has the choice."""
    for backbone, name in HOMES:
        slot = next(slot for slot in backbone.slots() if slot.name == name)
        if refusal(choice, slot) is None:
            return Architecture(backbone, {name: choice})
    raise AssertionError(f"no home for {choice.label()}")


def source(architecture: Architecture, size: int = SIZE) -> ExportInput:
    """What the files of an architecture would be made from, with weights that differ."""
    network = trained_a_little(build(architecture, TASK.classes), size).float()
    mean, std = torch.tensor([5.0, 6.0, 7.0]), torch.tensor([2.0, 3.0, 4.0])
    resolutions = architecture.resolutions
    if resolutions is not None:
        network = resolutions.at_size(network, size)
    classifier = DeployedClassifier(deploy(network), mean, std)
    classifier.eval()
    return ExportInput(classifier, Job(architecture, TASK, RECIPE, 0), size, LABELS)


def test_all_operators_and_backbones_take_part() -> None:
    assert {type(choice) for choice in CHOICES} == set(OPERATORS.values())
    assert {type(backbone) for backbone in NETWORKS} == set(BACKBONES.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture",
    [home(choice) for choice in CHOICES] + [Architecture(backbone) for backbone in NETWORKS],
    ids=lambda architecture: architecture.label(),
)
def test_the_graph_takes_any_number_of_images(architecture: Architecture) -> None:
    # AlexNet's pools need more.
    size = 16 if architecture.backbone.kind == "alexnet" else SIZE
    made = source(architecture, size)
    graph = made.program.module()
    for count in (1, 5):
        images = 5 + 3 * torch.randn(count, 3, size, size)
        with torch.no_grad():
            torch.testing.assert_close(graph(images), made.classifier(images))


@pytest.mark.parametrize("side", ["out", "in"])
@pytest.mark.parametrize(
    "slot",
    [
        Slot("a", 1, "conv", 6, 4),
        Slot("a", 1, "conv", 4, 6, kernel=3, padding=1, stride=2),
        Slot("a", 1, "conv", 4, 6, kernel=3, padding=1, groups=2),
        Slot("a", 1, "conv", 4, 4, kernel=5, padding=1, groups=4),
    ],
    ids=str,
)
def test_products_of_windows_are_the_convolution(slot: Slot, side: Side) -> None:
    conv = MixedKernelConv2d(slot, side)
    weighted = slot.out_chs if side == "out" else slot.in_chs
    x, gate = torch.randn(3, slot.in_chs, 7, 6).double(), torch.rand(3, 2, weighted).double()
    shape = (2, slot.out_chs, slot.in_chs // slot.groups, slot.kernel, slot.kernel)
    inputs = (x, gate, torch.randn(shape).double(), torch.randn(2, slot.out_chs).double())
    results = []
    for way in (conv._convolve, conv._multiply):
        leaves = [tensor.clone().requires_grad_() for tensor in inputs]
        y = way(*leaves)
        y.square().sum().backward()
        results.append([y, *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(*results)


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(
            SMALL, {"*.conv1": Multiception((3, 5)), "*": MultiScaleRecalibration((1, 2))}
        ),
        home(HierarchicalSplit(3, 3)),
        Architecture(SMALL, {"layer1.0.conv1": CoConv(2)}, Resolutions((SIZE, 4))),
    ],
    ids=lambda architecture: architecture.label(),
)
def test_onnx_computes_the_same(architecture: Architecture, tmp_path: Path) -> None:
    made = source(architecture)
    path = tmp_path / "model.onnx"
    FORMATS["onnx"].write(made, path)
    run = FORMATS["onnx"].read(path)
    for count in (1, 5):
        images = 5 + 3 * torch.randn(count, 3, SIZE, SIZE)
        with torch.no_grad():
            torch.testing.assert_close(run(images), made.classifier(images), rtol=1e-3, atol=1e-4)
    session = onnxruntime.InferenceSession(path)
    assert json.loads(session.get_modelmeta().custom_metadata_map["labels"]) == list(LABELS)
    assert session.get_inputs()[0].shape == ["batch", 3, SIZE, SIZE]
    assert session.get_outputs()[0].shape == ["batch", TASK.classes]
    # No remark that tells where the code lies on this machine.
    assert str(ROOT).encode() not in path.read_bytes()


def test_quantised_networks_have_a_graph() -> None:
    network = quantise(build(STATIC, 10), 2, 2)
    network(torch.randn(8, 3, SIZE, SIZE))
    classifier = DeployedClassifier(deploy(network), torch.zeros(3), torch.ones(3))
    classifier.eval()
    made = ExportInput(classifier, Job(STATIC, TASK, RECIPE, 0), SIZE, LABELS)
    images = torch.randn(3, 3, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(made.program.module()(images), classifier(images))


def call(monkeypatch: pytest.MonkeyPatch, command: Callable[..., int], *arguments: object) -> int:
    """The exit status of a command."""
    monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        run_command(command, "program")
    return int(stopped.value.code or 0)


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a small switchable network's training."""
    architecture = Architecture(SMALL, {"layer1.*": CoConv(2)}, Resolutions((8, 4)))
    for name, value in (("arch", architecture), ("task", TASK), ("recipe", RECIPE)):
        (tmp_path / f"{name}.json").write_text(json.dumps(to_json(value)))
    out = tmp_path / "trained"
    options = ["--task", tmp_path / "task.json", "--recipe", tmp_path / "recipe.json"]
    arguments = [tmp_path / "arch.json", *options, "--device", "cpu", "--out", out]
    assert call(monkeypatch, train_main, *arguments) == 0
    return out


@pytest.mark.slow
def test_every_size_is_written_checked_and_described(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    note = "the only one."
    arguments = [trained, "--out", out, "--format", "safetensors", "--format", "torch"]
    assert call(monkeypatch, main, *arguments, "--note", note) == 0
    assert "model-4.pt2" in capsys.readouterr().out
    names = {"model-8.safetensors", "model-8.pt2", "model-4.safetensors", "model-4.pt2"}
    assert {path.name for path in out.iterdir()} == names | {
        "architecture.json", "export.json", "labels.json", "MODEL_CARD.md",
    }  # fmt: skip
    record = json.loads((out / "export.json").read_text())
    found = read_trained(trained)
    data = TASK.load()
    images, labels = data.test.images, data.test.labels
    for entry in record["sizes"]:
        size = entry["size"]
        assert {file["parity"]["agreement"] for file in entry["files"]} == {1.0}
        assert all(file["latency"]["median_ms"] > 0 for file in entry["files"])
        resized = nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
        with torch.no_grad():
            right = load(out / f"model-{size}.safetensors")(resized).argmax(1) == labels
        assert right.float().mean().item() == pytest.approx(found.point(size).test_accuracy)
    card = (out / "MODEL_CARD.md").read_text()
    assert note in card and f"{found.point(4).test_accuracy:.2%} (n = 450)" in card
    assert "model-8.pt2" in card and found.job.architecture.key in card


def test_one_size_of_it(trained: Path, tmp_path: Path) -> None:
    found = export(read_trained(trained), tmp_path / "out", sizes=[4], formats=["safetensors"])
    assert [entry.size for entry in found.sizes] == [4]
    assert (tmp_path / "out" / "model.safetensors").exists()
    # The norms of the other size are left out.
    assert found.sizes[0].deployed.params < found.sizes[0].training.params
    with pytest.raises(InputError, match="size must be one of 8, 4, 6, .* got 5"):
        export(read_trained(trained), tmp_path / "out", sizes=[5])


def test_a_file_that_differs_fails_and_leaves_no_record(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(read_trained(trained), tmp_path / "out", sizes=[4], formats=["safetensors"])
    wrong = nn.Softmax(1)
    monkeypatch.setattr(
        "trainers.export.deployed.deploy", lambda network: nn.Sequential(deploy(network), wrong)
    )
    with pytest.raises(InputError, match=r"model.safetensors does not compute what"):
        export(read_trained(trained), tmp_path / "out", sizes=[4], formats=["safetensors"])
    assert not (tmp_path / "out" / "export.json").exists()


@pytest.mark.slow
def test_the_card_leads_from_an_image_file_to_its_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two classes whose names say their colour; labels in another order would be seen."""
    random = np.random.default_rng(0)
    for name, channel in (("zinc blue", 2), ("brick red", 0)):
        for number in range(20):
            pixels = random.integers(0, 60, (10, 14, 3), np.uint8)
            pixels[..., channel] += 150
            path = tmp_path / "set" / "train" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    task = folder_task(tmp_path / "set", size=8)
    assert task.class_names(tmp_path) == ("brick red", "zinc blue")
    recipe = replace(RECIPE, epochs=20, batch_size=6)
    for name, value in (("arch", STATIC), ("task", task), ("recipe", recipe)):
        (tmp_path / f"{name}.json").write_text(json.dumps(to_json(value)))
    options = ["--task", tmp_path / "task.json", "--recipe", tmp_path / "recipe.json"]
    out = ["--data-root", tmp_path, "--out", tmp_path / "trained"]
    assert call(monkeypatch, train_main, tmp_path / "arch.json", *options, *out) == 0
    export(read_trained(tmp_path / "trained"), tmp_path / "out", data_root=tmp_path)
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    assert "Classes, in the order of the logits: 0 brick red, 1 zinc blue." in card
    (snippet,) = [code for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL)
                  if "photo.jpg" in code]  # fmt: skip
    assert len(snippet.splitlines()) <= 7
    monkeypatch.chdir(tmp_path / "out")
    capsys.readouterr()
    for name in ("brick red", "zinc blue"):
        Image.open(tmp_path / "set" / "train" / name / "3.png").save("photo.jpg", quality=95)
        exec(compile(snippet, "MODEL_CARD.md", "exec"), {})
    assert capsys.readouterr().out.split("\n")[:2] == ["brick red", "zinc blue"]
    header = load_header(tmp_path / "out" / "model.safetensors")
    assert json.loads(header["labels"]) == ["brick red", "zinc blue"]
    extra = {"labels.json": ""}
    torch.export.load(tmp_path / "out" / "model.pt2", extra_files=extra)
    assert json.loads(extra["labels.json"]) == ["brick red", "zinc blue"]


def load_header(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        header: dict[str, str] = file.metadata()
    return header


def test_what_counts_as_different() -> None:
    expected = torch.tensor([[100.0, 99.0], [1.0, 2.0]])
    parity = compare(Path("m"), expected + 0.05, expected)
    assert (parity.images, parity.agreement) == (2, 1.0)
    assert parity.max_difference == pytest.approx(0.05, rel=1e-3)
    for found in (expected + 0.2, expected * torch.nan):
        with pytest.raises(InputError, match="does not compute"):
            compare(Path("m"), found, expected)


def test_a_missing_package_is_named(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnx" else name)
    assert call(monkeypatch, main, trained, "--out", tmp_path / "out") == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ONNX needs onnx: pip install convfrontier[export]")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_exported_is_said(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="config.json does not exist; name a folder"):
        read_trained(tmp_path)
    with pytest.raises(InputError, match="format must be one of safetensors, torch, onnx"):
        export(read_trained(trained), tmp_path / "out", formats=["tflite"])
    (trained / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot read the weights"):
        read_trained(trained)
    result = Result("diverged", (), (), 0.0, "the loss was not finite in epoch 1, step 3")
    (trained / METRICS).write_text(json.dumps(result.to_json()))
    with pytest.raises(InputError, match="did not finish: the loss was not finite"):
        read_trained(trained)
    (trained / CONFIG).write_text("{}")
    with pytest.raises(InputError, match="names no job"):
        read_trained(trained)
    with pytest.raises(InputError, match="cannot read"):
        load(trained / CONFIG)


def test_wilson_interval() -> None:
    # Of 10, none: 0 to z^2 / (10 + z^2); symmetric at a half.
    assert wilson(0.0, 10) == pytest.approx((0.0, 3.841459 / 13.841459), abs=1e-6)
    low, high = wilson(0.5, 100)
    assert (low + high, high - 0.5) == pytest.approx((1.0, 0.0961706), abs=1e-5)
