import copy

import pytest
import torch
from torch import nn

from searchspace import (
    ACNet,
    Architecture,
    CoConv,
    GatherExcite,
    InputError,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    ResNetCifar,
    Resolutions,
    build,
    deploy,
    ensemble_logits,
    measure,
)
from searchspace.layers.norms import PrivateBatchNorm2d

SIZES = (20, 16, 12)
CHOICES = {
    "static": {},
    "coconv": {"*.conv*": CoConv(experts=2)},
    "coconv on inputs": {"*.conv2": CoConv(experts=2, side="in")},
    "acnet and ge": {"*.conv*": ACNet(), "*.recalibration": GatherExcite(extent=2)},
    "multiception and ms-sar": {
        "*.conv1": Multiception((3, 5)),
        "*.conv2": MixConv((3, 5)),
        "*.recalibration": MultiScaleRecalibration(),
    },
}


def architecture(choices="static", **settings):
    resolutions = Resolutions(SIZES, **settings)
    return Architecture(ResNetCifar(depth=8, width=4), CHOICES[choices], resolutions)


def trained(choices="static", steps=2):
    """A network whose norms differ between sizes in parameters and statistics."""
    network = build(architecture(choices))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for step in range(steps * len(SIZES)):
        size = SIZES[step % len(SIZES)]
        optimiser.zero_grad()
        network(torch.randn(4, 3, size, size) + step).square().mean().backward()
        optimiser.step()
    for name, parameter in network.named_parameters():
        if ".norms." in name:
            nn.init.uniform_(parameter, 0.5, 1.5)
    return network


def plain_state(network, size):
    """The state of a network without sizes: shared tensors, and those of one size's norms."""
    index = SIZES.index(size)
    state = {}
    for name, value in network.state_dict().items():
        if ".norms." in name:
            module, rest = name.split(".norms.")
            number, field = rest.split(".")
            if int(number) == index:
                state[f"{module}.{field}"] = value
        elif name != "importance":
            state[name] = value
    return state


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_equals_separate_networks_with_copied_weights(choices, training) -> None:
    network = trained(choices).train(training)
    for size in SIZES:
        plain = build(Architecture(ResNetCifar(depth=8, width=4), CHOICES[choices]))
        plain.load_state_dict(plain_state(network, size))
        plain.train(training)
        x = torch.randn(3, 3, size, size)
        torch.testing.assert_close(network(x), plain(x))
        after = plain_state(network, size)
        for name, value in plain.state_dict().items():
            torch.testing.assert_close(after[name], value)


def test_a_step_at_one_size_leaves_the_norms_of_others_alone() -> None:
    network = build(architecture())
    before = copy.deepcopy(network.state_dict())
    network(torch.randn(2, 3, 16, 16)).sum().backward()
    for name, parameter in network.named_parameters():
        used = name != "importance" and (".norms." not in name or ".norms.1." in name)
        assert (parameter.grad is not None) == used, name
    changed = {n for n, value in network.state_dict().items() if not torch.equal(value, before[n])}
    statistics = {n for n in before if "running" in n or "tracked" in n}
    assert changed == {n for n in statistics if ".norms.1." in n}


@pytest.mark.slow
@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("size", [*SIZES, 13, 17])
def test_deployed_equals_trained_at_every_size(choices, size) -> None:
    network = trained(choices).eval()
    resolutions = architecture().resolutions
    forms = [deploy(network), deploy(resolutions.at_size(network, size))]
    forms.append(resolutions.at_size(deploy(network), size))
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = network(x)
        scale = float(expected.abs().max())
        for form in forms:
            torch.testing.assert_close(form(x) / scale, expected / scale, rtol=1e-5, atol=1e-5)


def test_interpolates_parameters_and_statistics_between_two_sizes() -> None:
    network = trained().eval()
    network(torch.randn(1, 3, 13, 13))
    norm = network.bn1
    for name in ("weight", "bias", "running_mean", "running_var"):
        at_16, at_12 = (getattr(norm.norms[i], name) for i in (1, 2))
        # 13 is a quarter of the way from 12 to 16.
        torch.testing.assert_close(getattr(norm, name), 0.25 * at_16 + 0.75 * at_12)
    x = torch.randn(2, 4, 6, 6)
    mean, var, weight, bias = (
        getattr(norm, name)[:, None, None]
        for name in ("running_mean", "running_var", "weight", "bias")
    )
    torch.testing.assert_close(norm(x), (x - mean) / (var + norm.eps).sqrt() * weight + bias)


def test_at_size_has_plain_norms_and_no_scores() -> None:
    network = trained()
    plain = architecture().resolutions.at_size(network, 17)
    reference = build(Architecture(ResNetCifar(depth=8, width=4)))
    assert plain.state_dict().keys() == reference.state_dict().keys()
    assert not any(isinstance(module, PrivateBatchNorm2d) for module in plain.modules())
    plain(torch.randn(2, 3, 9, 9))
    assert network.importance is not None


