import errno
import io
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import trainers.training
from searchspace import Architecture, InputError, ResNetCifar, Resolutions, ShakeShake, build
from searchspace.schema import to_json
from tests.helpers import EXPERTS, RECIPE, SMALL, STATIC, TASK, job
from trainers import Digits, Epoch, Job, Recipe, Result, Training, train
from trainers.checkpoint import load_checkpoint, save_checkpoint
from trainers.learner import Learner
from trainers.losses import Batch
from trainers.resolutions import SwitchableLoss


def same_numbers(first: Result, second: Result) -> bool:
    """Whether all but the measured time is equal."""
    return to_json(replace(first, seconds=0.0)) == to_json(replace(second, seconds=0.0))


def test_same_job_gives_same_result_bit_for_bit_whatever_ran_before() -> None:
    first = train(job(architecture=EXPERTS))
    torch.rand(7)
    assert same_numbers(first, train(job(architecture=EXPERTS)))


def test_other_seed_gives_other_result() -> None:
    assert not same_numbers(train(job(seed=0)), train(job(seed=1)))


def test_global_random_state_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(job())
    assert torch.equal(before, torch.get_rng_state())


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    wanted = job(architecture=EXPERTS, recipe=replace(RECIPE, epochs=3))

    class Stop(Exception):
        pass

    def stop_in_second_epoch(progress: Epoch) -> None:
        if progress.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        train(wanted, stop_in_second_epoch, tmp_path)
    seen: list[int] = []
    resumed = train(wanted, lambda progress: seen.append(progress.epoch), tmp_path)
    assert seen == [2, 3]
    assert same_numbers(resumed, train(wanted))


def test_checkpoint_of_another_job_is_not_used(tmp_path: Path) -> None:
    train(job(seed=0), None, tmp_path)
    assert same_numbers(train(job(seed=1), None, tmp_path), train(job(seed=1)))


