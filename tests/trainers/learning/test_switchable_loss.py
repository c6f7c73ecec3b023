"""Training of switchable networks against the paper's equations, written one term at a time."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace import Architecture, CoConv, ResNetCifar, Resolutions, ShakeShake, build
from searchspace.schema import to_json
from tests.support.helpers import RECIPE, SMALL, TASK, job
from trainers import Digits, Recipe, Result, Training, train
from trainers.learning.losses import Batch
from trainers.learning.quantisation import quantise
from trainers.learning.switchable_loss import SwitchableLoss, resize
from trainers.runtime.live_memory import peak_bytes

SIZES = (8, 6, 4)
DISTILLATIONS = ("none", "vanilla", "full", "higher", "highest")


def switchable(distillation: str = "full", **settings: object) -> Architecture:
    return Architecture(SMALL, {}, Resolutions(SIZES, distillation=distillation, **settings))


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Eq. 7, image by image and class by class."""
    p, q = teacher.detach().softmax(1), student.softmax(1)
    total = torch.zeros(())
    for i in range(len(p)):
        for c in range(p.shape[1]):
            total = total + p[i, c] * (p[i, c] / q[i, c]).log()
    return total / len(p)


def by_the_equations(
    distillation: str, logits: list[Tensor], labels: Tensor, scores: Tensor | None
) -> Tensor:
    """Eqs. 2, 5 to 8 and 10; z_0 is the ensemble, z_1 the largest size."""
    count = len(logits)
    total = torch.zeros(())
    for z in logits:
        for i, label in enumerate(labels):
            total = total - z[i].log_softmax(0)[label] / len(labels)
    z = [torch.zeros(()), *logits]
    if scores is not None:
        z[0] = sum(
            (a * one.detach() for a, one in zip(scores.softmax(0), logits, strict=True)),
            torch.zeros(()),
        )
        for i, label in enumerate(labels):
            total = total - z[0][i].log_softmax(0)[label] / len(labels)
    students = range(1, count + 1)
    pairs, factor = {
        "none": ([], 0.0),
        "vanilla": ([(0, s) for s in students], 1.0),
        "full": ([(t, s) for s in students for t in range(s)], 2 / (count + 1)),
        "higher": ([(t, s) for s in students for t in range(1, s)], 2 / (count + 1)),
        "highest": ([(1, s) for s in students if s > 1], 1.0),
    }[distillation]
    for teacher, student in pairs:
        total = total + factor * divergence(z[teacher], z[student])
    return total


def batch(images: int = 4, classes: int = 5) -> Batch:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(images, 3, 8, 8, generator=generator)
    return Batch((x,), (torch.randint(classes, (images,), generator=generator),))


