import pytest
import torch
from torch import nn

from searchspace.layers import batch_pieces, depthwise
from searchspace.layers.depthwise import DepthwiseConv2d

CASES = [
    # (kernel, stride, padding, height, width): stripes, products, and a map of one pixel.
    (5, 1, 2, 9, 8),
    (7, 1, 3, 8, 9),
    (5, 2, 2, 9, 8),
    (4, 1, 1, 7, 6),
    (7, 1, 3, 4, 5),
    (5, 2, 2, 5, 4),
    (3, 1, 1, 2, 2),
    (3, 2, 1, 2, 1),
    (5, 1, 2, 1, 1),
    (5, 1, 0, 6, 7),
    (4, 1, 5, 6, 7),
]


def pair(kernel, stride, padding, bias=False):
    """The layer, and the library's own with the same weights."""
    settings = {"stride": stride, "padding": padding, "bias": bias}
    ours = DepthwiseConv2d(3, kernel, **settings)
    plain = nn.Conv2d(3, 3, kernel, groups=3, **settings)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


@pytest.fixture
def own_steps(monkeypatch) -> list[str]:
    """The ways in which weight gradients were computed."""
    ways = []
    for name in ("_by_stripes", "_by_products"):
        way = getattr(depthwise, name)

        def recorded(*args, name=name, way=way):
            ways.append(name)
            return way(*args)

        monkeypatch.setattr(depthwise, name, recorded)
    return ways


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_plain_layer(case, layout, monkeypatch, own_steps) -> None:
    monkeypatch.setattr(batch_pieces, "CACHED_NUMBERS", 1)  # two samples at a time
    kernel, stride, padding, height, width = case
    ours, plain = pair(kernel, stride, padding, bias=True)
    x = torch.randn(5, 3, height, width).to(memory_format=layout).requires_grad_()
    y, expected = ours(x), plain(x)
    torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-5)
    upstream = torch.randn_like(expected)
    grads = torch.autograd.grad(y, [x, *ours.parameters()], upstream)
    wanted = torch.autograd.grad(expected, [x, *plain.parameters()], upstream)
    for grad, want in zip(grads, wanted, strict=True):
        torch.testing.assert_close(grad, want, rtol=1e-4, atol=1e-4)
    assert own_steps == ["_by_products" if height * width <= 25 else "_by_stripes"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", [(5, 1, 2, 9, 8), (3, 2, 1, 9, 8), (3, 1, 1, 2, 2)])
def test_computes_in_single_precision_what_autocast_casts(case, dtype, own_steps) -> None:
    kernel, stride, padding, height, width = case
    ours, plain = pair(kernel, stride, padding, bias=True)
    x = torch.randn(5, 3, height, width).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        y = ours(x)
        assert (y.dtype, plain(x).dtype) == (dtype, dtype)
    expected = plain(x.float())
    # Rounded once, at the end: half a unit in the last place, and single precision's own.
    torch.testing.assert_close(y.float(), expected, rtol=0.51 * torch.finfo(dtype).eps, atol=1e-6)
    upstream = torch.randn_like(y)
    grads = torch.autograd.grad(y, [x, *ours.parameters()], upstream)
    wanted = torch.autograd.grad(expected, [x, *plain.parameters()], upstream.float())
    assert [grad.dtype for grad in grads] == [dtype, torch.float32, torch.float32]
    for grad, want in zip(grads, wanted, strict=True):
        torch.testing.assert_close(grad, want.to(grad.dtype), rtol=1e-2, atol=1e-4)
    assert len(own_steps) == 1


@pytest.mark.parametrize("case", [(5, 1, 2, 6, 5), (5, 2, 2, 3, 4), (3, 1, 1, 2, 2)])
def test_gradients_are_those_of_finite_differences(case) -> None:
    kernel, stride, padding, height, width = case
    ours = pair(kernel, stride, padding)[0].double()
    x = torch.randn(2, 3, height, width, dtype=torch.float64, requires_grad=True)

    def function(x, weight):
        return torch.func.functional_call(ours, {"weight": weight}, x)

    assert torch.autograd.gradcheck(function, (x, ours.weight))


def test_a_frozen_input_or_weight_costs_no_gradient(own_steps) -> None:
    ours, plain = pair(5, 1, 2)
    x = torch.randn(2, 3, 8, 8)
    (only,) = torch.autograd.grad(ours(x).sum(), ours.weight)
    (expected,) = torch.autograd.grad(plain(x).sum(), plain.weight)
    torch.testing.assert_close(only, expected, rtol=1e-4, atol=1e-4)
    ours.weight.requires_grad_(False)
    x.requires_grad_()
    (only,) = torch.autograd.grad(ours(x).sum(), x)
    (expected,) = torch.autograd.grad(plain(x).sum(), x)
    torch.testing.assert_close(only, expected, rtol=1e-4, atol=1e-4)
    assert own_steps == ["_by_stripes"]


def test_is_for_training_steps_with_a_slow_gradient(own_steps) -> None:
    def step(layer, x):
        y = layer(x)
        y.float().sum().backward()
        return len(own_steps)

    wide, narrow = pair(5, 1, 2)[0], pair(3, 1, 1)[0]
    x = torch.randn(2, 3, 8, 8)
    assert step(narrow, x) == 0
    assert step(wide, x) == 1
    assert step(narrow, x[..., :2, :2]) == 2
    strided = pair(3, 2, 1)[0]
    assert step(strided, x) == 2
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert step(narrow, x) == 2
        assert step(strided, x) == 3
        assert step(wide, x) == 4
        # Which autocast leaves as it is.
        assert step(pair(5, 1, 2)[0].double(), x.double()) == 4
    with torch.no_grad():
        assert not wide(x).requires_grad


def test_constants_are_made_once() -> None:
    depthwise._cached_taps.cache_clear()
    ours = pair(3, 1, 1)[0]
    for images in (4, 2):
        ours(torch.randn(images, 3, 2, 2)).sum().backward()
    assert depthwise._cached_taps.cache_info().misses == 1


@pytest.mark.filterwarnings("error:Dynamo")
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("case", [(5, 1, 2, 8, 8), (3, 2, 1, 2, 2)])
def test_can_be_compiled(case, lower) -> None:
    torch.compiler.reset()
    kernel, stride, padding, height, width = case
    ours, plain = pair(kernel, stride, padding)
    x = torch.randn(3, 3, height, width, requires_grad=True)
    compiled = torch.compile(ours, backend="aot_eager", fullgraph=True)
    with torch.autocast("cpu", enabled=lower):
        fast = compiled(x)
    slow = plain(x)
    upstream = torch.randn_like(fast)
    grads = torch.autograd.grad(fast, [x, ours.weight], upstream)
    wanted = torch.autograd.grad(slow, [x, plain.weight], upstream.float())
    # The compilers of earlier versions of torch cast within the function too.
    near = 1e-2 if lower else 1e-5
    for got, want in zip((fast.float(), *grads), (slow, *wanted), strict=True):
        assert (got - want).norm() < near * want.norm()
