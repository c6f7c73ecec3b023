import json

import pytest
import torch
from torch import nn

from searchspace import (
    ACNet,
    Architecture,
    CoConv,
    CondConv,
    DyConv,
    InputError,
    ResNet,
    ResNetCifar,
    SqueezeExcite,
    Static,
    Unchanged,
    build,
    deploy,
)

BACKBONE = ResNetCifar(depth=8, width=8, shortcut="B")
MIXED = Architecture(
    BACKBONE,
    {
        "layer*.conv1": CoConv(experts=2, gate="softmax"),
        "layer3.0.conv2": ACNet(),
        "*.recalibration": SqueezeExcite(8),
    },
)


def test_json_round_trip() -> None:
    read = Architecture.from_json(json.loads(json.dumps(MIXED.to_json())))
    assert read == MIXED and read.key == MIXED.key and hash(read) == hash(MIXED)
    assert list(read.choices) == list(MIXED.choices)


def test_keys_are_stable() -> None:
    # A change of these literals invalidates every stored result.
    assert Architecture(ResNetCifar()).key == "2137024fe6acc6e4"
    assert MIXED.key == "93f4c2d0321bbc2d"


def test_equal_networks_have_equal_keys() -> None:
    plain = Architecture(BACKBONE)
    for choices in (
        {"*": Static()},
        {"layer1.0.conv1": DyConv(experts=1)},
        {"layer1.0.conv1": CondConv(), "layer1.*": Static()},
        {"*.recalibration": Unchanged()},
        {"*.conv1": CoConv(experts=1, gate="softmax", norms=False)},
    ):
        assert Architecture(BACKBONE, choices) == plain
        assert Architecture(BACKBONE, choices).key == plain.key
    one, other = SqueezeExcite(8), SqueezeExcite(32)
    assert Architecture(BACKBONE, {"layer1.0.recalibration": one}) == Architecture(
        BACKBONE, {"layer1.0.recalibration": other}
    )
    forwards = {"layer1.0.conv1": CondConv(), "layer1.0.conv2": DyConv()}
    backwards = dict(reversed(forwards.items()))
    assert Architecture(BACKBONE, forwards).key == Architecture(BACKBONE, backwards).key


def test_different_networks_have_different_keys() -> None:
    architectures = [
        Architecture(backbone, choices)
        for backbone in (BACKBONE, ResNetCifar(), ResNet(18))
        for choices in (
            {},
            {"layer1.0.conv1": CoConv()},
            {"layer1.0.conv2": CoConv()},
            {"layer1.0.conv1": CoConv(2)},
            {"layer1.0.conv1": CondConv()},
        )
    ]
    assert len({architecture.key for architecture in architectures}) == len(architectures)
    assert len(set(architectures)) == len(architectures)


def test_patterns_fill_the_slots_that_can_take_the_choice() -> None:
    filled = Architecture(BACKBONE, {"layer2.*": ACNet()}).choices
    assert list(filled) == ["layer2.0.conv1", "layer2.0.conv2"]
    assert len(Architecture(BACKBONE, {"*": CoConv()}).choices) == 8
    later = Architecture(BACKBONE, {"*.conv1": CoConv(), "layer2.0.conv1": CondConv()})
    assert later.choices["layer2.0.conv1"] == CondConv()
    assert later.choices["layer3.0.conv1"] == CoConv()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"layer9.conv": CoConv()}, "has no slot 'layer9.conv'; its slots are layer1.0.conv1, "),
        (
            {"layer9.*": CoConv()},
            "no slot of .* matches 'layer9.*'; its slots are layer1.0.conv1, ",
        ),
        ({"layer3.0.cnov*": CoConv()}, "the nearest to it layer3.0.conv"),
        (
            {"*.downsample.0": ACNet()},
            r"matching '\*.downsample.0' can take acnet \(layer2.0.downsample.0: it adds 1x3 and "
            r"3x1 kernels to a 3x3.*\); its slots are layer1.0.conv1, ",
        ),
        (
            {"layer2.0.downsample.0": ACNet()},
            "slot 'layer2.0.downsample.0' cannot take acnet: it adds 1x3 and 3x1 kernels to a 3x3",
        ),
        (
            {"layer1.0.conv1": SqueezeExcite()},
            "'layer1.0.conv1' cannot take se: it is a recalibration and the slot is for a conv",
        ),
    ],
)
def test_bad_choices_are_refused_with_a_reason(choices, message) -> None:
    with pytest.raises(InputError, match=message):
        Architecture(BACKBONE, choices)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"architecture: expected an object, got \[\]"),
        ({}, "architecture: field 'backbone' is missing"),
        (
            {"backbone": {"kind": "vgg"}},
            "architecture.backbone: unknown kind 'vgg'; expected .*resnet",
        ),
        (
            {"backbone": {"kind": "resnet_cifar", "depth": 21}},
            r"architecture.backbone: depth must be 6n\+2, .* got 21",
        ),
        (
            {"backbone": {"kind": "resnet"}, "choices": {"x": {"kind": "coconv", "experts": 1.5}}},
            "architecture.choices.x.experts: expected int, got 1.5",
        ),
        (
            {"backbone": {"kind": "resnet"}, "choices": {"x": {"kind": "coconv"}}},
            "architecture: resnet has no slot 'x'",
        ),
    ],
)
def test_bad_json_is_refused_with_its_path(data, message) -> None:
    with pytest.raises(InputError, match=message):
        Architecture.from_json(data)


def test_label_names_backbone_and_choices() -> None:
    assert Architecture(ResNet(18)).label() == "resnet"
    assert MIXED.label() == (
        "resnet_cifar(depth=8, width=8, shortcut=B) + coconv(experts=2, gate=softmax)@*.conv1 "
        "+ se@1 + se(reduction=8)@2,3 + acnet@3.conv2"
    )


def test_build_puts_each_operator_where_its_slot_says() -> None:
    network = build(MIXED, num_classes=7, in_chs=2)
    for slot in MIXED.slots():
        built = network.get_submodule(slot.name)
        assert type(built) is type(MIXED.choice(slot).module(slot))
    assert network(torch.randn(2, 2, 16, 16)).shape == (2, 7)
    with pytest.raises(KeyError):
        MIXED.choices["fc"]


def test_build_initialises_convolutions_by_fan_in() -> None:
    network = build(Architecture(ResNetCifar(8, width=64), {"layer3.0.conv2": CoConv()}))
    for weight in (network.layer3[0].conv1.weight, network.layer3[0].conv2.weight):
        assert float(weight.detach().std()) == pytest.approx(
            (2 / weight[0].numel()) ** 0.5, rel=0.02
        )


def test_deploy_leaves_the_trained_network_as_it_was() -> None:
    network = build(MIXED)
    for _ in range(2):
        network(torch.randn(4, 3, 16, 16) + 1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.randn(3, 3, 17, 17)
    with torch.no_grad():
        small = deploy(network)
        expected = network.eval()(x)
        torch.testing.assert_close(small(x), expected, rtol=1e-4, atol=1e-4)
    assert not small.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert type(small.layer3[0].conv2) is nn.Conv2d
