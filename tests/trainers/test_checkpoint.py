import errno
import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from searchspace import Architecture, InputError, Resolutions, ShakeShake
from tests.support.helpers import EXPERTS, RECIPE, SMALL, STATIC, job
from tests.support.results import same_numbers
from trainers import Epoch, Training, train
from trainers.checkpoint import load_checkpoint, save_checkpoint


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


class Runs:
    """What a pickle would run when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("content", ["code", "a list", "no state", "no pickle"])
def test_a_foreign_checkpoint_with_a_right_digest_runs_nothing(
    content: str, tmp_path: Path
) -> None:
    contents = {"code": Runs(tmp_path / "ran"), "a list": [1], "no state": {"a": 1}}
    buffer = io.BytesIO(b"abc")
    if content in contents:
        torch.save(contents[content], buffer)
    payload = buffer.getvalue()
    (tmp_path / "checkpoint.pt").write_bytes(hashlib.sha256(payload).digest() + payload)
    with pytest.raises(InputError, match=r"checkpoint.pt in .* cannot be read"):
        load_checkpoint(Training(job(0)), tmp_path)
    assert not (tmp_path / "ran").exists()
