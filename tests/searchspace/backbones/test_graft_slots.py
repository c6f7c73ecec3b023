"""The slots of grafts: which convolutions and places are slots, and why others are none."""

from random import Random

import pytest
import torch
from torch import nn

from searchspace import (
    Architecture,
    CoConv,
    Graft,
    InputError,
    Multiception,
    Rule,
    Space,
    SqueezeExcite,
    build,
    measure,
)
from searchspace.backbones.graft.graft import anatomy
from tests.support.grafts import MODELS, OPTIONS, SIZE, names, original, slow, user


@pytest.mark.parametrize("name", MODELS)
def test_every_convolution_is_a_slot_or_has_a_reason(name: str) -> None:
    graft = Graft(f"torchvision/{name}")
    with torch.device("cpu"):
        network = original(name)
    found = {n: m for n, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    slots = {slot.name: slot for slot in graft.slots() if slot.role == "conv"}
    assert set(slots) | set(anatomy(graft).not_slots) == set(found)
    assert not set(slots) & set(anatomy(graft).not_slots)
    for path, slot in slots.items():
        conv = found[path]
        assert (slot.in_chs, slot.out_chs) == (conv.in_channels, conv.out_channels)
        assert ((slot.kernel,) * 2, (slot.stride,) * 2) == (conv.kernel_size, conv.stride)
        assert (slot.padding,) * 2 == conv.padding
        assert (slot.groups, slot.bias) == (conv.groups, conv.bias is not None)


PLACES = {
    "resnet18": [f"layer{i}.{k}.bn2" for i in (1, 2, 3, 4) for k in (0, 1)],
    "vgg11_bn": [f"features.{i}" for i in (2, 6, 10, 13, 17, 20, 24, 27)],
    "mobilenet_v3_small": [
        f"features.{i}.block.{2 if i in (1, 2, 3) else 3}.1" for i in range(1, 12)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_recalibration_stands_at_the_end_of_each_block(name: str) -> None:
    found = names(Graft(f"torchvision/{name}"), "recalibration")
    assert found == [f"{place}.recalibration" for place in PLACES[name]]


@slow
@pytest.mark.parametrize(
    ("name", "number", "first"),
    [
        ("resnet50", 16, "layer1.0.bn3"),
        ("regnet_y_400mf", 16, "trunk_output.block1.block1-0.f.c.1"),
        ("convnext_tiny", 18, "features.1.0.block.6"),
        ("efficientnet_b0", 16, "features.1.0.block.2.1"),
        ("densenet121", 58, "features.denseblock1.denselayer1.conv2"),
        ("googlenet", 36, "inception3a.branch1.bn"),
    ],
)
def test_recalibration_in_other_families(name: str, number: int, first: str) -> None:
    found = names(Graft(f"torchvision/{name}"), "recalibration")
    assert (len(found), found[0]) == (number, f"{first}.recalibration")


def test_recalibration_where_the_user_says() -> None:
    graft = user("residual", recalibrate=("blocks.*.act2", "norm"))
    assert names(graft, "recalibration") == [
        "norm.recalibration", "blocks.0.act2.recalibration", "blocks.1.act2.recalibration",
    ]  # fmt: skip
    network = build(Architecture(graft, {"*.act2.recalibration": SqueezeExcite()}))
    block = network.blocks[0]
    x = torch.randn(2, 5, 6, 6)
    inner = block.bn2(block.conv2(block.act1(block.bn1(block.conv1(x))))) + x
    rescaled = block.act2.recalibration(inner.relu(), inner.relu())
    assert torch.equal(block.train(False)(x), block(x))
    network.train()
    assert not torch.equal(rescaled, inner.relu()) and rescaled.shape == x.shape
    with pytest.raises(InputError, match="no module of user_models.py:residual .* 'act9'"):
        user("residual", recalibrate=("act9",)).slots()


def test_a_model_that_cannot_be_traced_says_so_and_takes_patterns() -> None:
    graft = user("untraceable")
    assert names(graft, "conv") and not names(graft, "recalibration")
    with pytest.raises(InputError, match="torch.fx cannot trace it .*in recalibrate"):
        Architecture(graft, {"*": SqueezeExcite()})
    named = user("untraceable", recalibrate=("*.bn2",))
    assert len(Architecture(named, {"*": SqueezeExcite()}).choices) == 2


REASONS = {
    "dilated": "its dilation is 2",
    "wide": r"its kernel is \(1, 3\)",
    "reflected": "its padding is of mode 'reflect'",
    "same": "its padding is same",
    "twice": "it is 2 times called",
    "unused": "it is not called",
    "up": "it is a transposed convolution",
    "gate": "its map has one pixel",
    "first": "its weights are also those of second",
    "own": "it is a Standardised",
}


@pytest.mark.parametrize("name", REASONS)
def test_what_is_no_slot_is_refused_with_the_reason(name: str) -> None:
    graft = user("odd")
    assert names(graft, "conv") == ["plain"]
    for pattern in (name, f"{name}*"):
        with pytest.raises(InputError, match=REASONS[name]):
            Architecture(graft, {pattern: CoConv()})


def test_choices_are_refused_as_in_any_backbone() -> None:
    with pytest.raises(InputError, match="it replaces padded 3x3 convolutions and this one is 1x1"):
        Architecture(user("residual"), {"blocks.1.shortcut": Multiception()})


@slow
@pytest.mark.parametrize(
    ("name", "number", "first"),
    [
        ("ecaresnet50t", 16, "layer1.0.bn3"),
        ("convnext_atto", 12, "stages.0.blocks.0.mlp.fc2"),
        ("efficientnet_b0", 15, "blocks.1.0.bn3"),
        ("regnety_004", 16, "s1.b1.conv3.bn"),
    ],
)
def test_recalibration_in_timm(name: str, number: int, first: str) -> None:
    graft = Graft(f"timm/{name}")
    found = names(graft, "recalibration")
    assert (len(found), found[0]) == (number, f"{first}.recalibration")
    space = Space.of(graft, Rule.of("*", *OPTIONS[:3], *OPTIONS[5:]), input_size=SIZE)
    network = space.sample(Random(1))
    assert space.cost(network) == measure(network, SIZE)
