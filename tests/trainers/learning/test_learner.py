"""What a step does beside the plain loop: pieces, averaging, precision, layout, compilation."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from searchspace import Architecture, CoConv, MultiScaleRecalibration, Resolutions, build
from tests.support.helpers import EXPERTS, RECIPE, SMALL, STATIC, job
from trainers import Recipe, Training, train
from trainers.learning.averaged_weights import AveragedWeights
from trainers.learning.losses import Batch

PLAIN = replace(RECIPE, epochs=1, flip=False, crop_padding=0)


def trained(architecture: Architecture = STATIC, recipe: Recipe = PLAIN) -> Training:
    training = Training(job(architecture=architecture, recipe=recipe))
    training.epoch()
    return training


def without_batch_norms(recipe: Recipe) -> Training:
    """Norms replaced by learned scales, which see each image alone."""
    training = Training(job(recipe=recipe))
    for name, module in list(training.network.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            parent, _, child = name.rpartition(".")
            norm = nn.GroupNorm(1, module.num_features)
            setattr(training.network.get_submodule(parent), child, norm)
    training.epoch()
    return training


@pytest.mark.parametrize("pieces", [2, 3, 20, 50])
def test_pieces_are_the_large_batch_without_batch_statistics(pieces: int) -> None:
    """20 images in pieces of equal and unequal size; 50 are more than there are images."""
    whole = without_batch_norms(PLAIN)
    parts = without_batch_norms(replace(PLAIN, accumulation=pieces))
    for mine, theirs in zip(parts.network.parameters(), whole.network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert parts.curve[0].train_loss == pytest.approx(whole.curve[0].train_loss, rel=1e-5)


def test_pieces_have_batch_statistics_of_their_own() -> None:
    whole, parts = trained(), trained(recipe=replace(PLAIN, accumulation=4))
    tracked = [t.network.get_buffer("bn1.num_batches_tracked").item() for t in (whole, parts)]
    assert tracked == [3, 12]


def test_averaged_weights_follow_their_formula() -> None:
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    averaged = AveragedWeights(network, 0.5)
    expected = network[0].weight.item()
    for step, value in enumerate((3.0, -1.0, 2.0, 5.0, 7.0, 1.0, 4.0, 2.0, 9.0, 6.0)):
        with torch.no_grad():
            network[0].weight.fill_(value)
            network[1].running_mean.fill_(value)
        network[1].num_batches_tracked.add_(1)
        averaged.update(network)
        # 0.1, 2/11, 3/12 ... until it reaches 0.5.
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert averaged.network[0].weight.item() == pytest.approx(expected, rel=1e-5)
    assert averaged.network[1].num_batches_tracked == 10
    assert not any(p.requires_grad for p in averaged.network.parameters())
    # Running means begin at 0, the weight at a random number.
    assert averaged.network[1].running_mean.item() == pytest.approx(expected, abs=1e-2)


def test_averaged_weights_are_what_is_measured() -> None:
    plain = trained()
    training = trained(recipe=replace(PLAIN, ema_decay=0.9))
    for mine, theirs in zip(
        training.learner.network.parameters(), plain.network.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
    assert training.network is not training.learner.network
    assert training.curve[0].train_loss == plain.curve[0].train_loss
    assert training.curve[0].validation_loss != plain.curve[0].validation_loss


MANY = {
    "static": STATIC,
    "experts": EXPERTS,
    "experts without norms": Architecture(SMALL, {"*": CoConv(experts=2, norms=False)}),
    "recalibrated": Architecture(SMALL, {"*.recalibration": MultiScaleRecalibration()}),
    "switchable": Architecture(SMALL, {}, Resolutions((8, 6, 4))),
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_stays_near(name: str, precision: str) -> None:
    exact, rough = (
        trained(MANY[name], replace(PLAIN, precision=kind)).curve[0]
        for kind in ("float32", precision)
    )
    assert rough != exact
    assert rough.train_loss == pytest.approx(exact.train_loss, rel=0.02)
    assert rough.validation_loss == pytest.approx(exact.validation_loss, rel=0.05)


def test_a_first_step_that_is_skipped_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scale of float16 is guessed too large at first; memory may hold anything."""

    def dirty(like: Tensor, **settings: object) -> Tensor:
        return torch.full_like(like, torch.nan)

    training = Training(job(recipe=replace(PLAIN, precision="float16")))
    learner = training.learner
    weights = [parameter.clone() for parameter in learner.network.parameters()]
    monkeypatch.setattr(torch, "empty_like", dirty)
    batch = next(training.batches.in_pass(0, 0))
    infinite = Batch(tuple(crop * torch.inf for crop in batch.crops), batch.targets)
    learner.learn(infinite, 0.1)
    for before, now in zip(weights, learner.network.parameters(), strict=True):
        assert torch.equal(before, now)
    assert all(state["momentum_buffer"].eq(0).all() for state in learner.optimizer.state.values())
    assert learner.optimizer.state.keys() == set(learner.network.parameters())
    learner.learn(batch, 0.1)
    assert all(parameter.isfinite().all() for parameter in learner.network.parameters())
    assert not torch.equal(weights[0], next(learner.network.parameters()))


