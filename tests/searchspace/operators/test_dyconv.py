import pytest
import torch

from searchspace import DyConv, InputError, Slot, Static, deploy, measure_module


def slot(in_chs):
    return Slot("s", 1, "conv", in_chs, 10, kernel=3, padding=1)


@pytest.mark.parametrize(
    ("hidden", "in_chs", "features"),
    [("cifar", 5, 16), ("cifar", 512, 32), ("imagenet", 5, 2), ("imagenet", 64, 17)],
)
def test_routes_by_two_layers_on_the_global_average(hidden, in_chs, features) -> None:
    router = DyConv(experts=3, hidden=hidden).module(slot(in_chs)).router
    assert router.squeeze.weight.shape == (features, in_chs)
    assert (router.squeeze.bias is not None) == (hidden == "cifar")
    x = torch.randn(2, in_chs, 4, 5)
    weights = router(x)
    for n in range(2):
        inner = router.squeeze.weight @ x[n].flatten(1).mean(1)
        inner = inner + router.squeeze.bias if hidden == "cifar" else inner
        powers = (router.expand.weight @ inner.clamp(min=0) + router.expand.bias).exp()
        torch.testing.assert_close(weights[n, :, 0], powers / powers.sum())


def test_a_temperature_divides_the_scores() -> None:
    torch.manual_seed(0)
    cold = DyConv(experts=3).module(slot(5)).router
    torch.manual_seed(0)
    warm = DyConv(experts=3, temperature=34.0).module(slot(5)).router
    x = 50 * torch.randn(2, 5, 4, 5)
    log_odds = [router(x).log().diff(dim=1) for router in (cold, warm)]
    torch.testing.assert_close(log_odds[0] / 34, log_odds[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("hidden", ["cifar", "imagenet"])
def test_costs_in_closed_form(hidden) -> None:
    block, shape, experts = DyConv(experts=3, hidden=hidden).module(slot(20)), (1, 20, 7, 6), 3
    kernel, pixels = 10 * 20 * 9, 7 * 6
    features, biases = (16, 16) if hidden == "cifar" else (6, 0)
    routing = 20 * features + features * experts
    params = experts * kernel + routing + biases + experts
    cost = measure_module(block, shape)
    assert cost.macs == experts * (kernel * pixels + 10 * pixels) + routing
    assert cost.params == params
    cost = measure_module(deploy(block), shape)
    assert cost.macs == kernel * pixels + experts * kernel + routing
    assert cost.params == params


def test_one_expert_is_an_ordinary_convolution() -> None:
    assert DyConv(experts=1).canonical(slot(5)) == Static()
    assert DyConv(experts=2).canonical(slot(5)) == DyConv(experts=2)


def test_rejects_bad_settings() -> None:
    with pytest.raises(InputError, match="experts must be a whole number of at least 1, got 1.5"):
        DyConv(experts=1.5)
    with pytest.raises(InputError, match="hidden must be one of cifar, imagenet, got 'tiny'"):
        DyConv(hidden="tiny")
    with pytest.raises(InputError, match="temperature must be above 0, got 0"):
        DyConv(temperature=0)
