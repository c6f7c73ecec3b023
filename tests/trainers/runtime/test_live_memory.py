from dataclasses import replace

import pytest
import torch
from torch import nn

from searchspace import Architecture, CoConv
from tests.support.helpers import EXPERTS, RECIPE, SMALL, STATIC, job
from trainers import Result, Training, train
from trainers.runtime.live_memory import LiveMemory, peak_bytes

KB = 256
"""Numbers of a float32 tensor of one kilobyte."""


def test_peak_is_what_lives_at_once() -> None:
    """Of three tensors of 1, 2 and 3 kB, the first is gone before the last is made."""

    def call() -> None:
        first = torch.zeros(KB)
        second = torch.zeros(2 * KB)
        del first
        third = torch.zeros(3 * KB)
        del second, third
        torch.zeros(4 * KB)

    assert peak_bytes(call) == 5 * 1024


def test_views_and_in_place_results_hold_nothing_of_their_own() -> None:
    def call() -> None:
        whole = torch.zeros(4 * KB)
        parts = whole.view(4, KB).add_(1).split(1)
        assert len(parts) == 4

    assert peak_bytes(call) == 4 * 1024


def test_held_tensors_count_once() -> None:
    held = torch.zeros(2 * KB)
    with LiveMemory([held, held.view(2, KB)]) as memory:
        assert memory.peak == 2 * 1024
        held.add_(1)
        doubled = held * 2
    assert memory.peak == 4 * 1024
    assert doubled.sum() == 4 * KB


def test_a_step_of_a_linear_layer_in_closed_form() -> None:
    """4 inputs, 3 outputs, batch 50: the most is held in the forward pass, output and its sum."""
    layer = nn.Linear(4, 3, bias=False)
    images = torch.ones(50, 4)
    with LiveMemory(layer.parameters()) as memory:
        layer(images).sum().backward()
    weights, output, total = 3 * 4, 50 * 3, 1
    assert memory.peak == 4 * (weights + output + total)


@pytest.mark.parametrize("architecture", [STATIC, EXPERTS])
def test_a_job_says_how_much_memory_a_step_holds(architecture: Architecture) -> None:
    """The same number each time, and one that grows with the batch."""
    small = job(architecture=architecture)
    peak = train(small).peak_memory
    assert peak is not None
    assert train(small).peak_memory == peak
    larger = train(replace(small, recipe=replace(RECIPE, batch_size=40))).peak_memory
    assert larger is not None
    assert larger > 1.5 * peak
    experts = train(job(architecture=Architecture(SMALL, {"*": CoConv(experts=8)}))).peak_memory
    assert experts is not None
    assert experts > peak


def test_watching_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = train(job())
    monkeypatch.setattr(
        "trainers.training.Training._learn", lambda self, *a: self.learner.learn(*a)
    )
    plain = train(job())
    assert plain.peak_memory is None
    assert replace(watched, seconds=0.0, peak_memory=None) == replace(plain, seconds=0.0)


def test_the_figure_outlives_an_interruption() -> None:
    first = Training(job())
    first.epoch()
    second = Training(job())
    second.restore(first.state())
    second.epoch()
    assert second.result().peak_memory == train(job()).peak_memory


def test_results_from_before_memory_was_measured_keep_their_form() -> None:
    result = replace(train(job()), peak_memory=None)
    assert "peak_memory" not in result.to_json()
    assert Result.from_json(result.to_json()) == result
