"""The benchmarks compare equal things; how fast they are is not tested."""

import torch

from benchmarks import mssar, multiception, training
from benchmarks.timing import paired, training_step
from searchspace import Architecture, ResNetCifar


def test_definitions_agree_with_the_operators() -> None:
    """`compare` raises where they do not."""
    assert mssar.compare((2, 5, 7), "cpu", 2).ratio > 0
    assert multiception.compare((2, 4, 6, 8, 2, (3, 5)), "cpu", 2).ratio > 0


def test_switchable_steps_agree_with_the_list_of_inputs() -> None:
    for distillation in ("none", "higher", "vanilla", "full"):
        step = training.Step(distillation, images=4, sizes=(8, 6, 4), depth=8)
        slow, fast = training.switchable_steps(step, "cpu")
        torch.testing.assert_close(slow(), fast(), rtol=1e-4, atol=1e-4)


def test_a_plain_epoch_trains_as_ours_does() -> None:
    architecture = Architecture(ResNetCifar(8, width=2))
    assert training.epochs(architecture, training.RECIPE, "cpu", 2, 20).ratio > 0


def test_calls_are_made_in_turn_and_summarised() -> None:
    calls: list[str] = []
    pair = paired(lambda: calls.append("slow"), lambda: calls.append("fast"), repeats=3)
    assert calls == ["slow", "slow", "fast", "fast"] * 3
    assert pair.low <= pair.ratio <= pair.high


def test_a_step_reaches_inputs_and_parameters() -> None:
    layer = torch.nn.Linear(3, 2)
    inputs, weight, bias = training_step(layer, torch.randn(4, 3))()
    assert (inputs.shape, weight.shape, bias.shape) == ((4, 3), (2, 3), (2,))
