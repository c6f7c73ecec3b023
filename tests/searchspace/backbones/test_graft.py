"""Grafts: models of others as backbones, built, priced and left as they are."""

import copy
import warnings
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from searchspace import (
    Architecture,
    Choice,
    CoConv,
    Graft,
    InputError,
    Rule,
    Space,
    SqueezeExcite,
    Static,
    build,
    deploy,
    measure,
)
from searchspace.backbones.base import refusal
from searchspace.backbones.graft.anatomy import ACTIVATIONS
from searchspace.backbones.graft.graft import anatomy
from tests.support.grafts import MODELS, OPTIONS, SIZE, original, slow, user


def test_costs_of_a_users_model_by_table_are_those_of_direct_counting() -> None:
    space = Space.of(user("residual"), Rule.of("*", *OPTIONS), input_size=16, num_classes=7)
    for form in ("deployed", "training"):
        for network in (space.sample(Random(seed)) for seed in range(3)):
            assert space.cost(network, form) == measure(network, 16, form, num_classes=7)


@pytest.mark.parametrize("name", MODELS)
def test_with_static_slots_it_is_the_original_bit_for_bit(name: str) -> None:
    theirs = original(name, 3)
    torch.manual_seed(3)
    ours = build(Architecture(Graft(f"torchvision/{name}")))
    state, own_state = theirs.state_dict(), ours.state_dict()
    assert list(state) == list(own_state)
    assert all(torch.equal(state[key], own_state[key]) for key in state)
    assert [n for n, _ in theirs.named_parameters()] == [n for n, _ in ours.named_parameters()]
    images = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        assert torch.equal(theirs.eval()(images), ours.eval()(images))
        assert torch.equal(theirs(images), deploy(ours)(images))


@slow
@pytest.mark.parametrize("name", MODELS)
def test_costs_by_table_are_those_of_direct_counting(name: str) -> None:
    graft = Graft(f"torchvision/{name}")
    legal = [c for c in OPTIONS if any(refusal(c, slot) is None for slot in graft.slots())]
    space = Space.of(graft, Rule.of("*", *legal), input_size=SIZE, num_classes=7)
    rows = space.sample_rows(2, Random(0))
    for form in ("deployed", "training"):
        macs, params = space.price(rows, form)
        for row, *priced in zip(rows, macs, params, strict=True):
            cost = measure(space.architecture(row), SIZE, form, num_classes=7)
            assert [cost.macs, cost.params] == priced


@pytest.mark.parametrize("name", MODELS)
def test_fvcore_counts_the_untouched_model_as_the_counter_does(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(original(name).eval(), torch.zeros(1, 3, SIZE, SIZE))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        counted = analysis.by_operator()
    # The convention leaves norms and pooling out.
    products = sum(counted[kind] for kind in ("conv", "linear", "matmul", "addmm", "bmm"))
    cost = measure(Architecture(Graft(f"torchvision/{name}")), SIZE)
    assert cost.macs == products
    assert cost.params == sum(p.numel() for p in original(name).parameters())


def test_choices_leave_all_other_weights_as_they_are() -> None:
    theirs = original("resnet18", 1).state_dict()
    torch.manual_seed(1)
    choices = {"layer[34].*.conv2": CoConv(2), "*": SqueezeExcite()}
    ours = build(Architecture(Graft("torchvision/resnet18"), choices)).state_dict()
    kept = {key.replace(".inner.", "."): value for key, value in ours.items()}
    changed = {key for key in theirs if key.startswith(("layer3", "layer4")) and "conv2" in key}
    assert changed and len(changed) == 4
    assert all(torch.equal(kept[key], theirs[key]) for key in set(theirs) - changed)


@dataclass(frozen=True)
class Normed(Choice):
    """A convolution with a norm and an activation of its own."""

    kind: ClassVar[str] = "normed"
    role: ClassVar[Any] = "conv"
    normalised: ClassVar[bool] = True

    def module(self, slot: Any) -> nn.Module:
        conv = Static().module(slot)
        return nn.Sequential(conv, nn.BatchNorm2d(slot.out_chs), nn.SiLU())


def test_an_operator_with_a_norm_of_its_own_replaces_the_one_that_follows() -> None:
    graft = user("residual")
    network = build(Architecture(graft, {"blocks.0.conv1": Normed()}))
    block = network.blocks[0]
    assert isinstance(block.bn1, nn.Identity) and isinstance(block.act1, nn.Identity)
    assert isinstance(block.bn2, nn.BatchNorm2d)
    parts = anatomy(graft)
    assert parts.norms["stem"] == "norm" and "stem" not in parts.activations
    assert parts.activations["blocks.0.conv1"] == "blocks.0.act1"
    space = Space.of(graft, Rule.of("*conv1", Static(), Normed(), CoConv(2)))
    assert space.cost(network_of(space)) == measure(network_of(space), 32)


def network_of(space: Space) -> Architecture:
    return Architecture(space.backbones[0], {"blocks.0.conv1": Normed()})


def test_channels_and_classes_are_asked_for_or_made_anew() -> None:
    for graft in (Graft("torchvision/resnet18"), user("residual"), user("stemless_arguments")):
        size = 28
        network = build(Architecture(graft, {"*": CoConv(2)}), num_classes=4, in_chs=2)
        assert network(torch.zeros(2, 2, size, size)).shape == (2, 4)
        assert measure(Architecture(graft), size, num_classes=4, in_chs=2).macs > 0
    assert Graft().default_classes == 1000
    assert user("stemless_arguments").default_classes == 7
    with pytest.raises(InputError, match="does not end in a linear layer"):
        build(Architecture(user("headless")), num_classes=4)


def test_grey_images_are_priced_with_the_first_convolution_decided() -> None:
    space = Space.of(
        user("residual"), Rule.of("*", Static(), CoConv(2)), in_chs=1, input_size=28, num_classes=10
    )
    for network in (space.sample(Random(seed)) for seed in range(3)):
        assert space.cost(network) == measure(network, 28, num_classes=10, in_chs=1)


def test_networks_are_copied_and_saved() -> None:
    architecture = Architecture(user("residual"), {"*": SqueezeExcite(), "*conv1": CoConv(2)})
    network = build(architecture).eval()
    images = torch.randn(2, 3, 12, 12)
    assert torch.equal(copy.deepcopy(network)(images), network(images))
    torch.testing.assert_close(deploy(network)(images), network(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Mish, nn.PReLU])
def test_activations_of_torch_are_known(kind: type[nn.Module]) -> None:
    assert issubclass(kind, ACTIVATIONS)
    assert not issubclass(nn.BatchNorm2d, ACTIVATIONS)