def test_params_are_shared_ones_and_norms_per_size_and_scores() -> None:
    backbone = ResNetCifar(depth=8, width=4)
    alone = measure(Architecture(backbone), 16)
    norms = 2 * (4 + 2 * (4 + 8 + 16))
    for settings, expected in [
        ({}, alone.params + 2 * norms + 3),
        ({"distillation": "none"}, alone.params + 2 * norms),
        ({"norms": "shared"}, alone.params + 3),
        ({"norms": "shared", "distillation": "highest"}, alone.params),
    ]:
        cost = measure(architecture(**settings), 16)
        assert (cost.params, cost.macs) == (expected, alone.macs)


def test_resnet18_has_the_parameters_of_rs_net_table_2() -> None:
    from searchspace import ResNet

    resolutions = Resolutions((224, 192, 160, 128, 96))
    params = measure(Architecture(ResNet(18), {}, resolutions), 96).params
    # 11.18M with M = 2**20 in the paper: 4 more pairs of 4800 norm parameters, and 5 scores.
    assert params == 11_689_512 + 4 * 2 * 4800 + 5
    assert f"{params / 2**20:.2f}" == "11.18"


def test_ensemble_is_a_softmax_mean_that_teaches_only_the_scores() -> None:
    network = build(architecture())
    with torch.no_grad():
        network.importance.copy_(torch.tensor([0.5, -1.0, 0.0]))
    x = torch.randn(2, 3, 20, 20)
    logits = [network(nn.functional.interpolate(x, size=(s, s))) for s in SIZES]
    mixed = ensemble_logits(network, logits)
    powers = torch.tensor([0.5, -1.0, 0.0]).exp()
    expected = sum(p / powers.sum() * z for p, z in zip(powers, logits, strict=True))
    torch.testing.assert_close(mixed, expected)
    mixed.square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is not None] == ["importance"]


@pytest.mark.slow
def test_compiled_equals_eager_at_trained_and_untrained_sizes() -> None:
    network = trained("coconv").eval()
    compiled = torch.compile(network, backend="eager")
    with torch.no_grad():
        for size in (20, 14):
            x = torch.randn(2, 3, size, size)
            torch.testing.assert_close(compiled(x), network(x), rtol=1e-4, atol=1e-4)


def test_sizes_without_norms_are_refused() -> None:
    network = trained(steps=1)
    with pytest.raises(InputError, match="training is for the sizes 20, 16, 12, got 14"):
        network(torch.randn(2, 3, 14, 14))
    network.eval()
    for size in (11, 21):
        with pytest.raises(InputError, match=f"size must be from 12 to 20, .* got {size}"):
            network(torch.randn(2, 3, size, size))
    with pytest.raises(InputError, match="square images, got 16x20"):
        network(torch.randn(2, 3, 16, 20))
    with pytest.raises(InputError, match="for 3 sizes, got 2"):
        ensemble_logits(network, [torch.zeros(1, 2)] * 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": ()}, "sizes must be one or more numbers of pixels, got none"),
        ({"sizes": (16, 0)}, "size must be a whole number of at least 1, got 0"),
        ({"sizes": (16, 12), "norms": "own"}, "norms must be one of private, shared, got 'own'"),
        ({"sizes": (16, 12), "distillation": "p1"}, "distillation must be one of none, vanilla"),
    ],
)
def test_rejects_bad_settings(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        Resolutions(**settings)


def test_repeated_sizes_share_norms_and_have_scores_of_their_own() -> None:
    resolutions = Resolutions((12, 20, 20))
    network = build(Architecture(ResNetCifar(depth=8, width=4), {}, resolutions))
    assert resolutions.distinct == (20, 12) and resolutions.between == (16,)
    assert len(network.bn1.norms) == 2 and len(network.importance) == 3
    network(torch.randn(2, 3, 12, 12))
    assert network.bn1.in_use() is network.bn1.norms[1]
    assert Resolutions((6, 5, 4)).between == ()


def test_are_part_of_the_key_and_of_the_json_form() -> None:
    backbone = ResNetCifar(depth=8, width=4)
    plain = Architecture(backbone)
    assert "resolutions" not in plain.to_json()
    one, other = (Architecture(backbone, {}, Resolutions(s)) for s in ((12, 20), (20, 12)))
    assert one == other and one.key == other.key != plain.key
    assert hash(one) == hash(other)
    assert Architecture.from_json(one.to_json()) == one
    assert one.label().endswith("+ 20/12 px, full distillation")
    with pytest.raises(InputError, match=r"architecture.resolutions.sizes\[1\]: expected int"):
        Architecture.from_json({**plain.to_json(), "resolutions": {"sizes": [8, "x"]}})
