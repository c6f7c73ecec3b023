import pytest
import torch

from searchspace.layers.memory_format import GlobalAveragePool, spatial_mean, strided

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def thirds(x):
    return strided(x, 3)


DEFINITIONS = {
    thirds: lambda x: x[:, :, ::3, ::3],
    spatial_mean: lambda x: x.mean((2, 3)),
    GlobalAveragePool(): lambda x: x.mean((2, 3), keepdim=True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("ours", "definition"), DEFINITIONS.items())
def test_equals_its_definition_and_keeps_the_layout(ours, definition, layout) -> None:
    x = torch.randn(2, 3, 7, 5).to(memory_format=layout).requires_grad_()
    y, expected = ours(x), definition(x)
    torch.testing.assert_close(y, expected)
    upstream = torch.randn_like(expected)
    (grad,) = torch.autograd.grad(y, x, upstream)
    (wanted,) = torch.autograd.grad(expected, x, upstream)
    torch.testing.assert_close(grad, wanted)
    assert grad.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("ours", DEFINITIONS)
def test_can_be_derived_twice(ours) -> None:
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ours, x)
    assert torch.autograd.gradgradcheck(ours, x)


def test_every_pixel_is_the_map_itself() -> None:
    x = torch.randn(1, 2, 3, 3)
    assert strided(x, 1) is x
