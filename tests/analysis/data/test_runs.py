from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.data import runs
from analysis.data.networks import networks_json
from analysis.data.provenance import environment_info
from analysis.data.runs import Run, read_run
from analysis.sections.fronts import limit_note
from analysis.stats.accuracy import logits, percent
from analysis.stats.points import POINT_COLUMNS, points_info
from analysis.stats.training import early_stopping_info, failures_info, learning_info
from searchspace import Architecture
from searchspace.space.costs.limits import Limits
from studies import CURVE_COLUMNS, load_curves
from tests.support.arms import arms_rows
from tests.support.helpers import search, write_ablation, write_search


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("search")
    write_search(folder)
    return read_run(folder)


@pytest.fixture(scope="module")
def ablated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("ablation")
    write_ablation(folder)
    return read_run(folder)


def test_points_are_means_over_seeds_with_students_interval() -> None:
    made = arms_rows({"a": [0.5, 0.6, 0.7], "b": [0.8, float("nan"), 0.9], "c": [0.4]})
    made = made.assign(trial=None, latency_ms=np.nan, ensemble_macs=np.nan)
    points = points_info(made, "test_accuracy").set_index("arm")
    assert points["n"].tolist() == [3, 2, 1]
    assert points["mean"].tolist() == pytest.approx([60, 85, 40])
    own = logits([50.0, 60, 70], made["test_images"].iloc[0])
    half = stats.t.ppf(0.975, 2) * own.std(ddof=1) / sqrt(3)
    assert points.loc["a", "high"] == pytest.approx(float(percent(own.mean() + half)))
    # Fewer than three seeds: the spread of all networks, 2 + 1 degrees of freedom.
    two, one = (logits(value, made["test_images"].iloc[0]) for value in ([80.0, 90], 40.0))
    pooled = sqrt((2 * own.var(ddof=1) + two.var(ddof=1)) / 3)
    half = stats.t.ppf(0.975, 3) * pooled
    assert points.loc["c", "low"] == pytest.approx(float(percent(one - half)))


def test_a_search_shows_validation_and_an_ablation_test(searched: Run, ablated: Run) -> None:
    assert list(searched.points.columns) == list(POINT_COLUMNS)
    first = searched.points.iloc[0]
    assert first["mean"] == pytest.approx(60)
    assert first["test_mean"] == pytest.approx(59)
    static = ablated.points.iloc[0]
    assert static["mean"] == static["test_mean"] == pytest.approx(80)


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        (Limits(), 2),
        (Limits(max_macs=150), 1),
        (Limits(max_macs=200), 2),
        (Limits(max_macs=350, form="training"), 1),
        # A limit at a smaller size says nothing of all sizes together.
        (Limits(max_macs=100, size=6), 2),
    ],
)
def test_limits_hold_for_ensembles(
    limits: Limits, shown: int, searched: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = arms_rows({"a": [0.5], "b": [0.6]}).assign(trial=0, latency_ms=np.nan)
    made["ensemble_macs"] = [150.0, 151.0]
    made["ensemble_training_macs"] = [300.0, 400.0]
    made["ensemble_validation_accuracy"] = made["ensemble_test_accuracy"] = 0.9
    made["validation_images"] = 100
    made.attrs["left_out"] = 0
    monkeypatch.setattr(runs, "load", lambda store: made)
    monkeypatch.setattr(runs, "load_curves", lambda store, frame: frame)
    monkeypatch.setattr(runs, "read_experiment", lambda store: search(limits=limits))
    run = runs.read_run(searched.folder)
    assert len(run.points) == 2 + shown
    assert (run.points["view"] == "ensemble").sum() == shown
    notes = limit_note(run)
    assert len(notes) == (shown == 1)
    if notes:
        assert "The ensemble of one network is left out: all sizes together exceed max" in notes[0]


def test_several_sizes_are_points_of_one_network(searched: Run, ablated: Run) -> None:
    names = set(ablated.points["name"])
    assert names == {"static", "coconv", "two sizes at 8 px", "two sizes at 6 px"}
    last = searched.points[searched.points["trial"] == 7]
    # The size between is not trained and no point.
    assert last["view"].tolist() == ["8", "6"]
    assert last["network"].nunique() == 1


def test_curves_have_a_documented_row_for_each_epoch(searched: Run, tmp_path: Path) -> None:
    curves = searched.curves
    assert list(curves.columns) == list(CURVE_COLUMNS)
    lengths = curves.groupby("trial").size()
    # Trial 2 was truncated after one of two epochs, 6 repeats 0, 1 has a replicate.
    assert lengths[[0, 1, 2, 7]].tolist() == [2, 4, 1, 2]
    assert 6 not in lengths
    write_ablation(tmp_path, jobs=0)
    assert load_curves(tmp_path).empty


def test_mean_curves_and_their_bands(ablated: Run) -> None:
    info = learning_info(ablated.curves, ablated.curves["arm"]).set_index(["group", "epoch"])
    assert info.loc[("static", 2), "mean"] == pytest.approx(81)
    assert info.loc[("static", 2), "low"] == pytest.approx(80.2)
    assert info.loc[("coconv", 2), "jobs"] == 2


def test_where_training_ended(searched: Run) -> None:
    info = early_stopping_info(searched.frame, searched.curves).set_index("status")
    assert info.loc["truncated", ["epochs", "jobs"]].tolist() == [1, 1]
    assert info.loc["finished", "jobs"] == 5
    assert info.loc["truncated", "best"] == pytest.approx(100 * 0.66 / 2)


def test_failures_have_reasons_and_names(searched: Run, ablated: Run) -> None:
    info = failures_info(searched.frame).set_index("status")
    assert info.loc["failed"].tolist() == ["failed in epoch 2", 1, "trial 4 seed 0"]
    assert info.loc["diverged", "which"] == "trial 5 seed 0"
    assert failures_info(ablated.frame)["which"].tolist() == ["coconv seed 1"]


def test_environment_tells_where_it_was_asked_and_where_it_ran(searched: Run) -> None:
    info = environment_info(searched).set_index("what")
    assert info.loc["python", "asked"] == "3"
    assert info.loc["device", "ran"] == "cpu"


def test_networks_come_back_whole_from_their_small_form(searched: Run) -> None:
    data = networks_json(searched)
    assert len(data["networks"]) == len(searched.architectures)
    for network, (arm, stored) in zip(
        data["networks"], searched.architectures.items(), strict=True
    ):
        pairs = zip(network["choices"][::2], network["choices"][1::2], strict=True)
        choices = {data["slots"][slot]: data["choices"][choice] for slot, choice in pairs}
        whole = {**data["bases"][network["base"]], "choices": choices}
        assert whole == stored
        assert Architecture.from_json(whole).key == arm
