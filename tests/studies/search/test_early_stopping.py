"""Promotion between rungs: equal to slow definitions, and to what the papers say of it."""

from itertools import product
from random import Random

import pytest

from searchspace import InputError
from studies.search.early_stopping import SCHEDULERS, Halving, Points, scheduler
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
    watch = scheduler(name, {"min_epochs": 2}).start(20)
    reached: dict[int, Scored] = {2: [], 6: [], 18: []}
    beyond: dict[int, list[str]] = {2: [], 6: [], 18: []}
    running = {f"t{i}": 0 for i in range(40)}
    while running:
        trial = rng.choice(list(running))
        running[trial] += 1
        epoch = running[trial]
        points = random_points(rng, objectives)
        answer = watch.report(trial, epoch, points)
        expected = "continue"
        if epoch in reached:
            reached[epoch].append((trial, points))
            good = trial in slow_best(reached[epoch], 3)
            expected = "continue" if good else "pause"
            if good:
                beyond[epoch].append(trial)
        assert answer == expected
        if answer == "pause" or epoch == 20:
            del running[trial]
        if rng.random() < 0.5:
            waiting = {t for e in reached for t, _ in reached[e] if t not in beyond[e]}
            assert set(watch.waiting) == waiting
            found = next(
                (
                    (e, t)
                    for e in (18, 6, 2)
                    for t in slow_best(reached[e], 3)
                    if t not in beyond[e]
                ),
                None,
            )
            assert watch.next_to_resume() == (found[1] if found else None)
            if found:
                beyond[found[0]].append(found[1])
                running[found[1]] = found[0]
    assert 13 <= len(beyond[2]) < 30


@pytest.mark.parametrize("name", ["asha", "mo-asha"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_of_trials_that_arrive_together_one_in_factor_goes_on(name: str, factor: int) -> None:
    rng = Random(1)
    watch = scheduler(name, {"factor": factor}).start(factor + 1)
    trials = {f"t{i}": [(rng.random(), rng.random())] for i in range(25)}
    for trial, points in trials.items():
        watch.restore(trial, 1, points)
    promoted = []
    while (trial := watch.next_to_resume()) is not None:
        promoted.append(trial)
    assert len(promoted) == 25 // factor
    assert sorted(promoted + list(watch.waiting)) == sorted(trials)


def test_a_network_of_several_sizes_takes_the_place_of_its_best_point() -> None:
    watch = scheduler("mo-asha", {}).start(9)
    watch.restore("poor", 1, [(0.5, 5.0)])
    watch.restore("middle", 1, [(0.4, 4.0)])
    watch.restore("switching", 1, [(0.9, 9.0), (0.3, 3.0), (0.8, 8.0)])
    assert watch.next_to_resume() == "switching"
    assert watch.next_to_resume() is None


@pytest.mark.parametrize("name", ["asha", "mo-asha", "median", "none"])
def test_what_is_reported_twice_changes_nothing(name: str) -> None:
    once, twice = (scheduler(name, {}).start(9) for _ in range(2))
    for epoch, i in product((1, 2), range(8)):
        points = [(i / 8 + epoch / 100, 1.0)]
        first = once.report(str(i), epoch, points)
        assert twice.report(str(i), epoch, points) == first
        assert twice.report(str(i), epoch, [(0.0, 0.0)]) == first
    assert once.waiting == twice.waiting


def test_restored_from_reports_a_watch_goes_on_as_before() -> None:
    rng = Random(3)
    told: list[tuple[str, int, Points]] = []
    watch = scheduler("mo-asha", {}).start(9)
    for i in range(20):
        trial = f"t{i}"
        for epoch in range(1, 5):
            told.append((trial, epoch, random_points(rng, 2)))
            if watch.report(*told[-1]) != "continue":
                break
    again = scheduler("mo-asha", {}).start(9)
    for report in told:
        again.restore(*report)
    assert set(again.waiting) == set(watch.waiting)
    resumed = watch.next_to_resume()
    assert resumed is not None
    assert again.next_to_resume() == resumed


def test_a_trial_that_ended_is_never_resumed_but_counts() -> None:
    watch = scheduler("asha", {"factor": 2}).start(9)
    watch.restore("best", 1, [(0.1,)])
    watch.restore("second", 1, [(0.2,)])
    watch.left("best")
    assert watch.next_to_resume() is None
    assert watch.waiting == ("second",)


def test_median_stops_what_is_worse_than_half_of_those_no_dearer() -> None:
    watch = scheduler("median", {"min_trials": 3, "min_epochs": 2}).start(9)
    for i, error in enumerate((0.2, 0.4, 0.6)):
        for epoch in (1, 2, 3):
            assert watch.report(f"t{i}", epoch, [(error, 10.0)]) == "continue"
    assert watch.report("worse", 1, [(0.9, 10.0)]) == "continue"
    assert watch.report("worse", 2, [(0.41, 10.0)]) == "stop"
    assert watch.report("equal", 1, [(0.4, 10.0)]) == "continue"
    assert watch.report("equal", 2, [(0.9, 10.0)]) == "continue"  # its best so far is 0.4
    assert watch.report("cheap", 2, [(0.9, 9.0)]) == "continue"


def test_median_compares_with_mean_errors_up_to_the_same_epoch() -> None:
    watch = scheduler("median", {"min_trials": 1}).start(9)
    for epoch, error in enumerate((0.9, 0.5, 0.1), start=1):
        watch.report("other", epoch, [(error,)])
    assert watch.report("trial", 2, [(0.71,)]) == "stop"
    assert watch.report("late", 2, [(0.70,)]) == "continue"
    assert watch.report("late", 9, [(0.95,)]) == "continue"  # there is nothing left to save


def test_rungs_lie_at_powers_of_the_factor_below_the_full_length() -> None:
    assert Halving(1, 3).levels(27) == (1, 3, 9)
    assert Halving(2, 4).levels(33) == (2, 8, 32)


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
        scheduler(name, settings)


@pytest.mark.parametrize("name", ["asha", "mo-asha", "median"])
def test_there_must_be_room_for_a_rung(name: str) -> None:
    with pytest.raises(InputError, match="min_epochs must be below the 4 epochs of a trial, got 4"):
        scheduler(name, {"min_epochs": 4}).start(4)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_reports_must_be_finite_and_of_one_form(name: str) -> None:
    watch = scheduler(name, {}).start(9)
    for points in ([(float("nan"), 1.0)], [], [()]):
        with pytest.raises(InputError, match="finite objectives, got"):
            watch.report("t", 1, points)
    watch.report("t", 1, [(0.1, 1.0)])
    with pytest.raises(InputError, match="must have 2 objectives"):
        watch.report("u", 1, [(0.1,)])
