"""ECA against its definition, its kernel's sizes and its cost in closed form."""

from math import exp

import pytest
import torch

from searchspace import (
    Architecture,
    EfficientChannelAttention,
    InputError,
    ResNetCifar,
    Slot,
    measure,
)
from searchspace.operators.eca import adaptive_kernel


def slot(chs: int, source: int | None = None) -> Slot:
    return Slot("r", 1, "recalibration", source or chs, chs)


def test_is_the_definition() -> None:
    module = EfficientChannelAttention(5).module(slot(6)).double()
    x, source = (torch.randn(2, 6, 3, 4, dtype=torch.double) for _ in range(2))
    result = module(x, source)
    weights = module.conv.weight.flatten().tolist()
    for n in range(2):
        means = [0.0, 0.0, *source[n].mean((1, 2)).tolist(), 0.0, 0.0]
        for c in range(6):
            logit = sum(w * mean for w, mean in zip(weights, means[c : c + 5], strict=True))
            torch.testing.assert_close(result[n, c], x[n, c] / (1 + exp(-logit)))


@pytest.mark.parametrize(
    ("chs", "kernel"), [(1, 1), (8, 3), (64, 3), (128, 5), (256, 5), (512, 5), (2048, 7)]
)
def test_the_kernel_grows_with_the_channels(chs: int, kernel: int) -> None:
    # For 64 to 2048 channels, what the authors' networks have (their models' k_size).
    assert adaptive_kernel(chs) == kernel
    usual = EfficientChannelAttention()
    assert EfficientChannelAttention(kernel).canonical(slot(chs)) == usual
    assert usual.module(slot(chs)).conv.weight.numel() == kernel
    other = EfficientChannelAttention(9)
    assert other.canonical(slot(chs)) == other


def test_costs_a_kernel_and_a_product_for_each_channel() -> None:
    plain = Architecture(ResNetCifar(8, width=16))
    recalibrated = Architecture(ResNetCifar(8, width=16), {"*": EfficientChannelAttention()})
    extra = measure(recalibrated, 32).macs - measure(plain, 32).macs
    assert extra == 3 * 16 + 3 * 32 + 3 * 64
    assert measure(recalibrated, 32).params - measure(plain, 32).params == 3 + 3 + 3


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="kernel must be odd, or 0 for the usual one, got 4"):
        EfficientChannelAttention(4)
    assert "has 4 channels instead of 8" in str(EfficientChannelAttention().illegal(slot(8, 4)))
