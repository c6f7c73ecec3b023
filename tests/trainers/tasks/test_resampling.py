"""Splits that are drawn anew for each seed: sizes, classes, the same for all arms of a seed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from searchspace import InputError
from searchspace.schema import from_json, to_json
from tests.support.helpers import EXPERTS, RECIPE, STATIC, TASK, job
from tests.trainers.tasks.test_folder import tree
from trainers import Digits, Job, Task, folder_task, train
from trainers.tasks import Splits, stream
from trainers.tasks.base import StoredSplit
from trainers.tasks.resampling import draw, load_splits, resampled
from trainers.tasks.stream import StreamedSplit
from trainers.training import Training

FIXED = Digits(noise=0.5, train_size=60)
RESAMPLED = replace(FIXED, splits="resampled")


def parts(data: Splits) -> list[torch.Tensor]:
    assert isinstance(data.train, StoredSplit)
    assert isinstance(data.validation, StoredSplit)
    assert isinstance(data.test, StoredSplit)
    return [part.images for part in (data.train, data.validation, data.test)]


def as_rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_the_same_images_in_splits_of_the_same_sizes() -> None:
    before, after = parts(load_splits(FIXED, None, 3)), parts(load_splits(RESAMPLED, None, 3))
    assert [len(part) for part in after] == [len(part) for part in before] == [60, 450, 450]
    assert as_rows(torch.cat(after)) == as_rows(torch.cat(before))
    rows = [as_rows(part) for part in after]
    assert not rows[0] & rows[1] and not rows[0] & rows[2] and not rows[1] & rows[2]
    assert rows[2] != as_rows(before[2])


def test_a_seed_decides_the_splits() -> None:
    first, again, other = (parts(load_splits(RESAMPLED, None, seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[2], other[2])


def test_labels_follow_their_images_and_statistics_are_of_the_new_training_images() -> None:
    fixed, drawn = load_splits(FIXED, None, 0), load_splits(RESAMPLED, None, 7)
    known: dict[bytes, int] = {}
    for part in (fixed.train, fixed.validation, fixed.test):
        assert isinstance(part, StoredSplit)
        known |= {
            i.numpy().tobytes(): int(n) for i, n in zip(part.images, part.labels, strict=True)
        }
    for part in (drawn.train, drawn.validation, drawn.test):
        assert isinstance(part, StoredSplit)
        for image, label in zip(part.images, part.labels, strict=True):
            assert known[image.numpy().tobytes()] == int(label)
    assert isinstance(drawn.train, StoredSplit)
    assert drawn.mean == pytest.approx(drawn.train.images.mean((0, 2, 3)), abs=1e-5)


def test_every_part_has_its_share_of_every_class() -> None:
    labels = torch.tensor([0] * 700 + [1] * 200 + [2] * 100)
    for part, size in zip(draw(labels, [500, 300, 200], 0), (500, 300, 200), strict=True):
        assert len(part) == size
        for label, count in enumerate((700, 200, 100)):
            assert abs(int((labels[part] == label).sum()) - size * count / 1000) <= 1


def test_every_image_is_tested_as_often_as_its_share() -> None:
    labels = torch.arange(30) % 3
    tested = torch.zeros(30)
    for seed in range(2000):
        tested[draw(labels, [15, 5, 10], seed)[2]] += 1
    assert tested.min() / 2000 == pytest.approx(1 / 3, abs=0.05)
    assert tested.max() / 2000 == pytest.approx(1 / 3, abs=0.05)


def test_all_arms_of_a_seed_see_the_same_images() -> None:
    data = [
        Training(job(seed=4, architecture=network, task=RESAMPLED)).data
        for network in (STATIC, EXPERTS)
    ]
    assert all(torch.equal(a, b) for a, b in zip(parts(data[0]), parts(data[1]), strict=True))


def test_keys_change_only_where_splits_are_resampled() -> None:
    assert to_json(FIXED) == {"kind": "digits", "noise": 0.5, "train_size": 60}
    assert job(task=FIXED).key == job(task=TASK).key != job(task=RESAMPLED).key
    assert from_json(Task, to_json(RESAMPLED)) == RESAMPLED
    assert RESAMPLED.label() == "digits(splits=resampled, noise=0.5, train_size=60)"
    with pytest.raises(InputError, match="splits: expected one of .*, got 'new'"):
        from_json(Task, {"kind": "digits", "splits": "new"})
    with pytest.raises(InputError, match="splits must be one of fixed, resampled, got new|'new'"):
        load_splits(replace(FIXED, splits="new"), None, 0)  # type: ignore[arg-type]


def test_files_are_resampled_as_stored_images_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = folder_task(tree(tmp_path, counts=(20, 10)), size=8)
    task = replace(fixed, splits="resampled")
    stored = load_splits(task, tmp_path, 1)
    assert sum(map(len, parts(stored))) == 30
    monkeypatch.setattr(stream, "STORED_BYTES", 0)
    from trainers.tasks import folder as folders

    folders._load.cache_clear()
    streamed = load_splits(task, tmp_path, 1)
    assert isinstance(streamed.test, StreamedSplit)
    assert torch.equal(streamed.test.stored().images, parts(stored)[2])
    folders._load.cache_clear()


def test_splits_of_two_kinds_are_refused() -> None:
    data = load_splits(FIXED, None, 0)
    other = StoredSplit(torch.zeros(3, 3, 9, 9), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(InputError, match="resampled if all images are stored in one shape"):
        resampled(replace(data, test=other), 0)


def test_a_job_trains_on_its_own_splits() -> None:
    result = train(Job(STATIC, RESAMPLED, replace(RECIPE, epochs=1), 2))
    assert result.status == "finished"
    assert result.points[0].test_images == 450
