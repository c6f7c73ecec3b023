"""Detectors and DeepLabv3 on the stages of any architecture."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet50
from torchvision.models.resnet import Bottleneck

from searchspace import (
    AlexNet,
    Architecture,
    Backbone,
    CoConv,
    DenseNet,
    HierarchicalSplit,
    InputError,
    MobileNetV2,
    MultiScaleRecalibration,
    ResNet,
    ResNetCifar,
    Resolutions,
    ShakeShake,
    build,
    measure_module,
)
from searchspace.cli import run_command
from trainers.dense import Dilated, deeplab, dense_costs, detector, staged
from trainers.dense.__main__ import main
from trainers.dense.fitting import fit, loss_on
from trainers.dense.shapes import CLASSES, scenes
from trainers.dense.stages import StagedBackbone, segments

HS = Architecture(
    ResNet(50, width=4, stem="deep", shortcut="D"), {"layer[14].*.conv2": HierarchicalSplit(3, 3)}
)
SMALL_HEADS: dict[str, Any] = {
    "min_size": 64, "max_size": 64, "pyramid_chs": 16, "rpn_pre_nms_top_n_train": 50,
    "box_batch_size_per_image": 16,
}  # fmt: skip


@pytest.mark.parametrize(
    ("backbone", "strides", "chs"),
    [
        (ResNet(18, width=4), (4, 8, 16, 32), (4, 8, 16, 32)),
        (ResNet(50, width=4, stem="deep", shortcut="D"), (4, 8, 16, 32), (16, 32, 64, 128)),
        (ResNet(18, width=4, stem="small"), (1, 2, 4, 8), (4, 8, 16, 32)),
        (ResNetCifar(8, width=4), (1, 2, 4), (4, 8, 16)),
        (ShakeShake(8, width=4), (1, 2, 4), (4, 8, 16)),
        # 8 channels of the stem, 4 more of each block's layer, halved between blocks.
        (DenseNet(10, growth=4), (1, 2, 4), (12, 10, 9)),
        # Stages of equal stride are one; the first of five is left out.
        (MobileNetV2(0.1), (4, 8, 16, 32), (8, 8, 16, 1280)),
        (MobileNetV2(0.1, stem="small"), (1, 2, 4, 8), (8, 8, 16, 1280)),
    ],
)
def test_taps_say_what_the_maps_are(
    backbone: Backbone, strides: tuple[int, ...], chs: tuple[int, ...]
) -> None:
    body = staged(Architecture(backbone))
    assert tuple(tap.stride for tap in body.taps) == strides
    assert tuple(tap.chs for tap in body.taps) == chs
    maps = body(torch.randn(2, 3, 64, 96))
    assert list(maps) == [str(i) for i in range(len(strides))]
    for found, tap in zip(maps.values(), body.taps, strict=True):
        assert found.shape == (2, tap.chs, 64 // tap.stride, 96 // tap.stride)


def same_logits(architecture: Architecture, size: int) -> None:
    """The stages hold all that the classifier computes but its head."""
    network = build(architecture).eval()
    heads: list[torch.Tensor] = []
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    last.register_forward_pre_hook(lambda _, inputs: heads.append(inputs[0]))
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        network(images)
        x = images
        for stage in segments(network):
            x = stage(x)
    torch.testing.assert_close(x.mean((2, 3)), heads[0])


@pytest.mark.parametrize(
    "architecture",
    [
        HS,
        Architecture(ResNetCifar(8, width=4), {"*": CoConv(2)}),
        Architecture(ShakeShake(8, width=4)),
        Architecture(DenseNet(10, growth=4), {"*": MultiScaleRecalibration((1, 2))}),
        Architecture(MobileNetV2(0.1, stem="small")),
    ],
    ids=lambda architecture: architecture.label(),
)
def test_stages_end_where_the_classifier_begins(architecture: Architecture) -> None:
    same_logits(architecture, 32)


def test_networks_without_stages_are_refused() -> None:
    with pytest.raises(InputError, match="AlexNetNet has no stages to build on; take a ResNet"):
        staged(Architecture(AlexNet("cifar", width=2)))


def test_trained_weights_are_loaded_whatever_their_classes(tmp_path: Path) -> None:
    architecture = Architecture(ResNetCifar(8, width=4), {}, Resolutions((16, 8)))
    trained = build(architecture, num_classes=7)
    for module in trained.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)
    path = tmp_path / "weights.safetensors"
    save_file(trained.state_dict(), path)
    images = torch.randn(1, 3, 16, 16)
    maps = []
    trained.eval().get_submodule("layer3").register_forward_hook(lambda *a: maps.append(a[2]))
    for size in (16, 8):
        body = staged(architecture, path, size=size).eval()
        with torch.no_grad():
            trained(images[..., :size, :size])
            found = body(images[..., :size, :size])
        torch.testing.assert_close(next(reversed(found.values())), maps.pop())
    other = Architecture(ResNetCifar(8, width=5), {}, Resolutions((16, 8)))
    with pytest.raises(InputError, match="cannot load .* size mismatch"):
        staged(other, path)
    with pytest.raises(InputError, match="the weights of another architecture"):
        staged(Architecture(ResNetCifar(14, width=4)), path)
    with pytest.raises(InputError, match="cannot load"):
        staged(other, tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "architecture",
    [HS, Architecture(ResNet(18, width=4), {"layer[34].*": CoConv(2)})],
    ids=lambda architecture: architecture.label(),
)
def test_dilation_keeps_what_the_stages_gave(architecture: Architecture) -> None:
    torch.manual_seed(1)
    plain = staged(architecture).double().eval()
    torch.manual_seed(1)
    dense = staged(architecture, output_stride=8).double().eval()
    assert [tap.stride for tap in dense.taps] == [4, 8, 8, 8]
    images = torch.randn(1, 3, 128, 64, dtype=torch.double)
    with torch.no_grad():
        before, after = plain(images), dense(images)
    for name, factor in (("0", 1), ("1", 1), ("2", 2), ("3", 4)):
        torch.testing.assert_close(after[name][..., ::factor, ::factor], before[name])
    assert after["3"].shape[-2:] == (16, 8)


@pytest.mark.parametrize("sizes", [(7, 10), (8, 8), (2, 13)])
def test_sizes_that_the_period_does_not_divide(sizes: tuple[int, int]) -> None:
    stage = nn.Sequential(nn.Conv2d(2, 3, 3, 2, 1), nn.Conv2d(3, 3, 3, padding=1)).eval()
    x = torch.randn(2, 2, *sizes)
    with torch.no_grad():
        y = Dilated(stage, 2, 2)(x)
        assert y.shape == (2, 3, *sizes)
        # Of one shift, what the stage itself gives where padding does not reach.
        expected = stage(nn.functional.pad(x, (0, 16, 0, 16))[:, :, 1::2, 1::2])
    near = y[:, :, 1::4, 1::4][..., :-1, :-1]
    rows, columns = near.shape[2:]
    torch.testing.assert_close(near, expected[..., :rows, :columns])


def test_dilation_is_torchvisions_but_for_the_border() -> None:
    theirs = resnet50(replace_stride_with_dilation=[False, True, True])
    mine = resnet50()
    mine.load_state_dict(theirs.state_dict())
    theirs.eval(), mine.eval()
    x = torch.randn(1, 512, 24, 20)
    ours = nn.Sequential(Dilated(mine.layer3[:2], 2, 1), Dilated(mine.layer4[:1], 2, 2)).eval()
    reference = nn.Sequential(theirs.layer3[:2], theirs.layer4[:1]).eval()
    assert isinstance(mine.layer4[0], Bottleneck)
    with torch.no_grad():
        found, expected = ours(x), reference(x)
    # In layer3 two results of each shift see its border, and in layer4 what is 2 from those.
    inside = (..., slice(6, -6), slice(6, -6))
    torch.testing.assert_close(found[inside], expected[inside], rtol=1e-4, atol=1e-4)
    # The 1x1 in front of each stage's stride is computed for each of its four shifts.
    again = 3 * 24 * 20 * (512 * 256 + 1024 * 512)
    shape = tuple(x.shape)
    assert measure_module(ours, shape).macs == measure_module(reference, shape).macs + again


def reached(model: nn.Module) -> set[str]:
    return {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["faster_rcnn", "mask_rcnn", "deeplab_v3"])
def test_a_few_steps_lower_the_loss(kind: str) -> None:
    if kind == "deeplab_v3":
        model = deeplab(HS, classes=CLASSES)
    else:
        model = detector(HS, kind=kind, classes=CLASSES, **SMALL_HEADS)
    batch = scenes(2, 64, torch.Generator().manual_seed(0))
    losses = fit(model, lambda: batch, 6, lr=0.01)
    assert min(losses[-2:]) < losses[0]
    # Gradients reach every weight of the backbone.
    body = model.backbone.body
    assert isinstance(body, StagedBackbone)
    assert reached(body) == {name for name, _ in body.named_parameters()}
    with torch.no_grad():
        found = model.eval()(batch.images)
    if kind == "deeplab_v3":
        assert found["out"].shape == (2, CLASSES, 64, 64)
    else:
        names = {"boxes", "labels", "scores"} | ({"masks"} if kind == "mask_rcnn" else set())
        assert [set(entry) for entry in found] == [names, names]


def test_frozen_norms_keep_their_statistics_and_parameters() -> None:
    architecture = Architecture(ResNetCifar(8, width=4), {"layer1.*": CoConv(2)})
    model = deeplab(architecture, classes=CLASSES, freeze_norms=True)
    norms = [m for m in model.backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [torch.cat([norm.running_mean, norm.weight]).clone() for norm in norms]
    fit(model, partial(scenes, 2, 16, torch.Generator().manual_seed(0)), 2)
    torch.testing.assert_close([torch.cat([n.running_mean, n.weight]) for n in norms], before)
    assert any(m.training for m in model.classifier.modules() if isinstance(m, nn.BatchNorm2d))


def test_costs_are_those_of_the_layers() -> None:
    model = detector(HS, kind="mask_rcnn", classes=CLASSES, **SMALL_HEADS)
    costs = dense_costs(model, 64, proposals=10, detections=3)
    assert list(costs) == [
        "backbone", "pyramid", "region proposals", "box head", "mask head", "total",
    ]  # fmt: skip
    assert costs["total"].params == sum(p.numel() for p in model.parameters())
    assert costs["total"].macs == sum(c.macs for part, c in costs.items() if part != "total")
    # 7x7x16 to 1024 to 1024, then 4 scores and 4 boxes of 4.
    assert costs["box head"].macs == 10 * (784 * 1024 + 1024 * 1024 + 1024 * (4 + 16))
    # At strides 4 to 64: a 3x3 and two 1x1 for 3 anchors.
    pixels = 16**2 + 8**2 + 4**2 + 2**2 + 1
    assert costs["region proposals"].macs == pixels * (16 * 16 * 9 + 16 * 3 * 5)
    plain = staged(HS)
    assert costs["backbone"].params == sum(p.numel() for p in plain.parameters())
    assert model.training
    segmenter = dense_costs(deeplab(HS, classes=CLASSES, output_stride=8), 64)
    assert list(segmenter) == ["backbone", "head", "total"]
    assert segmenter["backbone"].macs > costs["backbone"].macs


def test_scenes_are_what_their_targets_say() -> None:
    found = scenes(20, 32, torch.Generator().manual_seed(0))
    assert found.images.shape == (20, 3, 32, 32) and 0 <= found.images.min()
    for image, target, labels in zip(found.images, found.targets, found.labels, strict=True):
        assert len(target["boxes"]) == len(target["labels"]) == len(target["masks"]) >= 1
        covered = torch.zeros(32, 32, dtype=torch.long)
        for (left, top, right, bottom), label, mask in zip(
            target["boxes"].int().tolist(), target["labels"], target["masks"], strict=True
        ):
            assert mask[top:bottom, left:right].sum() == mask.sum() > 0
            assert image[label - 1][mask.bool()].min() > 0.89
            covered += mask * label
        # Masks do not overlap, and are the classes of the pixels.
        assert torch.equal(covered, labels)
    assert found.labels.unique().tolist() == [0, 1, 2, 3]


def test_same_seed_same_scenes_and_finite_loss() -> None:
    first, second = (scenes(2, 32, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.images, second.images)
    model = deeplab(Architecture(ResNetCifar(8, width=4)), classes=CLASSES).train()
    assert loss_on(model, first, torch.device("cpu")).isfinite()


def test_command_shows_costs_and_losses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "arch.json"
    path.write_text(json.dumps(Architecture(ResNetCifar(8, width=4)).to_json()))

    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["dense", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            run_command(main, "python -m trainers.dense")
        return int(stopped.value.code or 0)

    assert call(path, "--kind", "deeplab_v3", "--size", 16, "--steps", 2) == 0
    printed = capsys.readouterr().out
    assert "deeplab_v3 at 16x16" in printed and "step 2/2: loss" in printed
    assert call(path, "--kind", "yolo") == 2
    assert "kind must be one of faster_rcnn, mask_rcnn, deeplab_v3" in capsys.readouterr().err
    assert call(tmp_path / "none.json") == 2
    assert "none.json: cannot be read" in capsys.readouterr().err
