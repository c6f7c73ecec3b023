"""Starts from trained weights: what computes the same before training, and what is kept."""

import pytest
import torch
from torch import nn

from searchspace import (
    ACNet,
    Architecture,
    Choice,
    CoConv,
    CondConv,
    DyConv,
    EfficientChannelAttention,
    GatherExcite,
    Graft,
    InputError,
    Multiception,
    MultiScaleRecalibration,
    ResNetCifar,
    Resolutions,
    SqueezeExcite,
    build,
)
from searchspace.starting import Start, start_from, starts_anew
from tests.support.paths import ROOT

FILE = ROOT / "tests/support/user_models.py"
RESIDUAL = Graft(f"{FILE}:residual")
PRESERVING = (
    CoConv(3),
    CoConv(2, norms=False),
    CoConv(3, side="in"),
    CoConv(2, side="in", norms=False, gate="softmax"),
    CoConv(2, gate="softmax", scales="single"),
    CondConv(3),
    DyConv(4),
    ACNet(),
    ACNet(norms=False),
    SqueezeExcite(reduction=2),
    SqueezeExcite(bias=False),
    EfficientChannelAttention(),
    GatherExcite(4),
    MultiScaleRecalibration((1, 2)),
    MultiScaleRecalibration((1, 3), pooling="sliding"),
)


def trained(backbone: Graft | ResNetCifar, **settings: int) -> nn.Module:
    """A plain network with weights, statistics and norms as training leaves them."""
    network = build(Architecture(backbone), **settings)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
        elif isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return network.eval()


def started(architecture: Architecture, plain: nn.Module) -> tuple[nn.Module, Start]:
    network = build(architecture)
    return network, start_from(network, architecture, plain.state_dict())


@pytest.mark.parametrize("choice", PRESERVING, ids=lambda choice: choice.label())
def test_an_operator_computes_what_it_replaces_before_training(choice: Choice) -> None:
    plain = trained(RESIDUAL)
    architecture = Architecture(RESIDUAL, {"*": choice})
    assert architecture.choices
    network, start = started(architecture, plain)
    images = torch.randn(3, 3, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), plain(images), rtol=1e-5, atol=1e-5)
    assert not start.anew and starts_anew(architecture) == {}
    # It learns: a gradient reaches what makes it more than the convolution.
    network.train()(images).square().sum().backward()
    for name in architecture.choices:
        gradients = [p.grad for p in network.get_submodule(name).parameters()]
        assert any(g is not None and g.abs().sum() > 0 for g in gradients)


def test_experts_part_by_noise_that_sums_to_zero() -> None:
    plain = trained(RESIDUAL)
    network, _ = started(Architecture(RESIDUAL, {"blocks.0.conv1": CondConv(3)}), plain)
    kernels, _ = network.blocks[0].conv1.expert_kernels()
    kernel = plain.blocks[0].conv1.weight
    torch.testing.assert_close(kernels.sum(0) * 0.5, kernel)
    spread = ((kernels * 1.5 - kernel).std() / kernel.std()).detach()
    assert 0.003 < float(spread) < 0.03


def test_all_operators_together_in_a_network_of_torchvision() -> None:
    graft = Graft("torchvision/resnet18")
    plain = trained(graft)
    choices = {"layer[34].*.conv2": CoConv(2), "*.conv1": ACNet(), "*": SqueezeExcite()}
    network, start = started(Architecture(graft, choices), plain)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = plain(images)
        torch.testing.assert_close(network.eval()(images), expected, rtol=1e-4, atol=1e-5)
    assert "fc.weight" in start.kept and "layer1.0.conv2.weight" in start.kept
    assert "layer1.0.bn2.inner.weight" in start.kept
    assert not any(name.startswith("layer4.0.conv2.") for name in start.kept)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "vgg11_bn", "densenet121", "convnext_tiny"])
@pytest.mark.slow
def test_recalibration_in_networks_of_other_families(name: str) -> None:
    graft = Graft(f"torchvision/{name}")
    plain = trained(graft)
    architecture = Architecture(graft, {"*": EfficientChannelAttention()})
    network, start = started(architecture, plain)
    reasons = set(start.anew.values())
    if name == "convnext_tiny":
        assert reasons == {"eca follows no layer that could make up for its constant gate"}
        return
    assert not reasons
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), plain(images), rtol=1e-4, atol=1e-5)


def test_what_starts_anew_says_why() -> None:
    architecture = Architecture(RESIDUAL, {"*.conv1": Multiception()})
    _, start = started(architecture, trained(RESIDUAL))
    assert set(start.anew) == {"blocks.0.conv1", "blocks.1.conv1"}
    assert start.anew["blocks.0.conv1"] == "multiception has no start that computes the same"
    assert starts_anew(architecture) == start.anew
    own = Architecture(ResNetCifar(8, width=3), {"*.recalibration": SqueezeExcite()})
    assert "follows no layer" in next(iter(starts_anew(own).values()))


def test_other_classes_and_channels() -> None:
    plain = trained(RESIDUAL)
    architecture = Architecture(RESIDUAL, {"blocks.0.conv1": CoConv(2)})
    network = build(architecture, num_classes=4, in_chs=1)
    before = network.head.weight.clone()
    start = start_from(network, architecture, plain.state_dict(), num_classes=4, in_chs=1)
    assert torch.equal(network.head.weight, before) and "head.weight" not in start.kept
    grey = torch.randn(2, 1, 8, 8)
    torch.testing.assert_close(network.stem(grey), plain.stem(grey.expand(-1, 3, -1, -1)))


def test_our_own_backbones_and_private_norms_start_too() -> None:
    backbone = ResNetCifar(8, width=3)
    plain = trained(backbone)
    for resolutions in (None, Resolutions((16, 8))):
        architecture = Architecture(backbone, {"*.conv2": CoConv(2)}, resolutions)
        network, start = started(architecture, plain)
        images = torch.randn(2, 3, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(network.eval()(images), plain(images), rtol=1e-4, atol=1e-5)
        assert not start.anew


def test_weights_that_do_not_fit_are_told_in_a_sentence() -> None:
    architecture = Architecture(RESIDUAL)
    state = trained(RESIDUAL).state_dict()
    network = build(architecture)
    without = {name: value for name, value in state.items() if "bn1" not in name}
    with pytest.raises(InputError, match="not those of user_models.py:residual: they lack blocks"):
        start_from(network, architecture, without)
    with pytest.raises(InputError, match="they hold other tensors: other"):
        start_from(network, architecture, {**state, "other": torch.zeros(1)})
    wrong = {**state, "norm.weight": torch.zeros(7)}
    with pytest.raises(InputError, match=r"norm.weight has the shape \(7,\) instead of \(5,\)"):
        start_from(network, architecture, wrong)
    parallel = {f"module.{name}": value for name, value in state.items()}
    assert "stem.weight" in start_from(network, architecture, parallel).kept
