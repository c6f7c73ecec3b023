from math import cos, pi

import pytest

from searchspace import InputError
from searchspace.schema import from_json, to_json
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
        ({"schedule": "linear"}, "schedule must be one of constant, step, cosine, got 'linear'"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Recipe(**({"epochs": 1, "batch_size": 1, "lr": 0.1} | settings))
