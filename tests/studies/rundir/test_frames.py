from dataclasses import replace
from math import isnan
from pathlib import Path

import pandas as pd
import pytest

from analysis.stats.arms import arms_info
from searchspace import Architecture, Resolutions
from studies import COLUMNS, Ablation, Arm, Study, load, read_experiment
from tests.studies.papers.test_studies import run_in_process
from tests.support.helpers import RECIPE, SMALL, STATIC, TASK, study

SWITCHABLE = Architecture(SMALL, resolutions=Resolutions((8, 4)))


def switchable_study() -> Study:
    """A plain network and one of two sizes with an ensemble."""
    arms = (Arm("static", STATIC), Arm("rs", SWITCHABLE))
    design = replace(study().presets["quick"], arms=arms, recipe=replace(RECIPE, epochs=1))
    return replace(study(), presets={"quick": design})


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run_in_process(switchable_study(), folder, 4)
    return folder


def test_every_column_is_documented_and_there(run_dir: Path) -> None:
    assert list(load(run_dir)) == list(COLUMNS)


def test_what_training_cost_is_in_every_row(run_dir: Path) -> None:
    frame = load(run_dir)
    assert (frame["epoch_seconds"] * frame["epochs"]).tolist() == frame["seconds"].tolist()
    memory = frame.groupby("arm")["peak_memory"].first()
    # Two passes of one step: graphs of both sizes are held at once.
    assert memory["rs"] > memory["static"] > 0


def test_top_5_is_of_points_not_of_ensembles(run_dir: Path) -> None:
    frame = load(run_dir)
    assert (frame["test_top5_accuracy"] >= frame["test_accuracy"]).all()
    plan = read_experiment(run_dir)
    assert isinstance(plan, Ablation)
    arms = {arm.arm: arm.top5 for arm in arms_info(frame, plan)}
    static = frame[frame["arm"] == "static"]["test_top5_accuracy"]
    assert arms["static"] == pytest.approx(100 * static.mean())
    assert isnan(arms["rs, ensemble"])


def test_the_ensemble_costs_all_its_sizes(run_dir: Path) -> None:
    frame = load(run_dir)
    rs = frame[frame["arm"] == "rs"]
    assert rs.loc[frame["trained"], "size"].tolist() == [8, 4] * 2
    for column in ("macs", "training_macs"):
        both = rs[rs["trained"]].groupby("seed")[column].sum()
        assert both.tolist() == rs.groupby("seed")[f"ensemble_{column}"].first().tolist()
    assert rs["ensemble_test_accuracy"].between(0, 1).all()
    assert frame.loc[frame["arm"] == "static", "ensemble_test_accuracy"].isna().all()


def test_the_table_of_arms_has_sizes_and_ensemble(run_dir: Path) -> None:
    plan = read_experiment(run_dir)
    assert isinstance(plan, Ablation)
    frame = load(run_dir)
    arms = {arm.arm: arm for arm in arms_info(frame, plan)}
    assert list(arms) == ["static", "rs at 8 px", "rs at 4 px", "rs, ensemble"]
    together = arms["rs, ensemble"]
    accuracies = frame[frame["arm"] == "rs"].groupby("seed")["ensemble_test_accuracy"].first()
    assert together.mean == pytest.approx(100 * accuracies.mean())
    assert (together.size, arms["rs at 4 px"].size) == (None, 4)
    assert together.macs == arms["rs at 8 px"].macs + arms["rs at 4 px"].macs
    assert together.difference is not None
    assert together.difference.pairs == 2


def test_jobs_that_ended_early_have_no_time_per_epoch(tmp_path: Path) -> None:
    recipe = replace(RECIPE, lr=1e38)
    run_in_process(study(recipe=recipe), tmp_path, 1)
    frame = load(tmp_path)
    assert frame["status"].tolist() == ["diverged"]
    assert pd.isna(frame["epoch_seconds"].iloc[0])
    assert frame["seconds"].iloc[0] > 0
    assert frame["task"].tolist() == [TASK.label()]
