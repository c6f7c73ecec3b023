"""LQ-Nets quantisation against cases that can be done by hand."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from searchspace import Architecture, CoConv, InputError, ResNetCifar, Resolutions, build, deploy
from tests.support.helpers import EXPERTS, RECIPE, SMALL, STATIC, job
from trainers import Digits, Job, Recipe, train
from trainers.learning.quantisation import (
    ActivationQuantiser,
    QuantisedConv2d,
    WeightQuantiser,
    quantise,
)


def test_one_bit_weights_are_the_mean_magnitude_with_signs() -> None:
    """With v fixed signs are best, with signs fixed the mean of |w| is."""
    weight = torch.tensor([[1.0, -3.0, 2.0, -2.0], [0.5, 0.5, -0.5, 0.1]])
    quantiser = WeightQuantiser(weight, 1).eval()
    torch.testing.assert_close(quantiser.basis, torch.tensor([[2.0], [0.4]]))
    expected = torch.tensor([[2.0, -2.0, 2.0, -2.0], [0.4, 0.4, -0.4, 0.4]])
    torch.testing.assert_close(quantiser(weight), expected)


def test_two_bit_weights_that_are_levels_are_found_exactly() -> None:
    """v = (1, 2) has the levels -3, -1, 1, 3."""
    weight = torch.tensor([[-3.0, -1.0, 1.0, 3.0, 3.0, -1.0]])
    quantiser = WeightQuantiser(weight, 2).eval()
    torch.testing.assert_close(quantiser.basis, torch.tensor([[1.0, 2.0]]))
    torch.testing.assert_close(quantiser(weight), weight)


def test_the_fit_solves_the_normal_equations_by_hand() -> None:
    """Codes (0,0), (1,0), (0,1), (1,1) of 0.1, 1.2, 1.8, 3.3: v minimises the squared error.

    (1.2 - a)^2 + (1.8 - b)^2 + (3.3 - a - b)^2 is least where 2a + b = 4.5 and a + 2b = 5.1.
    """
    quantiser = ActivationQuantiser(2)
    x = torch.tensor([[0.1, 1.2, 1.8, 3.3]])
    fitted = quantiser.fitted(x, torch.tensor([[0, 1, 2, 3]]))
    torch.testing.assert_close(fitted, torch.tensor([[1.3, 1.9]]), rtol=1e-4, atol=1e-4)


def test_the_fit_is_least_squares_of_the_codes() -> None:
    quantiser = WeightQuantiser(torch.randn(3, 50), 3)
    x = torch.randn(3, 50)
    chosen = torch.randint(8, (3, 50))
    fitted = quantiser.fitted(x, chosen)
    for row in range(3):
        codes = quantiser.codes[chosen[row]]
        solution = torch.linalg.lstsq(codes, x[row][:, None]).solution[:, 0]
        torch.testing.assert_close(fitted[row], solution, rtol=1e-3, atol=1e-4)


def test_a_code_that_nothing_takes_leaves_the_basis_near_what_it_was() -> None:
    quantiser = ActivationQuantiser(2)
    basis = quantiser.basis.clone()
    fitted = quantiser.fitted(torch.zeros(1, 8), torch.zeros(1, 8, dtype=torch.long))
    torch.testing.assert_close(fitted, basis)


def test_a_pass_in_training_takes_in_a_tenth_of_the_fit() -> None:
    quantiser = ActivationQuantiser(1)
    quantiser.basis.fill_(2.5)
    assert quantiser.levels()[0].tolist() == [[0.0, 2.5]]
    x = torch.tensor([0.2, 1.0, 1.5, 2.5, 3.5])
    # The threshold is 1.25: 1.5, 2.5 and 3.5 take the upper level, whose best place is 2.5.
    assert quantiser(x).tolist() == [0.0, 0.0, 2.5, 2.5, 2.5]
    assert quantiser.basis.item() == pytest.approx(2.5)
    quantiser(torch.tensor([4.0, 5.0]))
    assert quantiser.basis.item() == pytest.approx(0.9 * 2.5 + 0.1 * 4.5, rel=1e-5)
    quantiser.eval()
    quantiser(torch.tensor([9.0]))
    assert quantiser.basis.item() == pytest.approx(2.7, rel=1e-5)


def test_passes_never_raise_the_error_of_fixed_numbers() -> None:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0)).relu()
    quantiser = ActivationQuantiser(2)
    quantiser.basis.mul_(2)
    errors = [float((quantiser(x) - x).square().mean()) for _ in range(100)]
    assert all(later <= earlier + 1e-7 for earlier, later in zip(errors, errors[1:], strict=False))
    assert errors[-1] < 0.7 * errors[0]


def test_gradients_pass_straight_through_and_stop_above_the_highest_level() -> None:
    # The highest of four levels is at 3 * 0.586.
    x = torch.tensor([0.0, 0.3, 1.75, 1.76, 9.0], requires_grad=True)
    ActivationQuantiser(2)(x).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    weight = torch.randn(2, 3, 3, 3, requires_grad=True)
    (WeightQuantiser(weight, 2)(weight) * torch.arange(54.0).view(2, 3, 3, 3)).sum().backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.arange(54.0).view(2, 3, 3, 3))


@pytest.mark.parametrize(
    "settings",
    [{"padding": 1}, {"stride": 2, "groups": 2}, {"padding": 2, "dilation": 2, "bias": False},
     {"padding": 1, "padding_mode": "reflect"}],
)  # fmt: skip
def test_a_quantised_convolution_convolves_quantised_numbers(settings: dict[str, object]) -> None:
    conv = nn.Conv2d(4, 6, 3, **settings)
    quantised = QuantisedConv2d(conv, 2, 2).eval()
    x = torch.randn(2, 4, 7, 7).relu()
    found = quantised(x)
    rounded = torch.cat([quantised.inputs(one[None]) for one in x])
    with torch.no_grad():
        conv.weight.copy_(quantised.weights(conv.weight))
    torch.testing.assert_close(found, conv(rounded))
    assert all(len(kernel.unique()) <= 4 for kernel in conv.weight)
    assert len(rounded.unique()) <= 4


def test_only_the_first_convolution_and_the_classifier_are_left() -> None:
    network = quantise(build(STATIC, 10), 2, 32)
    plain = [name for name, m in network.named_modules() if type(m) is nn.Conv2d]
    changed = [m for m in network.modules() if isinstance(m, QuantisedConv2d)]
    assert plain == ["conv1"] and len(changed) == 6
    assert all(isinstance(conv.inputs, nn.Identity) for conv in changed)
    assert type(network.fc) is nn.Linear
    same = build(STATIC, 10)
    assert quantise(same) is same
    assert not any(isinstance(m, QuantisedConv2d) for m in same.modules())


def test_dynamic_kernels_are_refused() -> None:
    with pytest.raises(InputError, match="cannot quantise layer1.0.conv1: DynamicConv2d is not a"):
        quantise(build(EXPERTS, 10), 2)
    with pytest.raises(InputError, match="weight_bits must be one of 1, 2, 3, 4, 32, got 8"):
        quantise(build(STATIC, 10), 8)
    with pytest.raises(InputError, match="cannot quantise"):
        train(
            job(
                architecture=Architecture(SMALL, {"*": CoConv(experts=2)}),
                recipe=replace(RECIPE, weight_bits=2),
            )
        )


@pytest.mark.slow
@pytest.mark.parametrize("bits", [(2, 32), (2, 2)])
@pytest.mark.parametrize("sizes", [None, Resolutions((8, 6))], ids=["plain", "switchable"])
def test_quantised_networks_learn(bits: tuple[int, int], sizes: Resolutions | None) -> None:
    recipe = Recipe(8, 20, 0.05, weight_bits=bits[0], activation_bits=bits[1])
    architecture = Architecture(ResNetCifar(depth=8, width=8), {}, sizes)
    result = train(Job(architecture, Digits(noise=0.2, train_size=200), recipe, 0))
    assert [p.size for p in result.points] == ([8] if sizes is None else [8, 6, 7])
    assert result.curve[-1].train_loss < 0.6 * result.curve[0].train_loss
    assert result.points[0].test_accuracy > 0.5


def test_deployed_networks_store_the_quantised_weights() -> None:
    network = quantise(build(STATIC, 10), 2, 2).eval()
    x = torch.randn(2, 3, 8, 8)
    deployed = deploy(network)
    torch.testing.assert_close(deployed(x), network(x))
    kernels = deployed.get_parameter("layer1.0.conv1.1.weight")
    assert all(len(kernel.unique()) <= 4 for kernel in kernels)
    assert not any(isinstance(m, QuantisedConv2d) for m in deployed.modules())
