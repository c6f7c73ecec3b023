import pytest
import torch
from torch import nn

from searchspace import CondConv, InputError, Slot, deploy, measure_module

SLOT = Slot("s", 1, "conv", 6, 10, kernel=3, stride=2, padding=1, groups=2)


def test_routes_by_the_global_average() -> None:
    router = CondConv(experts=3).module(SLOT).router
    x = torch.randn(2, 6, 5, 4)
    weights = router(x)
    assert weights.shape == (2, 3, 1)
    for n in range(2):
        for i in range(3):
            average = torch.tensor([float(x[n, c].sum()) / 20 for c in range(6)])
            logit = (router.fc.weight[i] * average).sum() + router.fc.bias[i]
            torch.testing.assert_close(weights[n, i, 0], 1 / (1 + (-logit).exp()))


def test_drops_averages_in_training_only() -> None:
    router = CondConv(experts=1, dropout=0.25).module(SLOT).router
    nn.init.constant_(router.fc.weight, 1.0)
    nn.init.zeros_(router.fc.bias)
    with torch.no_grad():
        logits = torch.special.logit(router(torch.ones(2000, 6, 2, 2)).double())
    # Of six averages of 1, those that are kept count 1 / (1 - dropout).
    kept = logits.flatten() * 0.75
    torch.testing.assert_close(kept, kept.round(), rtol=0, atol=1e-3)
    assert float(kept.mean()) == pytest.approx(6 * 0.75, abs=0.15)
    with torch.no_grad():
        measured = torch.special.logit(router.eval()(torch.ones(1, 6, 2, 2)))
    assert measured.item() == pytest.approx(6.0, rel=1e-3)


@pytest.mark.parametrize("experts", [1, 4])
def test_costs_in_closed_form(experts) -> None:
    block, shape = CondConv(experts).module(SLOT), (1, 6, 9, 8)
    kernel, pixels, routing = 10 * 3 * 9, 5 * 4, 6 * experts
    params = experts * kernel + (6 + 1) * experts
    cost = measure_module(block, shape)
    assert cost.macs == experts * (kernel * pixels + 10 * pixels) + routing
    assert cost.params == params
    cost = measure_module(deploy(block), shape)
    assert cost.macs == kernel * pixels + experts * kernel + routing
    assert cost.params == params


def test_rejects_bad_settings() -> None:
    with pytest.raises(InputError, match="experts must be a whole number of at least 1, got 0"):
        CondConv(experts=0)
    with pytest.raises(InputError, match="dropout must be at most 1, got 2"):
        CondConv(dropout=2)
