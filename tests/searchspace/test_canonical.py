"""Keys: what has one key is one network, what has two differs."""

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
import torch
from torch import nn

from searchspace import (
    OPERATORS,
    Architecture,
    Choice,
    CoConv,
    DyConv,
    EfficientChannelAttention,
    HierarchicalSplit,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    Res2Net,
    Slot,
    Space,
    SqueezeExcite,
    build,
    measure,
)
from searchspace.layers.dynamic import DynamicConv2d
from searchspace.space import moves
from searchspace.space.paths import architecture_of
from tests.support.small_spaces import bottleneck_space, resnet_space

CONV = Slot("conv", 1, "conv", 8, 8, kernel=3, padding=1, position="block_first")
DEPTHWISE = replace(CONV, groups=8, position="depthwise")
MIDDLE = replace(CONV, in_chs=6, out_chs=6, position="bottleneck")
STRIDED = replace(MIDDLE, in_chs=9, out_chs=9, stride=2)
MAP = Slot("map", 1, "recalibration", 8, 8)
SAME = [
    (CoConv(1, gate="softmax", norms=False), CONV),
    (CoConv(1, gate="softmax", scales="single", side="in"), CONV),
    (CoConv(2, side="in", norms=False), DEPTHWISE),
    (DyConv(1), CONV),
    (MixConv((5,)), CONV),
    (MixConv((3, 3)), CONV),
    (MixConv((3, 3, 5, 5)), CONV),
    (Multiception((5,)), CONV),
    (Res2Net(3, 2), MIDDLE),
    (Res2Net(3, 3), STRIDED),
    (SqueezeExcite(5), MAP),
    (EfficientChannelAttention(3), MAP),
    (MultiScaleRecalibration((1, 2), reduction=7), MAP),
]


@pytest.mark.parametrize(("choice", "slot"), SAME, ids=lambda case: str(case)[:40])
def test_choices_with_one_canonical_form_compute_the_same(choice: Choice, slot: Slot) -> None:
    """With the weights that both have set alike; those that only one has must not matter."""
    standing = choice.canonical(slot)
    assert standing != choice and standing.canonical(slot) == standing
    first, second = choice.module(slot).eval(), standing.module(slot).eval()
    randomise(first)
    share(first, second)
    x = torch.randn(2, slot.in_chs, 7, 7)
    inputs = (x, x) if slot.role == "recalibration" else (x,)
    torch.testing.assert_close(first(*inputs), second(*inputs), rtol=1e-4, atol=1e-5)


def randomise(module: nn.Module) -> None:
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point():
                value.uniform_(0.5, 1.5) if "var" in name else value.normal_()


def share(first: nn.Module, second: nn.Module) -> None:
    """Copy every value of `first` to the one of the same name in `second`."""
    values, shared = first.state_dict(), 0
    for name, target in second.state_dict().items():
        if name in values and values[name].numel() == target.numel():
            target.copy_(values[name].view_as(target))
            shared += 1
    assert shared
    dynamic = isinstance(first, DynamicConv2d) and isinstance(second, DynamicConv2d)
    if dynamic and first.experts.side != second.experts.side:
        # Weighted inputs store kernels by expert, weighted outputs by group first.
        with torch.no_grad():
            kernels = first.weight.unflatten(0, (first.experts.count, -1))
            second.weight.copy_(kernels.transpose(0, 1).flatten(0, 1))


def test_every_operator_with_equal_forms_is_among_them() -> None:
    kinds = {kind for kind, choice in OPERATORS.items() if choice.canonical is not Choice.canonical}
    assert {choice.kind for choice, _ in SAME} == kinds


@pytest.mark.parametrize("kind", OPERATORS)
def test_canonical_forms_are_their_own(kind: str) -> None:
    choice = OPERATORS[kind]()
    slot = {"recalibration": MAP, "conv": CONV}[choice.role]
    if isinstance(choice, HierarchicalSplit | Res2Net):
        slot = replace(MIDDLE, in_chs=choice.inner_width(), out_chs=choice.inner_width())
    once = choice.canonical(slot)
    assert once.canonical(slot) == once


@pytest.mark.slow
@pytest.mark.parametrize("make", [resnet_space, bottleneck_space])
def test_different_keys_differ_in_cost_or_in_function(make) -> None:
    space: Space = make()
    rng = Random(0)
    networks = list(dict.fromkeys(space.sample(rng) for _ in range(6)))
    assert len({network.key for network in networks}) == len(networks) > 4
    paths = moves.neighbours(space.root, space.path(networks[0]))
    near = [(networks[0], architecture_of(path)) for path in paths]
    for first, second in [*combinations(networks, 2), *near]:
        assert differ(first, second, space.input_size), (first, second)


def differ(first: Architecture, second: Architecture, size: int) -> bool:
    forms = "deployed", "training"
    for form in forms:
        if measure(first, size, form) != measure(second, size, form):
            return True
    # Of equal cost: with equal numbers for weights, in order, the outputs are different.
    logits = []
    for network in (first, second):
        torch.manual_seed(0)
        built = build(network, 5).eval()
        randomise(built)
        logits.append(built(torch.ones(1, 3, size, size).cumsum(3)))
    return not torch.allclose(*logits, rtol=1e-3)
