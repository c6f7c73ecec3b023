from dataclasses import replace

import pytest
import torch
from scipy import stats
from torch import Generator

from trainers import Recipe
from trainers.augment import augment, mix, smooth
from trainers.augment.mixing import symmetric_beta

OFF = Recipe(epochs=1, batch_size=1, lr=0.1)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 4.0])
def test_draws_follow_the_beta_distribution(alpha: float) -> None:
    drawn = symmetric_beta(alpha, 4000, seeded())
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert stats.kstest(drawn.double().numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_smoothed_labels_by_hand() -> None:
    found = smooth(torch.tensor([2, 0]), 4, 0.1)
    wanted = torch.tensor([[0.025, 0.025, 0.925, 0.025], [0.925, 0.025, 0.025, 0.025]])
    torch.testing.assert_close(found, wanted)


def test_smoothing_gives_the_loss_that_torch_defines() -> None:
    logits, labels = torch.randn(6, 4), torch.arange(6) % 4
    images = torch.zeros(6, 3, 2, 2)
    recipe = replace(OFF, label_smoothing=0.2)
    _, targets = augment(images, labels, recipe, seeded(), classes=4, fill=torch.zeros(3))
    torch.testing.assert_close(
        torch.nn.functional.cross_entropy(logits, targets),
        torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.2),
    )


def test_mixup_is_one_convex_combination_of_images_and_labels() -> None:
    count = 30
    # Image i is constant i, so a mixture's pixels say which two were mixed and how.
    images = torch.arange(float(count))[:, None, None, None].expand(count, 3, 4, 4)
    mixed, targets = mix(images, torch.eye(count), 0.8, 0.0, seeded())
    assert targets.sum(1).tolist() == pytest.approx([1.0] * count)
    torch.testing.assert_close(targets @ torch.arange(float(count)), mixed[:, 0, 0, 0])
    assert (mixed == mixed[:, :1, :1, :1]).all()
    weights = targets.diagonal()
    assert len(weights.unique()) > 20 and (targets > 0).sum(1).max() == 2


@pytest.mark.parametrize("shape", [(16, 16), (10, 24)])
def test_cutmix_pastes_one_box_whose_area_is_the_labels_weight(shape: tuple[int, int]) -> None:
    count = 60
    images = torch.arange(float(count))[:, None, None, None].expand(count, 3, *shape)
    mixed, targets = mix(images, torch.eye(count), 0.0, 1.0, seeded())
    for i in range(count):
        kept = mixed[i, 0] == i
        pasted = mixed[i][:, ~kept].unique()
        assert len(pasted) <= 1
        if len(pasted):
            rows, columns = (~kept).any(1), (~kept).any(0)
            assert torch.equal(~kept, rows[:, None] & columns[None])
            share = kept.float().mean().item()
            assert targets[i, i].item() == pytest.approx(share)
            assert targets[i, int(pasted)].item() == pytest.approx(1 - share)
    assert len(targets.diagonal().unique()) > 20


def test_both_ways_are_taken_by_different_images_of_a_batch() -> None:
    count = 80
    images = torch.arange(float(count))[:, None, None, None].expand(count, 3, 8, 8)
    mixed, targets = mix(images, torch.eye(count), 1.0, 1.0, seeded())
    torch.testing.assert_close(targets @ torch.arange(float(count)), mixed[:, 0].mean((1, 2)))
    cut = ((mixed == images) & (targets.diagonal() < 1)[:, None, None, None]).flatten(1).any(1)
    assert 20 < cut.sum() < 60
