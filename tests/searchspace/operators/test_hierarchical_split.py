"""Hierarchical-Split and Res2Net, which share their frame and their strided form."""

import pytest
import torch
import torch.nn.functional as F

from searchspace import (
    Architecture,
    HierarchicalSplit,
    InputError,
    Res2Net,
    ResNet,
    Slot,
    build,
    measure_module,
)
from tests.support.compare import assert_same

SETTINGS = [(4, 2), (4, 5), (5, 4), (1, 3), (3, 3), (7, 6)]
KINDS = [HierarchicalSplit, Res2Net]


def slot(choice, stride=1, **settings):
    chs = choice.inner_width()
    return Slot(
        "c", 1, "conv", chs, chs, kernel=3, stride=stride, padding=1,
        **{"position": "bottleneck", **settings},
    )  # fmt: skip


def convolved(choice, stride):
    """Channels of each 3x3 convolution, written out from eq. 1."""
    chs = [choice.width]
    for _ in range(choice.splits - 2):
        cascade = isinstance(choice, HierarchicalSplit) and stride == 1
        chs.append(choice.width + (chs[-1] // 2 if cascade else 0))
    return chs


def layer(parts, x, stride=1):
    """relu(batch norm(3x3 conv)) with the norm written out."""
    conv, norm, _ = parts
    y = F.conv2d(x, conv.weight, stride=stride, padding=1)
    mean, var = norm.running_mean, norm.running_var
    if norm.training:
        mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
    y = (y - mean[:, None, None]) / (var[:, None, None] + norm.eps).sqrt()
    return (y * norm.weight[:, None, None] + norm.bias[:, None, None]).clamp(min=0)


def slow(choice, module, x, stride):
    """The formulas, group by group."""
    groups = [x[:, i * choice.width : (i + 1) * choice.width] for i in range(choice.splits)]
    if stride > 1:
        window = torch.full((choice.width, 1, 3, 3), 1 / 9)
        maps = [F.conv2d(groups[0], window, stride=stride, padding=1, groups=choice.width)]
        for conv, group in zip(module.convs, groups[1:], strict=True):
            maps.append(layer(conv, group, stride))
        return torch.cat(maps, 1)
    maps, passed = [groups[0]], None
    for i, (conv, group) in enumerate(zip(module.convs, groups[1:], strict=True)):
        if isinstance(choice, Res2Net):
            maps.append(layer(conv, group if i == 0 else group + maps[-1]))
            continue
        y = layer(conv, group if passed is None else torch.cat([group, passed], 1))
        kept = y.shape[1] if i == choice.splits - 2 else -(-y.shape[1] // 2)
        maps.append(y[:, :kept])
        passed = y[:, kept:]
    return torch.cat(maps, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "splits"), SETTINGS)
@pytest.mark.parametrize("stride", [1, 2])
def test_equals_the_definition(kind, width, splits, stride) -> None:
    choice = kind(width, splits)
    module = choice.module(slot(choice, stride))
    for parameter in module.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter)
    for training, shape in ((True, (2, 6, 5)), (False, (1, 7, 7))):
        module.train(training)
        batch, *size = shape
        x = torch.randn(batch, width * splits, *size, requires_grad=True)
        expected = slow(choice, module, x, stride)
        assert expected.shape[1] == width * splits
        assert_same(module(x), expected, [x, *module.parameters()])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "splits"), SETTINGS)
@pytest.mark.parametrize("stride", [1, 2])
def test_costs_in_closed_form(kind, width, splits, stride) -> None:
    choice = kind(width, splits)
    cost = measure_module(choice.module(slot(choice, stride)), (1, width * splits, 9, 6))
    pixels = -(-9 // stride) * (6 // stride)
    chs = convolved(choice, stride)
    assert cost.params == sum(9 * c * c + 2 * c for c in chs)
    assert cost.macs == sum(9 * c * c for c in chs) * pixels


def test_channels_of_the_published_settings() -> None:
    assert convolved(HierarchicalSplit(28, 6), 1) == [28, 42, 49, 52, 54]
    module = HierarchicalSplit(28, 6).module(slot(HierarchicalSplit(28, 6)))
    assert [conv[0].in_channels for conv in module.convs] == [28, 42, 49, 52, 54]
    assert [kept for kept, _ in module.halves] == [14, 21, 25, 26]


def test_nothing_summed_is_one_choice() -> None:
    for choice, stride in ((Res2Net(5, 4), 2), (Res2Net(5, 2), 1)):
        same = choice.canonical(slot(choice, stride))
        assert same == HierarchicalSplit(choice.width, choice.splits)
        ours, theirs = (c.module(slot(c, stride)).eval() for c in (choice, same))
        theirs.load_state_dict(ours.state_dict())
        x = torch.randn(2, choice.inner_width(), 5, 5)
        assert torch.equal(ours(x), theirs(x))
    summed = Res2Net(5, 4)
    assert summed.canonical(slot(summed)) == summed


@pytest.mark.parametrize("kind", KINDS)
def test_sets_the_width_and_ends_in_its_own_norm(kind) -> None:
    architecture = Architecture(ResNet(50, width=4, stem="small"), {"*": kind(3, 3)})
    slots = {slot.name: slot for slot in architecture.slots()}
    assert len(architecture.choices) == 16
    assert slots["layer4.0.conv2"].in_chs == slots["layer1.0.conv2"].out_chs == 9
    assert Architecture.from_json(architecture.to_json()) == architecture
    network = build(architecture)
    bottleneck = network.get_submodule("layer1.0")
    assert isinstance(bottleneck.bn2, torch.nn.Identity)
    network(torch.randn(2, 3, 17, 17)).square().sum().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_says_where_it_cannot_go(kind) -> None:
    choice = kind(3, 3)
    assert choice.illegal(slot(choice)) is None
    assert "middle of a bottleneck" in choice.illegal(slot(choice, position="block_first"))
    assert "groups=3" in choice.illegal(slot(choice, groups=3))
    with pytest.raises(InputError, match="cannot take .* middle of a bottleneck"):
        Architecture(ResNet(18), {"layer1.0.conv1": choice})
    narrow = Slot("m", 1, "conv", 8, 8, kernel=3, padding=1, position="bottleneck")
    with pytest.raises(InputError, match="needs 9 channels in and out of slot 'm', got 8 and 8"):
        choice.module(narrow)


@pytest.mark.parametrize("kind", KINDS)
def test_rejects_bad_settings(kind) -> None:
    with pytest.raises(InputError, match="splits must be a whole number of at least 2, got 1"):
        kind(4, 1)
    with pytest.raises(InputError, match="width must be a whole number of at least 1, got 0"):
        kind(0, 4)
    with pytest.raises(InputError, match="splits must be a whole number of at least 2, got 2.5"):
        kind(4, 2.5)
