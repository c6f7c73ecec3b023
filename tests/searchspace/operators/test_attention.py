"""SimAM, CBAM, coordinate attention and strip pooling value by value; PConv, and all costs."""

import pytest
import torch
import torch.nn.functional as F

from searchspace import (
    CBAM,
    CoordinateAttention,
    InputError,
    PartialConv,
    SimAM,
    Slot,
    StripPooling,
    measure_module,
)
from tests.support.compare import OnOneInput, assert_same

CHS, HEIGHT, WIDTH = 12, 5, 4
SLOT = Slot("s", 1, "recalibration", CHS, CHS)


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def simam(module, x):
    mean = sum(x[:, :, i, j] for i in range(HEIGHT) for j in range(WIDTH)) / (HEIGHT * WIDTH)
    squares = (x - mean[..., None, None]) ** 2
    variance = squares.flatten(2).sum(2) / (HEIGHT * WIDTH - 1)
    return x * sigmoid(squares / (4 * (variance + 1e-4))[..., None, None] + 0.5)


def cbam(module, x):
    gates = []
    for pooled in (x.flatten(2).mean(2), x.flatten(2).max(2).values):
        hidden = (pooled @ module.squeeze.weight.T + module.squeeze.bias).clamp(min=0)
        gates.append(hidden @ module.expand.weight.T + module.expand.bias)
    y = x * sigmoid(gates[0] + gates[1])[..., None, None]
    over = torch.stack((y.mean(1), y.max(1).values), 1)
    kernel = module.places.weight
    return y * sigmoid(F.conv2d(over, kernel, padding=kernel.shape[-1] // 2))


def normed(norm, maps):
    """In evaluation mode, (N, C, L)."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (maps - norm.running_mean[:, None]) * scale[:, None] + norm.bias[:, None]


def coordinates(module, x):
    def through(conv, maps):
        return torch.einsum("oc,ncl->nol", conv.weight[:, :, 0, 0], maps) + conv.bias[:, None]

    gates = []
    for axis, conv in ((3, module.rows), (2, module.columns)):
        inner = normed(module.norm, through(module.squeeze, x.mean(axis)))
        gates.append(sigmoid(through(conv, inner * (inner + 3).clamp(0, 6) / 6)))
    return x * gates[0][:, :, :, None] * gates[1][:, :, None, :]


def strips(module, x):
    rows = normed(module.norm_rows, F.conv1d(x.mean(3), module.rows.weight[..., 0], padding=1))
    columns = F.conv1d(x.mean(2), module.columns.weight[:, :, 0], padding=1)
    columns = normed(module.norm_columns, columns)
    pairs = (rows[:, :, :, None] + columns[:, :, None, :]).clamp(min=0)
    mixed = torch.einsum("oc,nchw->nohw", module.mix.weight[:, :, 0, 0], pairs)
    return x * sigmoid(mixed + module.mix.bias[:, None, None])


@pytest.mark.parametrize(
    ("choice", "definition", "params", "macs"),
    [
        (SimAM(), simam, 0, 0),
        # Both poolings go through the same two layers.
        (CBAM(reduction=4), cbam, 2 * CHS * 3 + 3 + CHS + 98, 2 * 2 * CHS * 3 + 98 * 20),
        (
            CoordinateAttention(),
            coordinates,
            (CHS + 1) * 8 + 2 * 8 + 2 * (8 + 1) * CHS,
            CHS * 8 * (5 + 4) + 8 * CHS * (5 + 4),
        ),
        (
            StripPooling(),
            strips,
            2 * 3 * CHS * CHS + 2 * 2 * CHS + (CHS + 1) * CHS,
            3 * CHS * CHS * (5 + 4) + CHS * CHS * 20,
        ),
    ],
)
def test_equals_the_definition_at_its_cost(choice, definition, params, macs) -> None:
    module = choice.module(SLOT)
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
            torch.nn.init.normal_(norm.running_mean)
    module.eval()
    x = torch.randn(2, CHS, HEIGHT, WIDTH, requires_grad=True)
    assert_same(module(x, x), definition(module, x), [x, *module.parameters()])
    cost = measure_module(OnOneInput(choice.module(SLOT)), (1, CHS, HEIGHT, WIDTH))
    assert (cost.macs, cost.params) == (macs, params)


@pytest.mark.parametrize("stride", [1, 2])
def test_pconv_convolves_the_first_channels_only(stride) -> None:
    slot = Slot("s", 1, "conv", 7, 5, kernel=3, stride=stride, padding=1)
    module = PartialConv(3).module(slot)
    x = torch.randn(2, 7, 6, 5, requires_grad=True)
    first = F.conv2d(x[:, :2], module.partial.weight, padding=1)
    maps = torch.cat((first, x[:, 2:]), 1)[:, :, ::stride, ::stride]
    slow = torch.einsum("oc,nchw->nohw", module.pointwise.weight[:, :, 0, 0], maps)
    assert_same(module(x), slow, [x, *module.parameters()])
    cost, pixels = measure_module(module, (1, 7, 6, 5)), 30 if stride == 1 else 9
    assert (cost.macs, cost.params) == (30 * 36 + pixels * 35, 36 + 35)
    assert "1 of 8 channels" in PartialConv(8).illegal(slot)


def test_rejects_bad_settings() -> None:
    with pytest.raises(InputError, match="regulariser must be above 0, got 0"):
        SimAM(0)
    with pytest.raises(InputError, match="kernel must be odd, got 4"):
        CBAM(kernel=4)
    with pytest.raises(InputError, match="reduction must be a whole number of at least 1, got 0"):
        CoordinateAttention(0)
    with pytest.raises(InputError, match="share must be a whole number of at least 1, got 0.5"):
        PartialConv(0.5)
