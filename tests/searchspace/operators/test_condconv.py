import pytest
import torch

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
