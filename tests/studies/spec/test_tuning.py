"""Recipes that are tried for each arm: which, how a file writes them, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from searchspace import InputError
from studies import Ablation, Arm, Design, read_study
from studies.spec.tuning import TUNING_SEED, Tuning, changes_text, grid
from tests.support.helpers import EXPERTS, RECIPE, STATIC, TASK, search, study, with_design

GRID = grid(lr=[0.05, 0.2], weight_decay=[5e-4, 1e-3])


def tuned(*, seeds: int = 1, untuned: bool = False) -> Ablation:
    return with_design(study().ablation("quick"), tune=Tuning(GRID, seeds, untuned))


def test_the_own_recipe_is_the_first_candidate_and_counts_once() -> None:
    candidates = Tuning(GRID).candidates(RECIPE)
    assert list(candidates)[0] == RECIPE
    assert [changes_text(changes) for changes in candidates.values()] == [
        "own recipe",
        "lr=0.05, weight_decay=0.001",
        "lr=0.2, weight_decay=0.0005",
        "lr=0.2, weight_decay=0.001",
    ]


def test_a_design_with_tuning_survives_json_and_one_without_has_no_field() -> None:
    asked = tuned(seeds=2, untuned=True)
    assert Ablation.from_json(asked.to_json()) == asked
    assert "tune" not in str(study().ablation("quick").to_json())
    milestones = Tuning(({"milestones": (1, 2)},))
    assert Tuning(({"milestones": [1, 2]},)) == milestones


def test_keys_of_untuned_designs_stay_and_tuned_arms_have_no_jobs_yet() -> None:
    plain = study().ablation("quick")
    assert [job.key for _, job in plain.jobs()] == [job.key for _, job in tuned().untuned_jobs()]
    assert list(tuned().jobs()) == []
    assert plain.design.seeds < TUNING_SEED


def test_every_arm_tries_equally_many_recipes() -> None:
    arms = (Arm("static", STATIC), Arm("coconv", EXPERTS, replace(RECIPE, lr=0.3)))
    with pytest.raises(InputError, match="equally many recipes for every arm, got 2 for 'static'"):
        Design(arms, (TASK,), RECIPE, seeds=1, note="", tune=Tuning(grid(lr=[0.05, 0.2])))


@pytest.mark.parametrize(
    ("tune", "variants"),
    [
        ("{lr: [0.05, 0.2], seeds: 3}", ({"lr": 0.05}, {"lr": 0.2})),
        ("{lr: 0.2, seeds: 3}", ({"lr": 0.2},)),
        ("{recipes: [{lr: 0.2, epochs: 3}], seeds: 3}", ({"lr": 0.2, "epochs": 3},)),
    ],
)
def test_a_file_gives_values_by_field_or_a_list_of_changes(
    tune: str, variants: tuple[dict[str, object], ...], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(FILE.format(tune))
    design = read_study(tmp_path / "mine.yaml").study.presets["custom"]
    assert design.tune == Tuning(variants, seeds=3)


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ("{rate: [0.1]}", "mine.yaml: tune: unknown field 'rate'; expected epochs, batch_size, lr"),
        ("{seeds: 2}", "mine.yaml: tune: tune needs one or more variants"),
        ("[]", "tune needs one or more variants"),
        ("{lr: []}", "mine.yaml: tune: lr must have one or more values"),
        ("{lr: [fast]}", "mine.yaml: tune.lr: expected float, got 'fast'"),
        ("{lr: [-1]}", "lr must be a number of at least 0, got -1"),
        ("{lr: [0.1], seeds: 0}", "seeds must be a whole number of at least 1, got 0"),
        ("{lr: [0.1], recipes: [{lr: 0.2}]}", "give recipes, or values by field, not both"),
        ("{recipes: [0.1]}", r"tune.recipes\[0\]: expected an object, got 0.1"),
        ("7", "mine.yaml: tune: expected an object, got 7"),
    ],
)
def test_bad_tuning_is_refused_with_its_place(tune: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FILE.format(tune))
    with pytest.raises(InputError, match=message):
        read_study(tmp_path / "mine.yaml")


FILE = """
backbone: {{kind: resnet_cifar, depth: 8, width: 2}}
arms: {{static: {{}}, coconv: {{"*": {{kind: coconv, experts: 2}}}}}}
task: digits
tune: {}
"""


def test_selection_on_resampled_splits_is_refused() -> None:
    resampled = replace(TASK, splits="resampled")
    with pytest.raises(InputError, match="tune chooses one recipe for all seeds on images"):
        with_design(tuned(), tasks=(resampled,))
    with pytest.raises(InputError, match="a search selects on images that resampled splits"):
        search(task=resampled)