def test_weights_and_norms_stay_in_single_precision() -> None:
    training = trained(recipe=replace(PLAIN, precision="bfloat16"))
    assert {value.dtype for value in training.network.parameters()} == {torch.float32}
    assert training.network.get_buffer("bn1.running_var").dtype == torch.float32


@pytest.mark.parametrize("name", MANY)
def test_channels_last_gives_the_same_numbers(name: str) -> None:
    first = trained(MANY[name]).curve[0]
    last = trained(MANY[name], replace(PLAIN, channels_last=True))
    assert last.curve[0].train_loss == pytest.approx(first.train_loss, rel=1e-3)
    assert last.learner.network.get_parameter("conv1.weight").is_contiguous(
        memory_format=torch.channels_last
    )


@pytest.mark.parametrize("name", ["static", "switchable"])
def test_compiled_gives_the_same_numbers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[str] = []

    def traced(network: nn.Module, mode: str, dynamic: bool) -> object:
        """Dynamo without a code generator, which takes minutes."""
        modes.append(mode)
        return real(network, dynamic=dynamic)

    real = partial(torch.compile, backend="eager")
    eager = trained(MANY[name])
    monkeypatch.setattr(torch, "compile", traced)
    wanted = job(architecture=MANY[name], recipe=replace(PLAIN, compile="default"))
    # The option is without effect for a plain network.
    compiled = Training(wanted, recompute=True)
    compiled.epoch()
    assert modes == ["default"]
    assert compiled.curve[0].train_loss == pytest.approx(eager.curve[0].train_loss, rel=1e-4)
    assert compiled.network.state_dict().keys() == build(MANY[name], 10).state_dict().keys()


def test_later_settings_leave_the_keys_of_earlier_recipes() -> None:
    old = {
        "epochs": 1, "batch_size": 20, "lr": 0.05, "momentum": 0.9, "nesterov": False,
        "weight_decay": 5e-4, "schedule": "cosine", "step_epochs": 30, "step_divisor": 10.0,
        "final_lr": 0.0, "flip": False, "crop_padding": 0,
    }  # fmt: skip
    assert job(recipe=PLAIN).to_json()["recipe"] == old
    changed = {job(recipe=replace(PLAIN, **{name: value})).key for name, value in [
        ("ema_decay", 0.9), ("accumulation", 2), ("precision", "bfloat16"), ("channels_last", True),
        ("compile", "default"), ("crops", "multi"), ("weight_bits", 2), ("activation_bits", 2),
        ("decay_scores", True),
    ]}  # fmt: skip
    assert len(changed | {job(recipe=PLAIN).key}) == 10


def test_averaging_needs_no_more_than_its_own_copy() -> None:
    """A decay of 0 makes no copy at all."""
    assert Training(job(recipe=PLAIN)).learner.averaged is None
    assert train(job(recipe=replace(PLAIN, ema_decay=0.5))).status == "finished"
