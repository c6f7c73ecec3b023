"""Simulated searches on tables: what they see, what they cost, and how they are scored."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel

from searchspace import CoConv, InputError, ResNetCifar, Rule, Space, Static
from studies import ground_truth
from studies.compare_searchers import compare
from studies.execution.local_backend import LocalBackend
from studies.rundir.store import RunStore
from studies.tabular import digits_space
from studies.tabular.benchmark_table import BenchmarkTable, read_table
from studies.tabular.comparison import (
    compare_by_epochs,
    compare_by_trials,
    markdown,
    random_verdict,
    run_searches,
    score_curve,
    score_within,
    t_interval,
)
from studies.tabular.digits_space import SPACE, TABLE, all_networks, write_table
from studies.tabular.simulated_search import Searcher, SearchScore, SimulatedSearch
from tests.support.pareto import slow_front
from tests.support.small_spaces import CIFAR, CONVS
from trainers import Digits, Recipe

SMALL = Space.of(
    CIFAR,
    *(Rule.of(f"layer{stage}.*.conv1", *CONVS[:3]) for stage in (1, 2, 3)),
    input_size=8,
)
EPOCHS = 9


def made_up_table(seeds: int = 2) -> BenchmarkTable:
    rng = np.random.default_rng(0)
    macs = SMALL.price(SMALL.rows(SMALL))[0].astype(float)
    last = 0.5 + 0.1 * np.log(macs / macs.min()) + 0.05 * rng.random((seeds, len(macs)))
    rise = 1 - 0.5 ** np.arange(1, EPOCHS + 1)
    return BenchmarkTable(SMALL, macs, last[:, :, None] * rise, last + 0.01)


def test_the_score_is_the_share_of_the_volume_that_the_best_front_dominates() -> None:
    table = made_up_table()
    error, cost = table.true_objectives.T
    everything = list(range(SMALL.size()))
    assert table.score(everything) == pytest.approx(1)
    assert table.score([]) == 0
    first, second = sorted(np.argsort(error)[:2], key=lambda i: cost[i])
    high = error.max(), cost.max()
    areas = [(high[0] - error[i]) * (high[1] - cost[i]) for i in (first, second)]
    both = (high[0] - max(error[[first, second]])) * (high[1] - max(cost[[first, second]]))
    expected = (sum(areas) - both) / table.hypervolumes["worst"]
    assert table.score([first, second]) == pytest.approx(expected)


def test_up_to_the_fronts_worst_a_network_that_learned_nothing_changes_no_score() -> None:
    macs = np.array([1.0, 2.0, 4.0, 5.0])
    four = Space.of(CIFAR, Rule.of("layer1.0.conv1", *CONVS[:4]), input_size=8)
    good, collapsed = (np.array([[0.7, 0.75, 0.8, last]]) for last in (0.72, 0.1))
    tables = [BenchmarkTable(four, macs, each[:, :, None], each) for each in (good, collapsed)]
    by_nadir, by_worst = (
        [table.score([0, 1], reference) for table in tables] for reference in ("nadir", "worst")
    )
    assert 0.3 < by_nadir[0] < 1
    assert by_nadir[1] == pytest.approx(by_nadir[0])
    assert by_worst[1] > by_worst[0] + 0.1


def test_a_search_pays_for_each_network_once_and_reports_its_front() -> None:
    table = made_up_table()
    simulated = SimulatedSearch(table, Searcher("random", "random"), seed=1)
    scores = simulated.run(60)
    assert [each.trials for each in scores] == list(range(1, 61))
    distinct = set(simulated.finished)
    assert len(distinct) < 60
    assert scores[-1].epochs == EPOCHS * len(distinct)
    networks = list(distinct)
    objectives = [(-table.validation[1, i, -1], table.macs[i]) for i in networks]
    front = [networks[row] for row in slow_front(objectives)]
    assert scores[-1].score == pytest.approx(table.score(front))


def test_what_is_chosen_by_luck_is_judged_by_the_truth() -> None:
    """The first seed's validation favours one network wrongly: it hides the better one."""
    macs = np.array([1.0, 2.0, 4.0, 4.0])
    test = np.array([[0.2, 0.5, 0.7, 0.8]])
    validation = np.array([[[0.2], [0.5], [0.9], [0.8]], [[0.2], [0.5], [0.7], [0.8]]])
    four = Space.of(CIFAR, Rule.of("layer1.0.conv1", *CONVS[:4]), input_size=8)
    table = BenchmarkTable(four, macs, validation, np.repeat(test, 2, axis=0))
    assert table.selected(range(4), 0) == [0, 1, 2]
    assert table.selected(range(4), 1) == [0, 1, 3]
    assert table.score([0, 1, 3]) == pytest.approx(1)
    assert table.ceiling() == pytest.approx((1 + table.score([0, 1, 2])) / 2)
    assert table.selected([], 0) == []


@pytest.mark.parametrize("stop", ["asha", "mo-asha", "median"])
def test_what_was_stopped_is_never_on_the_front(stop: str) -> None:
    table = made_up_table()
    simulated = SimulatedSearch(table, Searcher("x", "random", {}, stop, {"min_epochs": 1}), seed=0)
    scores = simulated.run(60)
    levels = {1, 3} if stop != "median" else set(range(1, EPOCHS))
    ends = set(simulated.epochs_of.values())
    assert ends <= levels | {EPOCHS}
    assert ends & levels
    assert all(simulated.epochs_of[network] == EPOCHS for network in simulated.finished)
    assert (
        scores[-1].epochs == sum(simulated.epochs_of.values()) < EPOCHS * len(simulated.epochs_of)
    )


