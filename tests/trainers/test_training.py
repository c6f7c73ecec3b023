import math
from dataclasses import replace

import pytest
import torch

import trainers.training
from searchspace import Architecture, InputError, ResNetCifar, build
from tests.support.helpers import EXPERTS, RECIPE, STATIC, TASK, job
from tests.support.results import same_numbers
from trainers import Digits, Job, Recipe, Result, Training, train
from trainers.learning.learner import Learner
from trainers.learning.losses import Batch


def test_same_job_gives_same_result_bit_for_bit_whatever_ran_before() -> None:
    first = train(job(architecture=EXPERTS))
    torch.rand(7)
    assert same_numbers(first, train(job(architecture=EXPERTS)))


def test_other_seed_gives_other_result() -> None:
    assert not same_numbers(train(job(seed=0)), train(job(seed=1)))


def test_a_seed_of_its_own_draws_other_weights_for_the_same_images() -> None:
    plain, other = Training(job(seed=3)), Training(replace(job(seed=3), weights_seed=4))
    as_seed_4 = Training(job(seed=4))
    for mine, theirs in zip(
        other.network.parameters(), as_seed_4.network.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
    orders = [
        torch.cat([batch.crops[0] for batch in t.batches.in_pass(0, 0)])
        for t in (plain, other, as_seed_4)
    ]
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    # A job without one has the key and the form that it always had.
    assert job(seed=3).key != other.job.key
    assert "weights_seed" not in job(seed=3).to_json()
    with pytest.raises(InputError, match="weights_seed must be a whole number of at least 0"):
        replace(job(), weights_seed=-1)


def test_global_random_state_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(job())
    assert torch.equal(before, torch.get_rng_state())


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
