"""Early stopping: equal to slow definitions, and to what the papers say of it."""

from itertools import product
from random import Random

import pytest

from searchspace import InputError
from studies.search.early_stopping import SCHEDULERS, Asha, early_stopping
from studies.search.stoppers import Points
from tests.support.pareto import slow_order

Scored = list[tuple[str, list[tuple[float, ...]]]]


def slow_best(reached: Scored, factor: int) -> list[str]:
    """The best 1 / factor of trials, each in the place of its best point."""
    flat = [(trial, point) for trial, points in reached for point in points]
    order = [flat[i][0] for i in slow_order([point for _, point in flat])] if flat else []
    return sorted({t for t, _ in reached}, key=order.index)[: len(reached) // factor]


def random_points(rng: Random, objectives: int, grid: int = 6) -> list[tuple[float, ...]]:
    count = rng.choice((1, 1, 3))
    return [tuple(float(rng.randrange(grid)) for _ in range(objectives)) for _ in range(count)]


@pytest.mark.parametrize(("name", "objectives"), [("asha", 1), ("mo-asha", 2), ("mo-asha", 3)])
def test_promotion_equals_the_definition(name: str, objectives: int) -> None:
    """Reports and resumptions in a random order, against the best third worked out slowly."""
    rng = Random(7)
    stopper = early_stopping(name, {"min_epochs": 2}).start(20)
    reached: dict[int, Scored] = {2: [], 6: [], 18: []}
    promoted: dict[int, list[str]] = {2: [], 6: [], 18: []}
    running = {f"t{i}": 0 for i in range(40)}
    while running:
        trial = rng.choice(list(running))
        running[trial] += 1
        epoch = running[trial]
        points = random_points(rng, objectives)
        decision = stopper.report(trial, epoch, points)
        expected = "continue"
        if epoch in reached:
            reached[epoch].append((trial, points))
            good = trial in slow_best(reached[epoch], 3)
            expected = "continue" if good else "pause"
            if good:
                promoted[epoch].append(trial)
        assert decision == expected
        if decision == "pause" or epoch == 20:
            del running[trial]
        if rng.random() < 0.5:
            paused = {t for e in reached for t, _ in reached[e] if t not in promoted[e]}
            assert set(stopper.paused) == paused
            best = next(
                (
                    (e, t)
                    for e in (18, 6, 2)
                    for t in slow_best(reached[e], 3)
                    if t not in promoted[e]
                ),
                None,
            )
            assert stopper.promote() == (best[1] if best else None)
            if best:
                promoted[best[0]].append(best[1])
                running[best[1]] = best[0]
    assert 13 <= len(promoted[2]) < 30


@pytest.mark.parametrize("name", ["asha", "mo-asha"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_of_trials_that_arrive_together_one_in_factor_goes_on(name: str, factor: int) -> None:
    rng = Random(1)
    stopper = early_stopping(name, {"factor": factor}).start(factor + 1)
    trials = {f"t{i}": [(rng.random(), rng.random())] for i in range(25)}
    for trial, points in trials.items():
        stopper.record(trial, 1, points)
    promoted = []
    while (trial := stopper.promote()) is not None:
        promoted.append(trial)
    assert len(promoted) == 25 // factor
    assert sorted(promoted + list(stopper.paused)) == sorted(trials)


def test_a_network_of_several_sizes_takes_the_place_of_its_best_point() -> None:
    stopper = early_stopping("mo-asha", {}).start(9)
    stopper.record("poor", 1, [(0.5, 5.0)])
    stopper.record("middle", 1, [(0.4, 4.0)])
    stopper.record("switching", 1, [(0.9, 9.0), (0.3, 3.0), (0.8, 8.0)])
    assert stopper.promote() == "switching"
    assert stopper.promote() is None


@pytest.mark.parametrize("name", ["asha", "mo-asha", "median", "none"])
def test_what_is_reported_twice_changes_nothing(name: str) -> None:
    once, twice = (early_stopping(name, {}).start(9) for _ in range(2))
    for epoch, i in product((1, 2), range(8)):
        points = [(i / 8 + epoch / 100, 1.0)]
        first = once.report(str(i), epoch, points)
        assert twice.report(str(i), epoch, points) == first
        assert twice.report(str(i), epoch, [(0.0, 0.0)]) == first
    assert once.paused == twice.paused


def test_restored_from_reports_a_stopper_goes_on_as_before() -> None:
    rng = Random(3)
    reports: list[tuple[str, int, Points]] = []
    stopper = early_stopping("mo-asha", {}).start(9)
    for i in range(20):
        trial = f"t{i}"
        for epoch in range(1, 5):
            reports.append((trial, epoch, random_points(rng, 2)))
            if stopper.report(*reports[-1]) != "continue":
                break
    again = early_stopping("mo-asha", {}).start(9)
    for report in reports:
        again.record(*report)
    assert set(again.paused) == set(stopper.paused)
    resumed = stopper.promote()
    assert resumed is not None
    assert again.promote() == resumed


def test_a_trial_that_ended_is_never_resumed_but_counts() -> None:
    stopper = early_stopping("asha", {"factor": 2}).start(9)
    stopper.record("best", 1, [(0.1,)])
    stopper.record("second", 1, [(0.2,)])
    stopper.remove("best")
    assert stopper.promote() is None
    assert stopper.paused == ("second",)


def test_median_stops_what_is_worse_than_half_of_those_no_dearer() -> None:
    stopper = early_stopping("median", {"min_trials": 3, "min_epochs": 2}).start(9)
    for i, error in enumerate((0.2, 0.4, 0.6)):
        for epoch in (1, 2, 3):
            assert stopper.report(f"t{i}", epoch, [(error, 10.0)]) == "continue"
    assert stopper.report("worse", 1, [(0.9, 10.0)]) == "continue"
    assert stopper.report("worse", 2, [(0.41, 10.0)]) == "stop"
    assert stopper.report("equal", 1, [(0.4, 10.0)]) == "continue"
    assert stopper.report("equal", 2, [(0.9, 10.0)]) == "continue"  # its best so far is 0.4
    assert stopper.report("cheap", 2, [(0.9, 9.0)]) == "continue"


def test_median_compares_with_mean_errors_up_to_the_same_epoch() -> None:
    stopper = early_stopping("median", {"min_trials": 1}).start(9)
    for epoch, error in enumerate((0.9, 0.5, 0.1), start=1):
        stopper.report("other", epoch, [(error,)])
    assert stopper.report("trial", 2, [(0.71,)]) == "stop"
    assert stopper.report("late", 2, [(0.70,)]) == "continue"
    assert stopper.report("late", 9, [(0.95,)]) == "continue"  # there is nothing left to save


def test_rungs_lie_at_powers_of_the_factor_below_the_full_length() -> None:
    assert Asha(1, 3).rungs(27) == (1, 3, 9)
    assert Asha(2, 4).rungs(33) == (2, 8, 32)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("hyperband", {}, "scheduler must be one of none, asha, mo-asha, median, got 'hyperband'"),
        ("asha", {"factor": 1}, "factor must be a whole number of at least 2, got 1"),
        ("mo-asha", {"eta": 3}, "unknown field 'eta'; expected min_epochs, factor"),
        ("median", {"min_epochs": 0}, "min_epochs must be a whole number of at least 1, got 0"),
        ("none", {"factor": 3}, "unknown field 'factor'"),
    ],
)
def test_bad_settings_are_named(name: str, settings: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        early_stopping(name, settings)


@pytest.mark.parametrize("name", ["asha", "mo-asha", "median"])
def test_there_must_be_room_for_a_rung(name: str) -> None:
    with pytest.raises(InputError, match="min_epochs must be below the 4 epochs of a trial, got 4"):
        early_stopping(name, {"min_epochs": 4}).start(4)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_reports_must_be_finite_and_of_one_form(name: str) -> None:
    stopper = early_stopping(name, {}).start(9)
    for points in ([(float("nan"), 1.0)], [], [()]):
        with pytest.raises(InputError, match="finite objectives, got"):
            stopper.report("t", 1, points)
    stopper.report("t", 1, [(0.1, 1.0)])
    with pytest.raises(InputError, match="must have 2 objectives"):
        stopper.report("u", 1, [(0.1,)])
