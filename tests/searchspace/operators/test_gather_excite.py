import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchspace import GatherExcite, InputError, Slot, measure_module
from tests.support.compare import OnOneInput, assert_same


def slot(in_chs, out_chs=None):
    return Slot("s", 1, "recalibration", in_chs, out_chs or in_chs)


def definition(module, x, source):
    """Gather channel by channel with norms on batch statistics, upsample by index, multiply."""
    maps = source
    layers = list(module.gather)
    for i in range(0, len(layers), 3):
        conv, norm = layers[i], layers[i + 1]
        parts = [
            F.conv2d(maps[:, c : c + 1], conv.weight[c : c + 1], stride=2, padding=1)
            for c in range(maps.shape[1])
        ]
        maps = torch.cat(parts, 1)
        mean = maps.mean((0, 2, 3), keepdim=True)
        var = ((maps - mean) ** 2).mean((0, 2, 3), keepdim=True)
        if not norm.training:
            mean, var = (s.view(1, -1, 1, 1) for s in (norm.running_mean, norm.running_var))
        maps = (maps - mean) / (var + norm.eps).sqrt()
        maps = maps * norm.weight.view(1, -1, 1, 1) + norm.bias.view(1, -1, 1, 1)
        if i + 3 < len(layers):
            maps = maps.clamp(min=0)
    rows = torch.arange(x.shape[2]) * maps.shape[2] // x.shape[2]
    columns = torch.arange(x.shape[3]) * maps.shape[3] // x.shape[3]
    return x / (1 + (-maps[:, :, rows][:, :, :, columns]).exp())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 5, 16, 16), (1, 7, 17, 19), (2, 3, 5, 4)])
def test_equals_the_definition(training, shape) -> None:
    module = GatherExcite(extent=4).module(slot(shape[1]))
    module.gather(torch.randn(4, shape[1], 16, 16) + 1)
    module.train(training)
    x, source = torch.randn(2, *shape, requires_grad=True)
    leaves = [x, source, *module.parameters()]
    slow = definition(module, x, source)
    assert_same(module(x, source), slow, leaves)


def test_extent_eight_has_three_convolutions_and_two_relus() -> None:
    layers = GatherExcite().module(slot(6)).gather
    kinds = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 2 + [nn.Conv2d, nn.BatchNorm2d]
    assert all(isinstance(*pair) for pair in zip(layers, kinds, strict=True))


def test_costs_in_closed_form() -> None:
    chs = 10
    cost = measure_module(OnOneInput(GatherExcite().module(slot(chs))), (1, chs, 21, 14))
    # ceil(side / 2) each time: 21x14, 11x7, 6x4, 3x2.
    assert cost.macs == 9 * chs * (11 * 7 + 6 * 4 + 3 * 2)
    assert cost.params == 3 * (9 * chs + 2 * chs)


@pytest.mark.parametrize("shape", [(3, 5, 16, 16), (1, 7, 11, 9), (2, 3, 3, 1)])
def test_without_parameters_it_averages_what_lies_around_each_value(shape) -> None:
    module = GatherExcite(extent=4, parameters=False).module(slot(shape[1]))
    assert not list(module.parameters())
    x, source = torch.randn(2, *shape, dtype=torch.double, requires_grad=True)
    height, width = shape[2:]
    tall, wide = -(-height // 4), -(-width // 4)
    gathered = torch.stack([torch.stack([
        source[:, :, max(4 * i - 3, 0) : 4 * i + 4, max(4 * j - 3, 0) : 4 * j + 4].mean((2, 3))
        for j in range(wide)], -1) for i in range(tall)], -2)  # fmt: skip
    rows, columns = torch.arange(height) * tall // height, torch.arange(width) * wide // width
    gate = 1 / (1 + (-gathered[:, :, rows][:, :, :, columns]).exp())
    assert_same(module(x, source), x * gate, [x, source])


def test_is_illegal_where_the_source_has_other_channels() -> None:
    assert "24 channels instead of 12" in GatherExcite().illegal(slot(24, 12))
    assert GatherExcite().illegal(slot(24)) is None


def test_rejects_bad_settings() -> None:
    for extent in (3, 12):
        with pytest.raises(InputError, match=f"extent must be a power of two, got {extent}"):
            GatherExcite(extent=extent)
    with pytest.raises(InputError, match="extent must be a whole number of at least 2, got 1"):
        GatherExcite(extent=1)
    with pytest.raises(InputError, match="parameters must be one of True, False, got 0.5"):
        GatherExcite(parameters=0.5)
