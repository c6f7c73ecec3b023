import copy

import pytest
import torch

from searchspace import CoConv, Slot
from searchspace.layers import batch_pieces
from searchspace.layers.batch_pieces import samples_at_a_time
from searchspace.layers.fused_experts import can_fuse, conv_norm_mix
from tests.support.compare import assert_same

SLOT = Slot("s", 1, "conv", 5, 6, kernel=3, stride=2, padding=1)


def plain(block, x):
    """The same from torch's own layers."""
    y = torch.conv2d(x, block.weight, None, block.slot.stride, block.slot.padding)
    return block.mix(block.norm(y), block.router(x))


@pytest.fixture
def small_pieces(monkeypatch) -> None:
    monkeypatch.setattr(batch_pieces, "CACHED_NUMBERS", 2 * 18 * 20)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("batch", "count"), [(1, 1), (2, 1), (7, 4)])
@pytest.mark.usefixtures("small_pieces")
def test_equals_plain_layers_over_several_pieces(layout, batch, count) -> None:
    block = CoConv(experts=3).module(SLOT)
    torch.nn.init.normal_(block.norm.bias)
    x = (torch.randn(batch, 5, 9, 7) + 2).to(memory_format=layout).requires_grad_()
    reference = copy.deepcopy(block)
    assert len(x.split(samples_at_a_time(x, 18 * 5 * 4))) == count
    leaves = [x, *block.parameters()]
    fast = conv_norm_mix(x, block.weight, block.router(x), block.norm, SLOT)
    assert_same(fast, plain(block, x), leaves)
    plain(reference, x)
    for name, value in reference.norm.named_buffers():
        if name != "num_batches_tracked":
            momentum_twice = getattr(block.norm, name)
            start = 0.0 if name == "running_mean" else 1.0
            batch_value = (value - 0.9 * start) / 0.1
            expected = 0.81 * start + 0.19 * batch_value
            torch.testing.assert_close(momentum_twice, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("small_pieces")
def test_gradients_are_those_of_finite_differences() -> None:
    block = CoConv(experts=2).module(SLOT).double()
    x = torch.randn(3, 5, 5, 4, dtype=torch.float64, requires_grad=True)
    gate = torch.rand(3, 2, 6, dtype=torch.float64, requires_grad=True)
    norm = block.norm

    def function(x, weight, gate, gamma, beta):
        copied = copy.copy(norm)
        copied._parameters = {"weight": gamma, "bias": beta}
        return conv_norm_mix(x, weight, gate, copied, SLOT)

    assert torch.autograd.gradcheck(function, (x, block.weight, gate, norm.weight, norm.bias))


def test_is_used_in_training_where_it_applies(monkeypatch) -> None:
    calls = []

    def recorded(x, *rest):
        calls.append(x.shape)
        return conv_norm_mix(x, *rest)

    monkeypatch.setattr("searchspace.layers.dynamic.conv_norm_mix", recorded)
    x = torch.randn(2, 6, 8, 8)
    slot = Slot("s", 1, "conv", 6, 6, kernel=3, padding=1)
    block = CoConv().module(slot)
    block(x)
    assert len(calls) == 1
    block.norm.eval()
    block(x)
    block.eval()(x)
    CoConv(norms=False).module(slot)(x)
    CoConv(side="in").module(slot)(x)
    CoConv().module(Slot("s", 1, "conv", 6, 6, kernel=3, padding=1, groups=2))(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not can_fuse(x, slot)
        CoConv().module(slot)(x)
    assert not can_fuse(x.bfloat16(), slot)
    assert len(calls) == 1


@pytest.mark.parametrize("choice", [CoConv(2), CoConv(2, side="in"), CoConv(2, norms=False)])
def test_autocast_stays_close_to_full_precision(choice) -> None:
    x = torch.randn(4, 5, 9, 7)
    trained = choice.module(SLOT)
    evaluated = copy.deepcopy(trained).eval()
    for form in (trained, evaluated, evaluated.deployed()):
        expected = form(x).detach()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = form(x).detach()
        assert float((got - expected).norm() / expected.norm()) < 0.03


def test_momentum_none_averages_all_batches() -> None:
    block = CoConv(experts=2).module(SLOT)
    block.norm.momentum = None
    seen = []
    for _ in range(3):
        x = torch.randn(4, 5, 8, 8)
        block(x)
        seen.append(torch.conv2d(x, block.weight, None, 2, 1).mean((0, 2, 3)))
    torch.testing.assert_close(block.norm.running_mean, torch.stack(seen).mean(0))


def test_one_value_per_channel_is_refused_as_by_batch_norm() -> None:
    block = CoConv(experts=2).module(SLOT)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        block(torch.randn(1, 5, 1, 1))


def test_input_without_gradient_and_frozen_kernels() -> None:
    block = CoConv(experts=2).module(SLOT)
    block.weight.requires_grad_(False)
    block(torch.randn(2, 5, 6, 6)).sum().backward()
    assert block.weight.grad is None and block.norm.weight.grad is not None


def test_the_graph_can_be_kept_but_not_differentiated_twice() -> None:
    block = CoConv(experts=2).module(SLOT)
    x = torch.randn(2, 5, 6, 6, requires_grad=True)
    loss = block(x).square().sum()
    first = torch.autograd.grad(loss, x, retain_graph=True)[0]
    again = torch.autograd.grad(loss, x, retain_graph=True, create_graph=True)[0]
    torch.testing.assert_close(first, again)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        again.sum().backward()
