"""Optimisers by name, decay, warm-up, clipping, binary cross-entropy and stochastic depth."""

from dataclasses import replace
from math import exp, log1p
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from searchspace import Architecture, Graft, InputError, ResNetCifar, Resolutions, build
from searchspace.schema import content_key, from_json, to_json
from trainers import RECIPES, Digits, Job, Recipe, train
from trainers.learning.losses import binary_cross_entropy, criterion
from trainers.learning.optimizers import make_optimizer
from trainers.learning.stochastic_depth import set_drop_path
from trainers.loop import start_training
from trainers.recipe import optimizers
from trainers.training import Training

RECIPE = Recipe(
    epochs=2,
    batch_size=256,
    lr=1e-3,
    optimizer="AdamW",
    decay_norms=False,
    warmup_epochs=1,
    clip_norm=0.1,
    loss="bce",
    mixup=0.2,
)
NETWORK = Architecture(ResNetCifar(8, width=2))


def training(recipe: Recipe, seed: int = 0) -> Training:
    started = start_training(Job(NETWORK, Digits(), recipe, seed))
    assert isinstance(started, Training)
    return started


@pytest.mark.parametrize("name", optimizers())
def test_every_optimiser_takes_a_step(name: str) -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    before = [p.clone() for p in network.parameters()]
    optimizer = make_optimizer(network, Recipe(epochs=1, batch_size=1, lr=0.1, optimizer=name))
    network(torch.randn(2, 2, 5, 5)).pow(3).sum().backward()
    optimizer.step()
    assert optimizer.param_groups[0]["weight_decay"] == 5e-4
    changed = [not torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True)]
    assert changed[0] and any(changed[2:])


def test_settings_reach_the_optimiser() -> None:
    network = build(NETWORK)
    adam = make_optimizer(network, replace(RECIPE, betas=(0.8, 0.95)))
    assert isinstance(adam, torch.optim.AdamW) and adam.defaults["betas"] == (0.8, 0.95)
    decayed, plain = adam.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (5e-4, 0)
    assert all(p.ndim > 1 for p in decayed["params"]) and all(p.ndim == 1 for p in plain["params"])
    listed = {id(p) for group in adam.param_groups for p in group["params"]}
    assert listed == {id(p) for p in network.parameters()}
    sgd = make_optimizer(network, RECIPES["quick"])
    assert len(sgd.param_groups) == 1 and sgd.defaults["nesterov"]
    rms = make_optimizer(network, replace(RECIPE, optimizer="RMSprop", momentum=0.7))
    assert rms.defaults["momentum"] == 0.7


def test_scores_of_an_ensemble_decay_where_the_recipe_says_so() -> None:
    network = build(Architecture(NETWORK.backbone, {}, Resolutions((8, 6))))
    for decays in (False, True):
        groups = make_optimizer(network, replace(RECIPE, decay_scores=decays)).param_groups
        scores = network.get_parameter("importance")
        (group,) = (g for g in groups if any(p is scores for p in g["params"]))
        assert (group["weight_decay"] > 0) == decays


def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    job = Job(NETWORK, Digits(), RECIPE, 3)
    expected = train(job)
    half = training(RECIPE, 3)
    steps = 0

    def stop() -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            torch.save(half.state(), tmp_path / "state")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half.epoch(stop)
    resumed = training(RECIPE, 3)
    resumed.restore(torch.load(tmp_path / "state", weights_only=True))
    while not resumed.done:
        resumed.epoch()
    assert resumed.result().points == expected.points
    assert resumed.result().curve == expected.curve
    assert expected.status == "finished" and expected.points[0].validation_accuracy > 0


def test_gradients_are_clipped_together() -> None:
    limited = training(replace(RECIPE, optimizer="SGD", momentum=0, weight_decay=0, lr=1.0))
    before = [p.detach().clone() for p in limited.network.parameters()]
    with limited.learner.autocast():
        batch = next(limited.batches.in_pass(0, 0))
        limited.learner.learn(batch, 1.0)
    moved = [p - q for p, q in zip(limited.network.parameters(), before, strict=True)]
    norm = sum(float(d.detach().square().sum()) for d in moved) ** 0.5
    assert norm == pytest.approx(0.1, rel=1e-3)


def test_the_rate_warms_up() -> None:
    recipe = replace(RECIPE, schedule="constant", warmup_epochs=1.0, warmup_start=0.1)
    assert [recipe.rate(x) for x in (0, 0.5, 1, 1.9)] == pytest.approx([1e-4, 5.5e-4, 1e-3, 1e-3])
    cosine = replace(recipe, schedule="cosine", warmup_start=0.0)
    assert cosine.rate(0.5) == pytest.approx(0.5 * replace(cosine, warmup_epochs=0).rate(0.5))


def test_binary_cross_entropy_is_the_definition() -> None:
    logits, targets = torch.tensor([[2.0, -1.0], [0.0, 3.0]]), torch.tensor([0, 1])
    terms = [log1p(exp(-2.0)), log1p(exp(-1.0)), log1p(exp(0.0)), log1p(exp(-3.0))]
    assert float(binary_cross_entropy(logits, targets)) == pytest.approx(sum(terms) / 4)
    soft = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert binary_cross_entropy(logits, soft) == binary_cross_entropy(logits, targets)
    assert criterion("cross_entropy") is nn.functional.cross_entropy


def test_stochastic_depth_rises_linearly_where_the_model_has_it() -> None:
    network = build(Architecture(Graft("torchvision/efficientnet_b0")))
    set_drop_path(network, 0.3)
    rates = [m.p for m in network.modules() if isinstance(m, torchvision.ops.StochasticDepth)]
    assert rates[0] == 0 and rates[-1] == 0.3 and len(rates) == 16
    assert rates[1] - rates[0] == pytest.approx(rates[9] - rates[8])
    with pytest.raises(InputError, match=r"drop_path is 0.1, and ResNetCifarNet has no stochastic"):
        training(replace(RECIPE, drop_path=0.1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "LBFGS"}, "optimizer must be one of .*AdamW.*, got 'LBFGS'"),
        ({"optimizer": "adamw"}, "got 'adamw'"),
        ({"betas": (0.9,)}, r"betas must be two numbers, got \(0.9,\)"),
        ({"betas": (0.9, 1.0)}, r"betas\[1\] must be below 1"),
        ({"warmup_epochs": -3}, "warmup_epochs must be a number of at least 0, got -3"),
        ({"warmup_start": 2}, "warmup_start must be at most 1"),
        ({"clip_norm": -1}, "clip_norm must be a number of at least 0"),
        ({"loss": "hinge"}, "loss must be one of"),
        ({"optimizer": "SGD", "nesterov": True, "momentum": 0}, "nesterov needs a momentum"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(RECIPE, **settings)


def test_keys_of_earlier_recipes_are_as_they_were() -> None:
    assert content_key(RECIPES["quick"]) == "329df7b6aa9e075d"
    assert content_key(RECIPES["hs_300"]) == "ad68ab53519deda1"
    assert from_json(Recipe, to_json(RECIPES["timm_a1"])) == RECIPES["timm_a1"]
