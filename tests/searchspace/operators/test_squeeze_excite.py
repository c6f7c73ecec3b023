import pytest
import torch

from searchspace import InputError, Slot, SqueezeExcite, measure_module
from tests.support.compare import OnOneInput, assert_same


def slot(in_chs, out_chs=None):
    return Slot("s", 1, "recalibration", in_chs, out_chs or in_chs)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("in_chs", "out_chs"), [(33, 33), (48, 20), (5, 7)])
@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 5, 3)])
def test_equals_the_definition(bias, in_chs, out_chs, shape) -> None:
    module = SqueezeExcite(reduction=16, bias=bias).module(slot(in_chs, out_chs))
    batch, *size = shape
    x = torch.randn(batch, out_chs, *size, requires_grad=True)
    source = torch.randn(batch, in_chs, *size, requires_grad=True)
    leaves = [x, source, *module.parameters()]

    average = torch.stack([source[:, c].flatten(1).mean(1) for c in range(in_chs)], 1)
    hidden = average @ module.squeeze.weight.t() + (module.squeeze.bias if bias else 0)
    logits = hidden.clamp(min=0) @ module.expand.weight.t() + (module.expand.bias if bias else 0)
    slow = torch.stack(
        [torch.stack([x[n, c] / (1 + (-logits[n, c]).exp()) for c in range(out_chs)])
         for n in range(batch)]
    )  # fmt: skip
    assert_same(module(x, source), slow, leaves)


@pytest.mark.parametrize(
    ("chs", "reduction", "hidden"), [(64, 16, 4), (70, 16, 4), (12, 16, 1), (64, 8, 8)]
)
def test_costs_in_closed_form(chs, reduction, hidden) -> None:
    for bias in (True, False):
        module = SqueezeExcite(reduction, bias).module(slot(chs))
        cost = measure_module(OnOneInput(module), (1, chs, 5, 7))
        assert cost.macs == 2 * chs * hidden
        assert cost.params == 2 * chs * hidden + (hidden + chs if bias else 0)


def test_equal_hidden_features_are_one_choice() -> None:
    assert SqueezeExcite(32).canonical(slot(16)) == SqueezeExcite(16)
    assert SqueezeExcite(13).canonical(slot(64)) == SqueezeExcite(16)
    assert SqueezeExcite(7).canonical(slot(64)) == SqueezeExcite(7)
    assert SqueezeExcite(6).canonical(slot(16)) == SqueezeExcite(8)
    for chs in (3, 16, 33, 64):
        for reduction in range(1, 70):
            choice = SqueezeExcite(reduction)
            canonical = choice.canonical(slot(chs))
            assert canonical.hidden(slot(chs)) == choice.hidden(slot(chs))
            assert canonical.canonical(slot(chs)) == canonical


def test_rejects_bad_settings() -> None:
    with pytest.raises(InputError, match="reduction must be a whole number of at least 1, got 0"):
        SqueezeExcite(reduction=0)
    with pytest.raises(InputError, match="bias must be one of True, False, got 2"):
        SqueezeExcite(bias=2)