def test_an_epoch_budget_ends_a_search() -> None:
    scores = SimulatedSearch(made_up_table(), Searcher("x", "informed", {}, "mo-asha"), seed=0).run(
        400, 50
    )
    assert scores[-2].epochs < 50 <= scores[-1].epochs
    assert score_within(scores, 50).epochs <= 50
    assert score_within(scores, 0) == SearchScore(0, 0, 0.0)


def test_equal_seeds_give_equal_searches() -> None:
    once, again = (
        SimulatedSearch(made_up_table(), Searcher("i", "informed"), 3).run(12) for _ in range(2)
    )
    assert once == again


def test_curves_go_on_where_a_search_has_ended() -> None:
    assert score_curve([SearchScore(1, 9, 0.1), SearchScore(2, 18, 0.3)], 4) == [0.1, 0.3, 0.3, 0.3]


def test_intervals_are_students_and_hold_for_all_comparisons_together() -> None:
    first, second = np.random.default_rng(0).random((2, 12))
    expected = ttest_rel(first, second).confidence_interval(0.95)
    assert t_interval(first - second)[1:] == pytest.approx(tuple(expected))
    wider = ttest_rel(first, second).confidence_interval(1 - 0.05 / 7)
    assert t_interval(first - second, 7)[1:] == pytest.approx(tuple(wider))
    assert random_verdict(0.1, 0.2) == "beats random"
    assert random_verdict(-0.2, -0.1) == "loses to random"
    assert random_verdict(-0.1, 0.2) == "undecided"


def test_searchers_are_compared_with_random_search() -> None:
    table = made_up_table()
    searchers = Searcher("random", "random"), Searcher("informed", "informed", {"startup": 4})
    frame, curves = compare_by_trials(table, searchers, 3)
    assert frame["search"].tolist() == ["random", "informed"]
    assert frame["to_mark"][0] <= 0
    assert frame["difference"][1] == pytest.approx(frame["score"][1] - frame["score"][0])
    assert len(curves) == 200 + 40
    lines = markdown(frame).splitlines()
    assert lines[0].startswith("| search | score | difference to random | verdict | score up to")
    assert len(lines) == 4
    stopped = compare_by_epochs(
        table, (searchers[0], Searcher("r + asha", "random", {}, "asha")), 2
    )
    assert stopped["trials"][1] > stopped["trials"][0] or stopped["trials"][1] == 400


@pytest.mark.slow
def test_processes_find_what_one_process_finds() -> None:
    runs = [
        (Searcher("x", name), seed, 5, None) for name in ("random", "informed") for seed in (0, 1)
    ]
    assert run_searches(made_up_table(), runs, 2) == run_searches(made_up_table(), runs, 1)


@pytest.mark.slow
def test_the_command_writes_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("studies.tabular.table_file.open_table", lambda *_: made_up_table())
    assert compare(repeats=2, workers=1, only=["qmc"], out=tmp_path) == 0
    assert "| qmc |" in capsys.readouterr().out
    assert "| qmc |" in (tmp_path / "trials.md").read_text()
    names = {"trials.csv", "trials.md", "curves.csv", "epochs.csv", "epochs.md"}
    assert {path.name for path in tmp_path.iterdir()} == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repeats": 1}, "--repeats must be at least 2, got 1"),
        ({"only": ["bayes"]}, "--only must be one of random, .*, got 'bayes'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare(**arguments)  # type: ignore[arg-type]


def test_the_table_in_the_package_is_of_this_space() -> None:
    table = read_table(SPACE, TABLE)
    macs, _ = SPACE.price(SPACE.rows(SPACE))
    assert table.macs.tolist() == macs.tolist()
    assert table.validation.shape == (len(table.test), SPACE.size(), 27)
    assert 0.1 < table.test.min() < table.test.max() < 1
    front = sum(
        not any((other <= point).all() and (other < point).any() for other in table.true_objectives)
        for point in table.true_objectives
    )
    assert front > 5


def test_ground_truth_is_trained_once_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = Space.of(
        ResNetCifar(8, width=2),
        Rule.of("layer1.0.conv1", Static(), CoConv(2)),
        input_size=8,
        num_classes=10,
    )
    monkeypatch.setattr(digits_space, "SPACE", tiny)
    monkeypatch.setattr(digits_space, "RECIPE", Recipe(epochs=2, batch_size=60, lr=0.1))
    monkeypatch.setattr(digits_space, "TASK", Digits(train_size=60))
    store, asked = RunStore(tmp_path / "run"), all_networks(seeds=1)
    with pytest.raises(InputError, match="network 0 is not trained with seed 0 yet"):
        write_table(store, asked, tmp_path / "digits.csv.gz")
    monkeypatch.setattr(ground_truth, "RayBackend", LocalBackend)
    assert ground_truth.ground_truth(store.folder, seeds=1) == 0
    first = store.results.read_bytes()
    monkeypatch.setattr("studies.tabular.benchmark_table.files", lambda _: tmp_path)
    file = tmp_path / "tables" / "digits.csv.gz"
    file.parent.mkdir()
    assert ground_truth.ground_truth(store.folder, seeds=1, table=file) == 0
    assert store.results.read_bytes() == first
    table = read_table(tiny, "digits.csv.gz")
    for index, record in enumerate(store.records()):
        curve = [epoch.validation_accuracy for epoch in record.result.curve]
        assert table.validation[0, index] == pytest.approx(curve)
        assert table.test[0, index] == pytest.approx(record.result.points[0].test_accuracy)
    assert table.macs.tolist() == [tiny.cost(network).macs for network in tiny]


def test_every_network_of_the_space_has_its_own_cost() -> None:
    macs, _ = SPACE.price(SPACE.rows(SPACE))
    assert all(a != b for a, b in combinations(macs.tolist(), 2))
    assert macs.max() > 5 * macs.min()