def network_of(architecture: Architecture, classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    network = build(architecture, classes)
    if architecture.resolutions and architecture.resolutions.ensemble:
        nn.init.normal_(network.get_parameter("importance"))
    return network


def loss_of(
    network: nn.Module, architecture: Architecture, recompute: bool = False
) -> SwitchableLoss:
    assert architecture.resolutions
    return SwitchableLoss(
        network, network, architecture.resolutions, F.cross_entropy, recompute=recompute
    )


@pytest.mark.parametrize("norms", ["private", "shared"])
@pytest.mark.parametrize("distillation", DISTILLATIONS)
def test_loss_and_gradients_are_those_of_the_equations(distillation: str, norms: str) -> None:
    architecture = switchable(distillation, norms=norms)
    network, slow = network_of(architecture), network_of(architecture)
    one = batch()
    loss = loss_of(network, architecture).backward(one, lambda loss: loss)
    scores = slow.get_parameter("importance") if distillation in ("vanilla", "full") else None
    logits = [slow(resize(one.crops[0], size)) for size in SIZES]
    expected = by_the_equations(distillation, logits, one.targets[0], scores)
    expected.backward()
    torch.testing.assert_close(loss, expected.detach())
    for (name, mine), theirs in zip(network.named_parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("distillation", ["vanilla", "full"])
def test_scores_get_the_gradient_of_their_own_loss_only(distillation: str) -> None:
    architecture = switchable(distillation)
    network = network_of(architecture)
    scores = network.get_parameter("importance")
    logits = [torch.randn(4, 5, requires_grad=True) for _ in SIZES]
    labels = batch().targets[0]
    loss_of(network, architecture).loss(logits, [labels] * 3).backward()
    mixed = (scores.softmax(0)[:, None, None] * torch.stack(logits).detach()).sum(0)
    (alone,) = torch.autograd.grad(F.cross_entropy(mixed, labels), scores)
    torch.testing.assert_close(scores.grad, alone)


@pytest.mark.parametrize("distillation", DISTILLATIONS[1:])
def test_teachers_are_constants(distillation: str) -> None:
    """What the largest size predicts is taught by the ensemble or not at all."""
    architecture = switchable(distillation)
    network = network_of(architecture)
    logits = [torch.randn(4, 5, requires_grad=True) for _ in SIZES]
    labels = batch().targets[0]
    loss_of(network, architecture).loss(logits, [labels] * 3).backward()
    largest = logits[0].detach().requires_grad_()
    total = F.cross_entropy(largest, labels)
    if distillation in ("vanilla", "full"):
        weights = network.get_parameter("importance").softmax(0)[:, None, None]
        mixed = (weights * torch.stack(logits)).sum(0)
        factor = 1.0 if distillation == "vanilla" else 2 / (len(SIZES) + 1)
        total = total + factor * divergence(mixed, largest)
    total.backward()
    torch.testing.assert_close(logits[0].grad, largest.grad)


@pytest.mark.parametrize(
    ("architecture", "bits"),
    [
        (switchable(), 32),
        (switchable(norms="shared"), 32),
        (Architecture(SMALL, {"*": CoConv(experts=2)}, Resolutions(SIZES)), 32),
        (Architecture(ShakeShake(8, width=2), {}, Resolutions(SIZES)), 32),
        (switchable(), 2),
    ],
    ids=["private", "shared", "experts", "random", "quantised"],
)
def test_computing_again_gives_the_same_bits(architecture: Architecture, bits: int) -> None:
    networks = []
    for recompute in (False, True):
        network = quantise(network_of(architecture), bits, bits)
        loss_of(network, architecture, recompute).backward(batch(), lambda loss: loss)
        networks.append(network)
    kept, again = networks
    for (name, value), other in zip(
        kept.state_dict().items(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name
    for mine, theirs in zip(kept.parameters(), again.parameters(), strict=True):
        assert (mine.grad is None and theirs.grad is None) or torch.equal(mine.grad, theirs.grad)


def peaks(distillation: str, recompute: bool = False) -> tuple[int, list[int]]:
    """Peak memory of a step, without the gradients, and that of each size on its own."""
    architecture = Architecture(
        ResNetCifar(depth=8, width=4), {}, Resolutions(SIZES, distillation=distillation)
    )
    network = network_of(architecture)
    one = batch(32)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    loss = loss_of(network, architecture, recompute)
    step = peak_bytes(lambda: loss.backward(one, lambda total: total))

    def alone(size: int) -> int:
        def call() -> None:
            F.cross_entropy(network(resize(one.crops[0], size)), one.targets[0]).backward()

        return peak_bytes(call)

    return step, [alone(size) for size in SIZES]


@pytest.mark.parametrize(
    ("distillation", "recompute"),
    [("none", False), ("higher", False), ("highest", False), ("vanilla", True), ("full", True)],
)
def test_memory_of_a_step_is_that_of_the_largest_size(distillation: str, recompute: bool) -> None:
    step, alone = peaks(distillation, recompute)
    assert step < 1.15 * alone[0]


def test_an_ensemble_keeps_all_sizes_unless_they_are_computed_again() -> None:
    step, alone = peaks("full")
    assert step > 0.8 * sum(alone) > 1.3 * alone[0]


def test_sizes_are_bilinear_views_of_one_crop() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    assert resize(ramp, 8) is ramp
    # Away from the border a shrunken ramp samples pixel centres, 2 and 6 of every 8 units apart.
    half = resize(ramp, 4)
    assert half.shape == (1, 1, 4, 4)
    torch.testing.assert_close(half[0, 0, 0, 1:3], torch.tensor([2.5, 4.5]))
    assert resize(ramp, 16).shape == (1, 1, 16, 16)


def test_multi_crop_takes_a_crop_of_its_own_for_each_size() -> None:
    for crops, count in (("single", 1), ("multi", 3)):
        training = Training(job(architecture=switchable(), recipe=replace(RECIPE, crops=crops)))
        one = next(training.batches.in_pass(0, 0))
        assert len(one.crops) == len(one.targets) == count
        assert all(not torch.equal(a, b) for a, b in pairwise(one.crops))
    first, second = Batch((torch.zeros(2, 3, 8, 8),) * 3, (torch.tensor([0, 1]),) * 3).pieces(2)
    assert [len(crop) for crop in first.crops + second.crops] == [1] * 6


@pytest.mark.parametrize("crops", ["single", "multi"])
def test_a_crop_to_the_network_is_made_in_each_size_and_flipped_by_itself(crops: str) -> None:
    recipe = replace(RECIPE, crops=crops, crop_area=(0.5, 1.0), crop_to="network", flip=True)
    training = Training(job(architecture=switchable(), recipe=recipe))
    one = next(training.batches.in_pass(0, 0))
    assert [crop.shape[-1] for crop in one.crops] == list(SIZES)
    first, second = (resize(crop, SIZES[-1]) for crop in one.crops[:2])
    flipped = (first - second.flip(3)).abs().sum((1, 2, 3)) < (first - second).abs().sum((1, 2, 3))
    # Half of the pairs differ by a mirror.
    assert 0.2 < flipped.float().mean() < 0.8


def test_each_size_sees_its_crop() -> None:
    seen: list[Tensor] = []
    architecture = switchable("none")
    network = network_of(architecture)
    assert architecture.resolutions

    def forward(images: Tensor) -> Tensor:
        seen.append(images)
        return network(images)

    loss = SwitchableLoss(network, forward, architecture.resolutions, F.cross_entropy)
    crops = tuple(torch.full((2, 3, 8, 8), float(i)) for i in range(3))
    loss.backward(Batch(crops, (torch.tensor([0, 1]),) * 3), lambda one: one)
    assert [images.shape[-1] for images in seen] == list(SIZES)
    assert [round(float(images.mean())) for images in seen] == [0, 1, 2]


def same_numbers(first: Result, second: Result) -> bool:
    drop = {"seconds": 0.0, "ensemble": None}
    return to_json(replace(first, **drop)) == to_json(replace(second, **drop))


@pytest.mark.parametrize("distillation", DISTILLATIONS)
def test_one_size_is_plain_training(distillation: str) -> None:
    alone = Architecture(SMALL, {}, Resolutions((8,), distillation=distillation))
    found, plain = train(job(architecture=alone)), train(job())
    ensemble = found.ensemble
    assert [p.size for p in found.points] == [8]
    for mine, theirs in zip(found.curve, plain.curve, strict=True):
        assert mine.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-4)
    assert found.points[0].test_accuracy == plain.points[0].test_accuracy
    if ensemble is not None:
        assert ensemble.weights == (1.0,)
        assert ensemble.test_accuracy == found.points[0].test_accuracy


def test_equal_views_of_one_crop_are_plain_training_with_a_larger_loss() -> None:
    """Table 6's single resolution, single crop: S views give S times the gradient."""
    views = Architecture(SMALL, {}, Resolutions((8, 8), distillation="none", norms="shared"))
    halved = replace(RECIPE, lr=RECIPE.lr / 2, weight_decay=0.0)
    found = train(job(architecture=views, recipe=halved))
    plain = train(job(recipe=replace(RECIPE, weight_decay=0.0)))
    assert [p.size for p in found.points] == [8]
    assert found.curve[0].train_loss == pytest.approx(2 * plain.curve[0].train_loss, rel=1e-4)


def test_one_size_in_several_crops_has_one_result_and_an_ensemble_of_crops() -> None:
    """Table 6's single resolution, multi-crop."""
    views = Architecture(SMALL, {}, Resolutions((8, 8, 8)))
    result = train(job(architecture=views, recipe=replace(RECIPE, crops="multi")))
    assert [p.size for p in result.points] == [8]
    assert result.ensemble is not None and len(result.ensemble.weights) == 3
    # Measured on the whole image, all views are one.
    assert result.ensemble.test_accuracy == result.points[0].test_accuracy


def test_digits_are_learnt_at_three_sizes_and_served_between_them() -> None:
    architecture = Architecture(ResNetCifar(depth=8, width=8), {}, Resolutions((8, 6, 4)))
    task = Digits(noise=0.2, train_size=300)
    wanted = replace(job(), architecture=architecture, task=task)
    wanted = replace(wanted, recipe=Recipe(epochs=12, batch_size=20, lr=0.05, weight_decay=1e-4))
    result = train(wanted)
    assert [(p.size, p.trained) for p in result.points] == [
        (8, True), (6, True), (4, True), (7, False), (5, False),
    ]  # fmt: skip
    assert all(point.test_accuracy > 0.6 for point in result.points if point.trained)
    assert result.points[3].test_accuracy > 0.4
    ensemble = result.ensemble
    assert ensemble is not None and sum(ensemble.weights) == pytest.approx(1)
    # It learnt to trust the larger sizes more.
    assert ensemble.weights[0] > 1 / 3 > ensemble.weights[2]
    assert ensemble.test_accuracy > result.points[2].test_accuracy
    assert Result.from_json(result.to_json()) == result
    mean = sum(p.validation_accuracy for p in result.points[:3]) / 3
    assert result.curve[-1].validation_accuracy == pytest.approx(mean)


def test_scores_do_not_decay() -> None:
    training = Training(job(architecture=switchable()))
    (scores,) = training.learner.optimizer.param_groups[1]["params"]
    assert scores is training.network.get_parameter("importance")
    assert training.learner.optimizer.param_groups[1]["weight_decay"] == 0
    everything = sum(len(g["params"]) for g in training.learner.optimizer.param_groups)
    assert everything == len(list(training.network.parameters()))


def test_in_pieces_all_sizes_have_one_step() -> None:
    """Without norms over the batch, pieces give the gradient of the whole."""
    architecture = switchable()
    whole, pieces = network_of(architecture), network_of(architecture)
    for network in (whole, pieces):
        # Norms as in evaluation, which see each image alone.
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    one = batch(6)
    loss_of(whole, architecture).backward(one, lambda loss: loss)
    for part in one.pieces(3):
        loss_of(pieces, architecture).backward(part, lambda loss: loss / 3)
    for mine, theirs in zip(whole.parameters(), pieces.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_a_recipe_with_several_crops_changes_nothing_for_a_plain_network() -> None:
    assert same_numbers(train(job()), train(job(recipe=replace(RECIPE, crops="multi"))))
    assert TASK.input_size == 8
