from dataclasses import replace
from math import cos, pi

import pytest

from searchspace import InputError
from searchspace.schema import content_key, from_json, to_json
from trainers import RECIPES, Recipe


def test_step_schedule_of_the_coconv_protocol() -> None:
    recipe = RECIPES["coconv_small_images"]
    rates = [recipe.rate(epoch) for epoch in (0, 29.99, 30, 59.99, 60, 89.99)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])
    assert (recipe.epochs, recipe.batch_size, recipe.weight_decay) == (90, 128, 5e-4)


def test_cosine_schedule_falls_from_first_to_final_rate() -> None:
    recipe = Recipe(epochs=10, batch_size=1, lr=0.4, final_lr=0.2)
    assert recipe.rate(0) == pytest.approx(0.4)
    assert recipe.rate(2.5) == pytest.approx(0.2 + 0.1 * (1 + cos(pi / 4)))
    assert recipe.rate(10) == recipe.rate(11) == pytest.approx(0.2)


def test_milestones_divide_the_rate_after_those_epochs() -> None:
    recipe = RECIPES["mssar_resnet"]
    rates = [recipe.rate(epoch) for epoch in (0, 79.99, 80, 119.99, 120, 159.99)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    last = RECIPES["rsnet_quantised"].rate(119)
    assert last == pytest.approx(0.1 / 10**5)


@pytest.mark.parametrize(
    ("name", "epochs", "batch_size", "lr", "last", "weight_decay"),
    [
        ("coconv_imagenet", 100, 256, 0.1, 1e-4, 1e-4),
        ("multiception", 300, 128, 0.1, 5e-5, 2e-4),
        ("multiception_stl10", 300, 64, 0.1, 5e-5, 2e-4),
        ("multiception_imagenet32", 50, 128, 0.1, 5e-5, 2e-4),
        ("mssar_resnet", 160, 128, 0.1, 1e-3, 1e-4),
        ("mssar_densenet", 300, 64, 0.1, 1e-3, 1e-4),
        ("mssar_imagenet", 100, 1024, 0.6, 6e-4, 1e-4),
        ("rsnet_resnet", 120, 256, 0.1, 0.0, 1e-4),
        ("rsnet_mobilenet", 150, 256, 0.05, 0.0, 4e-5),
        ("rsnet_quantised", 120, 256, 0.1, 1e-6, 1e-4),
        ("hs", 200, 256, 0.1, 0.0, 1e-4),
        ("hs_300", 300, 256, 0.1, 0.0, 4e-5),
    ],
)
def test_protocols_have_the_papers_numbers(
    name: str, epochs: int, batch_size: int, lr: float, last: float, weight_decay: float
) -> None:
    recipe = RECIPES[name]
    assert (recipe.epochs, recipe.batch_size, recipe.weight_decay) == (
        epochs, batch_size, weight_decay,
    )  # fmt: skip
    assert recipe.rate(0) == lr
    assert recipe.rate(epochs - 1e-9) == pytest.approx(last, abs=1e-12)
    assert recipe.momentum == 0.9
    assert recipe.nesterov == name.startswith(("multiception", "mssar", "rsnet_quantised"))
    assert recipe.decay_norms == (name != "rsnet_quantised")


def test_recipes_of_stored_results_keep_their_keys() -> None:
    # Written down before recipes had any field of augmentation beyond crop and flip.
    assert content_key(RECIPES["quick"]) == "329df7b6aa9e075d"
    without_crops = replace(RECIPES["coconv_small_images"], crop_padding=0)
    assert content_key(without_crops) == "783317ea005b1581"
    assert content_key(RECIPES["hs"]) != content_key(RECIPES["hs_300"])


def test_constant_schedule() -> None:
    assert Recipe(epochs=3, batch_size=1, lr=0.3, schedule="constant").rate(2.9) == 0.3


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_json(name: str) -> None:
    assert from_json(Recipe, to_json(RECIPES[name])) == RECIPES[name]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"lr": float("nan")}, "lr must be a number of at least 0, got nan"),
        ({"milestones": (30, 0)}, r"milestones\[1\] must be a whole number of at least 1, got 0"),
        ({"crop_area": (0.5, 1.5)}, r"crop_area must be \(low, high\) with 0 < low <= high <= 1"),
        ({"crop_aspect": (2.0, 1.0)}, r"crop_aspect must be .*, got \(2.0, 1.0\)"),
        ({"jitter": (0.1, 0.1)}, "jitter must be four numbers"),
        ({"jitter": (0.1, 0.1, 0.1, 0.6)}, r"jitter\[3\] must be at most 0.5, got 0.6"),
        ({"rotation": -1.0}, "rotation must be a number of at least 0, got -1"),
        ({"erasing": 1.5}, "erasing must be at most 1, got 1.5"),
        ({"label_smoothing": 2.0}, "label_smoothing must be at most 1, got 2"),
        ({"rand_augment_magnitude": 31}, "rand_augment_magnitude must be at most 30, got 31"),
        ({"mixup": -0.1}, "mixup must be a number of at least 0, got -0.1"),
        ({"schedule": "linear"}, "schedule must be one of constant, step, cosine, got 'linear'"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Recipe(**({"epochs": 1, "batch_size": 1, "lr": 0.1} | settings))
