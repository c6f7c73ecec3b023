"""Two processes train one job: the same as one process, whatever is shared, lost or short."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

import trainers.processes
from searchspace import Architecture, InputError, Resolutions, ShakeShake
from tests.support.helpers import EXPERTS, RECIPE, SMALL, STATIC, job
from tests.support.results import same_numbers
from trainers import Job, Recipe, Result, Training
from trainers.loop import TrainCallbacks, run
from trainers.processes import Processes, Shared
from trainers.runtime.ranks import ALONE, LostProcess, Ranks
from trainers.tasks import Splits
from trainers.tasks.base import StoredSplit, statistics
from trainers.tasks.stream import StreamedSplit

TIMEOUT = 60.0
SYNCED = replace(RECIPE, sync_norms=True, epochs=3)
SWITCHABLE = Architecture(SMALL, {}, Resolutions((8, 6)))
_forward = torch.nn.Linear.forward


def images(limit: int = 10**6) -> Splits:
    """Splits of odd sizes; in a further process, memory runs out above `limit` images."""

    def limited(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return _forward(self, x)

    if multiprocessing.parent_process() is not None:
        setattr(torch.nn.Linear, "forward", limited)  # noqa: B010
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(145, 3, 8, 8, generator=generator)
    y = torch.randint(10, (145,), generator=generator)
    train, validation, test = (
        StoredSplit(x[a:b], y[a:b]) for a, b in ((0, 61), (61, 94), (94, 145))
    )
    return Splits(train, validation, test, *statistics(x[:61]))


def files(folder: Path) -> Splits:
    """Streams of 16x16 images of noise."""
    paths = [str(folder / f"{i}.png") for i in range(19)]
    train, validation, test = (
        StreamedSplit(paths[a:b], torch.arange(b - a) % 10, 8)
        for a, b in ((0, 13), (13, 16), (16, 19))
    )
    return Splits(train, validation, test, torch.full((3,), 128.0), torch.full((3,), 60.0))


@pytest.fixture(scope="module")
def both() -> Iterator[Processes]:
    processes = Processes(2, TIMEOUT)
    with processes.closing():
        yield processes


def trained(
    shared: Shared, ranks: Ranks = ALONE, folder: Path | None = None
) -> tuple[Training, Result]:
    assert shared.load is not None
    training = Training(shared.job, data=shared.load(), ranks=ranks)
    assert not ranks.any(False)
    run(training, TrainCallbacks(), folder, 0.0)
    return training, training.result()


def shared_job(recipe: Recipe, architecture: Architecture = STATIC, limit: int = 10**6) -> Shared:
    wanted = job(architecture=architecture, recipe=recipe)
    return Shared(wanted, partial(images, limit), threads=1)


def fives(result: Result) -> list[float | None]:
    return [point.test_top5_accuracy for point in result.points]


def assert_close(first: tuple[Training, Result], second: tuple[Training, Result]) -> None:
    """The same to the rounding of sums: curves, points and every weight and statistic."""
    for mine, theirs in zip(first[1].curve, second[1].curve, strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)
        assert mine.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-4)
        assert mine.validation_accuracy == theirs.validation_accuracy
    assert [p.test_right for p in first[1].points] == [p.test_right for p in second[1].points]
    assert fives(first[1]) == fives(second[1]) and None not in fives(first[1])
    states = [training.network.state_dict() for training, _ in (first, second)]
    torch.testing.assert_close(states[0], states[1], rtol=1e-3, atol=1e-4)


ALL_AT_ONCE = replace(
    SYNCED, batch_size=21, accumulation=2, ema_decay=0.9, clip_norm=1.0, mixup=0.2, loss="bce"
)
CASES = {
    "plain": (SYNCED, STATIC),
    "experts with norms": (SYNCED, EXPERTS),
    "switchable, with an ensemble": (SYNCED, SWITCHABLE),
    "uneven parts, pieces, averaging, clipping, mixing": (ALL_AT_ONCE, EXPERTS),
    "a crop for each size, in pieces": (
        replace(ALL_AT_ONCE, crops="multi"),
        Architecture(SMALL, {}, Resolutions((8, 6), distillation="higher")),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_processes_with_synced_norms_are_as_one(case: str, both: Processes) -> None:
    shared = shared_job(*CASES[case])
    with both.training(shared) as ranks:
        two = trained(shared, ranks)
    assert two[1].processes == 2
    assert_close(two, trained(shared))


@pytest.mark.slow
def test_images_that_are_read_are_shared_out_and_mixed_as_in_one(
    tmp_path: Path, both: Processes
) -> None:
    generator = torch.Generator().manual_seed(0)
    for i in range(19):
        pixels = torch.randint(256, (16, 16, 3), dtype=torch.uint8, generator=generator)
        Image.fromarray(pixels.numpy()).save(tmp_path / f"{i}.png")
    recipe = replace(SYNCED, batch_size=5, crop_area=(0.3, 1.0), mixup=0.2, epochs=2)
    shared = Shared(job(recipe=recipe), partial(files, tmp_path), threads=1)
    with both.training(shared) as ranks:
        two = trained(shared, ranks)
    assert_close(two, trained(shared))


@pytest.mark.slow
def test_norms_of_parts_and_drawing_networks_repeat_bit_for_bit(both: Processes) -> None:
    recipe = replace(RECIPE, precision="bfloat16", epochs=1)
    shared = shared_job(recipe, Architecture(ShakeShake(8, width=2)))
    results = []
    for _ in range(2):
        with both.training(shared) as ranks:
            results.append(trained(shared, ranks)[1])
    assert same_numbers(*results)
    # One process draws otherwise, and its norms see all images.
    assert not same_numbers(results[0], replace(trained(shared)[1], processes=2))


class Stop(Exception):
    pass


def train_until(epoch: int, shared: Shared, ranks: Ranks, folder: Path) -> None:
    """Leave the training in the middle of an epoch, its state saved."""
    assert shared.load is not None
    training = Training(shared.job, data=shared.load(), ranks=ranks)
    ranks.any(False)

    def step() -> None:
        if len(training.curve) == epoch - 1 and training.step == 2:
            raise Stop

    with pytest.raises(Stop):
        run(training, TrainCallbacks(step=step), folder, 0.0)


@pytest.mark.slow
def test_a_checkpoint_goes_on_with_another_number_of_processes(
    tmp_path: Path, both: Processes
) -> None:
    shared = shared_job(SYNCED, EXPERTS)
    whole = trained(shared)
    train_until(2, shared, ALONE, tmp_path / "one")
    with both.training(shared) as ranks:
        assert_close(trained(shared, ranks, tmp_path / "one"), whole)


@pytest.mark.slow
def test_all_processes_shrink_if_one_must(both: Processes) -> None:
    shared = shared_job(replace(SYNCED, sync_norms=False), limit=5)
    with both.training(shared) as ranks:
        result = trained(shared, ranks)[1]
    assert (result.status, result.accumulation) == ("finished", 2)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_lost_process_ends_the_training_and_its_state_goes_on(
    how: signal.Signals, tmp_path: Path, both: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(both, "timeout", 5.0)
    monkeypatch.setattr(trainers.processes, "PATIENCE", 1.0)
    shared = shared_job(SYNCED, EXPERTS)
    assert shared.load is not None
    with pytest.raises(LostProcess, match="process"), both.training(shared) as ranks:
        training = Training(shared.job, data=shared.load(), ranks=ranks)
        ranks.any(False)

        def kill() -> None:
            if len(training.curve) == 1 and training.step == 2:
                pid = both.followers[0][0].pid
                assert pid is not None
                os.kill(pid, how)

        run(training, TrainCallbacks(step=kill), tmp_path, 0.0)
    assert not both.followers
    assert_close(trained(shared, ALONE, tmp_path), trained(shared))


@pytest.mark.slow
def test_all_end_where_one_runs_out_of_memory_between_norms(both: Processes) -> None:
    shared = shared_job(SYNCED, limit=5)
    with both.training(shared) as ranks:
        result = trained(shared, ranks)[1]
    assert (result.status, result.curve) == ("out_of_memory", ())


def test_a_batch_has_an_image_for_each_process() -> None:
    with pytest.raises(InputError, match="a batch of 20 images cannot be shared by 21 processes"):
        Training(job(), data=images(), ranks=Ranks(0, 21))


def test_keys_of_jobs_do_not_change_but_for_synced_norms() -> None:
    assert "sync_norms" not in job().to_json()["recipe"]
    assert Job.from_json(job(recipe=SYNCED).to_json()).key == job(recipe=SYNCED).key
    with pytest.raises(InputError, match="sync_norms cannot be had with compile reduce-overhead"):
        replace(SYNCED, compile="reduce-overhead")
