from dataclasses import replace

import pytest
import torch

from searchspace import Architecture, Resolutions, ShakeShake
from tests.support.helpers import RECIPE, SMALL, STATIC, job
from tests.support.results import same_numbers
from trainers import Result, Training, train
from trainers.learning.switchable_loss import SwitchableLoss


def limit_batches(monkeypatch: pytest.MonkeyPatch, largest: int) -> list[int]:
    """Let memory run out above a batch size, half way through; the sizes that were tried."""
    tried: list[int] = []
    forward = torch.nn.Linear.forward

    def limited(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            tried.append(len(x))
            if len(x) > largest:
                # A network has drawn and updated statistics by now.
                torch.rand(1)
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return forward(self, x)

    monkeypatch.setattr(torch.nn.Linear, "forward", limited)
    return tried


@pytest.mark.parametrize("architecture", [STATIC, Architecture(ShakeShake(8, width=2))])
def test_out_of_memory_is_tried_again_in_pieces_of_the_same_batch(
    architecture: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = train(job(architecture=architecture, recipe=replace(RECIPE, accumulation=4)))
    tried = limit_batches(monkeypatch, 5)
    result = train(job(architecture=architecture))
    assert tried == [20, 10, *[5] * 4 * 6]
    assert result.accumulation == 4
    assert same_numbers(result, pieces)


def test_switchable_networks_recompute_before_they_take_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = job(architecture=Architecture(SMALL, {}, Resolutions((8, 6))))
    limit_batches(monkeypatch, 0)
    training = Training(wanted)
    training.epoch()
    assert isinstance(training.learner.loss, SwitchableLoss) and training.learner.loss.recompute


def test_job_that_never_fits_ends_with_that_status(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_batches(monkeypatch, 1)
    result = train(job())
    assert (result.status, result.points, result.curve) == ("out_of_memory", (), ())
    assert "memory ran out in epoch 1: a piece of 2 images does not fit" in result.reason
    assert Result.from_json(result.to_json()) == result


def test_other_errors_are_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(torch.nn.Linear, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(job())


def test_measurement_takes_smaller_batches_when_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = train(job())
    forward = torch.nn.Linear.forward

    def limited(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        if not self.training and len(x) > 70:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        return forward(self, x)

    monkeypatch.setattr(torch.nn.Linear, "forward", limited)
    assert train(job()).points[0].test_accuracy == whole.points[0].test_accuracy


def test_network_that_does_not_fit_ends_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: torch.nn.Module, *args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.nn.Module, "to", refuse)
    result = train(job())
    assert (result.status, result.curve) == ("out_of_memory", ())
    assert result.reason == "the network and its data do not fit in the memory of cpu"
