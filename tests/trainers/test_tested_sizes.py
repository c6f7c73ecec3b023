"""Networks measured at sizes that they are not trained at, and which images they get right."""

from dataclasses import replace

import pytest
import torch

from searchspace import Architecture, InputError, Resolutions, build
from searchspace.schema import to_json
from studies.spec.ablation import costs
from tests.support.helpers import RECIPE, SMALL, TASK, job
from trainers import Digits, Training, unpack_flags
from trainers.job import pack_flags
from trainers.learning.switchable_loss import resize
from trainers.measurement import among_largest
from trainers.tasks import Splits, StoredSplit


def single(size: int, *tested: int) -> Architecture:
    return Architecture(SMALL, {}, Resolutions((size,), distillation="none", tested=tested))


def test_a_network_of_one_size_serves_all_with_its_only_norms() -> None:
    networks = []
    for architecture in (Architecture(SMALL), single(8)):
        torch.manual_seed(0)
        networks.append(build(architecture, 5))
    plain, switchable = networks
    batch = torch.randn(4, 3, 8, 8)
    assert torch.equal(plain(batch), switchable(batch))
    other = torch.randn(4, 3, 12, 12)
    assert torch.equal(plain.eval()(other), switchable.eval()(other))
    with pytest.raises(InputError, match="training is for the sizes 8, got 12"):
        switchable.train()(other)


def test_tested_sizes_are_those_not_measured_anyway() -> None:
    resolutions = Resolutions((8, 4), tested=(6, 7, 4, 7, 5))
    assert resolutions.tested == (7, 5)
    assert resolutions.untrained == (6, 7, 5)
    assert resolutions.label() == "8/4 px, full distillation, tested at 7/5"
    assert "tested" not in to_json(Resolutions((8, 4)))
    assert Resolutions((8, 4), tested=(6,)) == Resolutions((8, 4))


def test_sizes_beyond_the_norms_are_refused() -> None:
    with pytest.raises(InputError, match="size must be from 4 to 8"):
        Resolutions((8, 4), tested=(9,))
    with pytest.raises(InputError, match="size must be a whole number of at least 1, got 0"):
        Resolutions((8,), tested=(0,))


def test_results_have_a_point_for_every_tested_size() -> None:
    training = Training(job(architecture=single(8, 6, 4)))
    while not training.done:
        training.epoch()
    points = training.result().points
    assert [(p.size, p.trained) for p in points] == [(8, True), (6, False), (4, False)]
    test = training.data.test
    network = training.network.eval()
    for point in points:
        images = torch.cat(
            [resize(training.batches.normalise(x), point.size) for x, _ in test.batches(100)]
        )
        labels = torch.cat([y for _, y in test.batches(100)])
        with torch.no_grad():
            logits = network(images)
        right = logits.argmax(1) == labels
        largest = logits.sort(dim=1, descending=True, stable=True).indices[:, :5]
        among = [label in row for label, row in zip(labels.tolist(), largest.tolist(), strict=True)]
        assert point.test_top5_accuracy == sum(among) / len(among)
        assert point.test_right is not None
        found = unpack_flags(point.test_right, point.test_images)
        assert found.tolist() == right.tolist()
        assert found.mean() == pytest.approx(point.test_accuracy)


@pytest.mark.parametrize("k", [1, 5])
def test_ties_among_the_largest_logits_go_to_lower_classes(k: int) -> None:
    generator = torch.Generator().manual_seed(k)
    # Four values for nine classes: ties in every row.
    logits = torch.randint(4, (500, 9), generator=generator).float()
    labels = torch.randint(9, (500,), generator=generator)
    largest = logits.sort(dim=1, descending=True, stable=True).indices[:, :k]
    expected = [label in row for label, row in zip(labels.tolist(), largest.tolist(), strict=True)]
    assert among_largest(logits, labels, k).tolist() == expected
    assert 0 < sum(expected) < 500
    assert not among_largest(torch.full((1, 9), torch.nan), torch.tensor([0]), k).any()


def test_top_5_needs_more_than_five_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Digits, "classes", 5)
    split = StoredSplit(torch.zeros(20, 3, 8, 8, dtype=torch.uint8), torch.arange(20) % 5)
    data = Splits(split, split, split, torch.zeros(3), torch.ones(3))
    training = Training(job(recipe=replace(RECIPE, epochs=1)), data=data)
    training.epoch()
    (point,) = training.result().points
    assert point.test_top5_accuracy is None
    assert "test_top5_accuracy" not in to_json(point)


def test_cost_is_that_of_the_largest_trained_size() -> None:
    at = {size: costs(single(size), TASK) for size in (8, 6)}
    assert at[8] == costs(Architecture(SMALL), TASK)
    assert at[6] == costs(Architecture(SMALL), TASK, 6)
    assert at[6][0].macs < at[8][0].macs


@pytest.mark.parametrize("count", [1, 8, 9, 100])
def test_flags_survive_text(count: int) -> None:
    flags = torch.rand(count, generator=torch.Generator().manual_seed(count)) < 0.5
    text = pack_flags(flags)
    assert unpack_flags(text, count).tolist() == flags.tolist()
    with pytest.raises(InputError, match="bytes, got"):
        unpack_flags(text, count + 8)


def test_a_smaller_size_of_a_task_is_a_job_of_its_own() -> None:
    assert job(architecture=single(6)).key != job(architecture=single(8)).key
    training = Training(job(architecture=single(6), recipe=RECIPE))
    training.epoch()
    assert training.job.training_sizes == (6,)
