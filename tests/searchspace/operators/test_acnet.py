import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchspace import ACNet, InputError, Slot, deploy, measure_module
from tests.support.compare import assert_same

SLOTS = [
    Slot("s", 1, "conv", 5, 7, kernel=3, padding=1),
    Slot("s", 1, "conv", 6, 9, kernel=3, stride=2, padding=1, groups=3, bias=True),
    Slot("s", 1, "conv", 4, 4, kernel=3, stride=1, padding=2, groups=4),
]


def trained(slot, norms):
    """A block whose norms have seen data and have affine parameters of their own."""
    block = ACNet(norms).module(slot)
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    for _ in range(3):
        block(torch.randn(4, slot.in_chs, 9, 9) + 1)
    return block


def plain_branch(branch, x, slot):
    """Row kernels are 3x3 kernels with zeros above and below, columns beside."""
    conv, norm = branch
    kernel = torch.zeros(*conv.weight.shape[:2], 3, 3)
    rows, columns = conv.weight.shape[2:]
    top, left = (3 - rows) // 2, (3 - columns) // 2
    kernel[:, :, top : top + rows, left : left + columns] = conv.weight
    y = F.conv2d(x, kernel, conv.bias, slot.stride, slot.padding, groups=slot.groups)
    return norm(y)


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 7, 5)])
def test_equals_three_padded_kernels(slot, norms, shape) -> None:
    block = trained(slot, norms)
    x = torch.randn(shape[0], slot.in_chs, *shape[1:], requires_grad=True)
    slow = sum(plain_branch(b, x, slot) for b in (block.square, block.horizontal, block.vertical))
    assert_same(block(x), slow, [x, *block.parameters()])


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 7, 5)])
def test_deploys_as_exactly_one_3x3(slot, norms, shape) -> None:
    block = trained(slot, norms).eval()
    x = torch.randn(shape[0], slot.in_chs, *shape[1:])
    plain = deploy(block)
    assert type(plain) is nn.Conv2d and plain.kernel_size == (3, 3)
    assert (plain.bias is None) == (not norms and not slot.bias)
    torch.testing.assert_close(plain(x), block(x), rtol=1e-5, atol=1e-5)


def test_costs_in_closed_form() -> None:
    slot = SLOTS[0]
    block = ACNet().module(slot)
    pixels, pairs, shape = 6 * 8, 5 * 7, (1, 5, 6, 8)
    cost = measure_module(block, shape)
    assert cost.macs == pixels * pairs * (9 + 3 + 3)
    assert cost.params == pairs * (9 + 3 + 3) + 3 * 2 * 7
    assert measure_module(deploy(block), shape).macs == pixels * pairs * 9
    assert measure_module(deploy(block), shape).params == pairs * 9 + 7
    assert measure_module(deploy(ACNet(norms=False).module(slot)), shape).params == pairs * 9


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        (Slot("s", 1, "conv", 4, 4, kernel=1), "the slot is 1x1"),
        (Slot("s", 1, "conv", 4, 4, kernel=5, padding=2), "the slot is 5x5"),
        (Slot("s", 1, "conv", 4, 4, kernel=3), "padded"),
    ],
)
def test_is_illegal_where_it_makes_no_sense(slot, reason) -> None:
    assert reason in ACNet().illegal(slot)
    assert ACNet().illegal(SLOTS[0]) is None


def test_rejects_bad_settings() -> None:
    with pytest.raises(InputError, match="norms must be one of True, False, got 'yes'"):
        ACNet(norms="yes")
