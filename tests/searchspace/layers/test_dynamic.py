"""Dynamic convolutions against the definition, written as a loop over experts and samples."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchspace import CoConv, CondConv, DyConv, Slot, deploy
from tests.support.compare import assert_same

CHOICES = [
    CoConv(experts=3),
    CoConv(experts=2, side="in"),
    CoConv(experts=2, scales="single", gate="softmax"),
    CoConv(experts=1),
    CoConv(experts=2, norms=False),
    CoConv(experts=2, side="in", norms=False),
    CondConv(experts=3),
    DyConv(experts=2),
]
SLOTS = {
    "plain": Slot("s", 1, "conv", 5, 7, kernel=3, padding=1),
    "stride": Slot("s", 1, "conv", 5, 6, kernel=3, stride=2, padding=1, bias=True),
    "pointwise": Slot("s", 1, "conv", 4, 6, kernel=1, stride=2),
    "groups": Slot("s", 1, "conv", 6, 9, kernel=3, padding=1, groups=3, bias=True),
    "depthwise": Slot("s", 1, "conv", 6, 6, kernel=3, stride=2, padding=1, groups=6),
}
SHAPES = [(3, 8, 8), (1, 7, 5)]


def trained(choice, slot):
    """The operator after some batches, with norms that have affine parameters of their own."""
    block = choice.module(slot)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.4)
    if isinstance(block.norm, nn.BatchNorm2d):
        nn.init.uniform_(block.norm.weight, 0.5, 1.5)
    for _ in range(4):
        block(2 * torch.randn(6, slot.in_chs, 9, 9) + 1)
    return block


def storage(block, expert):
    """Where one expert's output channels are stored."""
    outs = torch.arange(block.slot.out_chs)
    if block.experts.side == "in":
        return expert * block.slot.out_chs + outs
    inner = block.slot.out_chs // block.slot.groups
    return (outs // inner * block.experts.count + expert) * inner + outs % inner


def definition(block, x):
    """sum_i s_i * BN_i(W_i conv x), or with the weights on the input."""
    slot, norm, gates = block.slot, block.norm, block.router(x)
    total = 0
    for i in range(block.experts.count):
        gate, index = gates[:, i, :, None, None], storage(block, i)
        weighted = x * gate if block.experts.side == "in" else x
        bias = None if block.bias is None else block.bias[index]
        y = F.conv2d(weighted, block.weight[index], bias, slot.stride, slot.padding, 1, slot.groups)
        if block.experts.norms:
            mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), correction=0)
            if not block.training:
                mean, var = norm.running_mean[index], norm.running_var[index]
            y = (y - mean[:, None, None]) / (var + norm.eps).sqrt()[:, None, None]
            y = y * norm.weight[index, None, None] + norm.bias[index, None, None]
        total = total + (y if block.experts.side == "in" else y * gate)
    return total


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("slot", SLOTS.values(), ids=SLOTS)
@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label())
def test_equals_a_loop_over_experts(choice, slot, training) -> None:
    block = trained(choice, slot).train(training)
    for batch, height, width in SHAPES:
        x = torch.randn(batch, slot.in_chs, height, width, requires_grad=True)
        assert_same(block(x), definition(block, x), [x, *block.parameters()])


@pytest.mark.parametrize("slot", SLOTS.values(), ids=SLOTS)
@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label())
@torch.no_grad()
def test_deployed_equals_trained(choice, slot) -> None:
    block = trained(choice, slot).eval()
    folded = deploy(block)
    for batch, height, width in [*SHAPES, (17, 6, 9)]:
        x = torch.randn(batch, slot.in_chs, height, width)
        expected = block(x)
        scale = float(expected.abs().max())
        torch.testing.assert_close(folded(x) / scale, expected / scale, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slot", [SLOTS["plain"], SLOTS["groups"]], ids=["plain", "groups"])
def test_running_statistics_follow_each_experts_outputs(slot) -> None:
    block = CoConv(experts=2).module(slot)
    x = torch.randn(5, slot.in_chs, 8, 8) * 3 + 2
    block(x)
    for i in range(2):
        index = storage(block, i)
        y = F.conv2d(x, block.weight[index], None, slot.stride, slot.padding, 1, slot.groups)
        mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), correction=1)
        torch.testing.assert_close(block.norm.running_mean[index], 0.1 * mean)
        torch.testing.assert_close(block.norm.running_var[index], 0.9 + 0.1 * var)
    assert int(block.norm.num_batches_tracked) == 1