def test_a_pass_is_sgd_on_the_images_in_the_seeded_order() -> None:
    """One epoch equals the plain loop written out."""
    recipe = Recipe(epochs=1, batch_size=20, lr=0.1, momentum=0.0, weight_decay=0.01)
    training = Training(job(seed=3, recipe=recipe))
    data = TASK.load()
    torch.manual_seed(3)
    network = build(STATIC, 10, 3).train()
    order = torch.randperm(60, generator=torch.Generator().manual_seed(3))
    losses = []
    for step in range(3):
        picked = order[20 * step : 20 * step + 20]
        images = (data.train.images[picked] - data.mean[:, None, None]) / data.std[:, None, None]
        loss = torch.nn.functional.cross_entropy(network(images), data.train.labels[picked])
        grads = torch.autograd.grad(loss, list(network.parameters()))
        rate = 0.1 * (1 + math.cos(math.pi * step / 3)) / 2
        with torch.no_grad():
            for parameter, grad in zip(network.parameters(), grads, strict=True):
                parameter -= rate * (grad + 0.01 * parameter)
        losses.append(loss.item())
    progress = training.epoch()
    assert progress.train_loss == pytest.approx(sum(losses) / 3, rel=1e-5)
    for mine, theirs in zip(training.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_measures_are_those_of_the_network_in_evaluation_mode() -> None:
    training = Training(job())
    while not training.done:
        training.epoch()
    result = training.result()
    data = TASK.load()
    training.network.eval()
    for split, accuracy in (
        (data.validation, result.points[0].validation_accuracy),
        (data.test, result.points[0].test_accuracy),
    ):
        images = (split.images - data.mean[:, None, None]) / data.std[:, None, None]
        with torch.no_grad():
            right = training.network(images).argmax(1) == split.labels
        assert accuracy == right.sum().item() / len(split)
    assert [epoch.epoch for epoch in result.curve] == [1, 2]
    assert result.points[0].validation_accuracy == result.curve[-1].validation_accuracy


def test_divergence_ends_the_job_with_its_reason_and_finite_numbers() -> None:
    # Norms keep the loss finite at any rate until the weights themselves overflow.
    result = train(job(recipe=replace(RECIPE, lr=1e38, epochs=5)))
    assert result.status == "diverged"
    assert result.points == ()
    assert "not finite in epoch" in result.reason
    assert Result.from_json(result.to_json()) == result


def test_learning_lowers_the_loss() -> None:
    recipe = Recipe(epochs=6, batch_size=20, lr=0.05)
    architecture = Architecture(ResNetCifar(depth=8, width=8))
    result = train(Job(architecture, Digits(noise=0.2, train_size=200), recipe, 0))
    assert result.curve[-1].train_loss < 0.5 * result.curve[0].train_loss
    assert result.points[0].test_accuracy > 0.6


def test_results_and_jobs_survive_json() -> None:
    wanted = job(architecture=EXPERTS)
    assert Job.from_json(wanted.to_json()) == wanted
    assert Job.from_json(wanted.to_json()).key == wanted.key
    result = train(wanted)
    assert Result.from_json(result.to_json()) == result


def test_job_keys_tell_apart_everything_that_decides_a_result() -> None:
    jobs = [
        job(),
        job(seed=1),
        job(architecture=EXPERTS),
        job(recipe=replace(RECIPE, lr=0.06)),
        replace(job(), task=replace(TASK, noise=0.6)),
    ]
    assert len({one.key for one in jobs}) == len(jobs)


def test_bad_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed must be a whole number of at least 0, got -1"):
        job(seed=-1)


def stopped_after(training: Training, steps: int, folder: Path) -> None:
    """Train, save at the boundary after `steps` steps and stop there."""

    class Stop(Exception):
        pass

    left = steps

    def after_step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            save_checkpoint(training, folder)
            raise Stop

    with pytest.raises(Stop):
        while True:
            training.epoch(after_step)


RESUMED = {
    "experts": (EXPERTS, RECIPE),
    "averaged, in pieces": (STATIC, replace(RECIPE, ema_decay=0.9, accumulation=2)),
    "scaled": (STATIC, replace(RECIPE, precision="float16")),
    "random operators": (Architecture(ShakeShake(8, width=2)), RECIPE),
    "switchable": (Architecture(SMALL, {}, Resolutions((8, 6))), RECIPE),
    "quantised": (STATIC, replace(RECIPE, weight_bits=2, activation_bits=2)),
}


@pytest.mark.parametrize("name", RESUMED)
@pytest.mark.parametrize("steps", [1, 5])
def test_stopped_at_a_step_and_resumed_equals_uninterrupted(
    name: str, steps: int, tmp_path: Path
) -> None:
    wanted = job(architecture=RESUMED[name][0], recipe=RESUMED[name][1])
    stopped_after(Training(wanted), steps, tmp_path)
    torch.rand(3)
    assert same_numbers(train(wanted, None, tmp_path), train(wanted))


def test_state_is_saved_within_epochs_when_its_time_has_come(tmp_path: Path) -> None:
    saved: list[int] = []
    training = Training(job())

    def note(progress: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job(), note, tmp_path, checkpoint_seconds=0.0)
    assert load_checkpoint(training, tmp_path)
    saved.append(training.step)
    # The last boundary of the first epoch, whose measurement was interrupted.
    assert (saved, training.curve) == ([3], [])
    assert same_numbers(train(job(), None, tmp_path), train(job()))


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("damage", [flip_a_bit, truncate, Path.unlink])
def test_damaged_checkpoint_falls_back_to_the_one_before(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    train(job(), None, tmp_path)
    damage(tmp_path / "checkpoint.pt")
    seen: list[int] = []
    result = train(job(), lambda progress: seen.append(progress.epoch), tmp_path)
    assert seen == [2]
    assert same_numbers(result, train(job()))


def test_without_a_whole_checkpoint_the_job_does_not_start_anew_unasked(tmp_path: Path) -> None:
    train(job(), None, tmp_path)
    for path in tmp_path.iterdir():
        flip_a_bit(path)
    with pytest.raises(InputError, match="remove them to start anew"):
        train(job(), None, tmp_path)


def test_full_disk_is_one_sentence_and_leaves_the_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(job())
    training.epoch()
    save_checkpoint(training, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    training.epoch()
    with pytest.raises(InputError, match=r"cannot save .* in .*: No space left on device; the"):
        save_checkpoint(training, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    # The state in memory is as good as before.
    monkeypatch.undo()
    save_checkpoint(training, tmp_path)
    assert same_numbers(train(job(), None, tmp_path), train(job()))


def test_checkpoint_of_another_kind_of_device_is_refused(tmp_path: Path) -> None:
    training = Training(job())
    save_checkpoint(training, tmp_path)
    training.device = torch.device("meta")
    with pytest.raises(InputError, match="was written on cpu and cannot go on on meta"):
        load_checkpoint(training, tmp_path)


def test_checkpoints_hold_nothing_that_must_be_unpickled(tmp_path: Path) -> None:
    training = Training(job(recipe=replace(RECIPE, ema_decay=0.5)))
    training.epoch()
    save_checkpoint(training, tmp_path)
    data = (tmp_path / "checkpoint.pt").read_bytes()
    state = torch.load(io.BytesIO(data[32:]), weights_only=True)
    assert state["curve"][0]["epoch"] == 1


def test_diverged_job_keeps_its_last_finite_figures_and_names_the_step() -> None:
    training = Training(job(recipe=replace(RECIPE, epochs=4)))
    training.epoch()
    with torch.no_grad():
        next(training.network.parameters()).fill_(math.inf)
    training.epoch()
    result = training.result()
    assert (result.status, result.points) == ("diverged", ())
    assert [epoch.epoch for epoch in result.curve] == [1]
    assert result.reason == "the loss was not finite in epoch 2, step 1"


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
    wanted = job(architecture=RESUMED["switchable"][0])
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


def test_divergence_is_seen_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainers.training, "CHECK_STEPS", 2)
    learn, steps = Learner.learn, []

    def poisoned(self: Learner, batch: Batch, rate: float) -> torch.Tensor:
        steps.append(rate)
        return learn(self, batch, rate) * (math.nan if len(steps) == 2 else 1)

    monkeypatch.setattr(Learner, "learn", poisoned)
    result = train(job())
    # Of the three steps of the first epoch, the last is not made.
    assert (result.status, len(steps)) == ("diverged", 2)
    assert result.reason == "the loss was not finite in epoch 1, step 2"
