import numpy as np
import pytest
from scipy import stats

from analysis.stats.combined import (
    combined_arms,
    combined_verdicts,
    improvement,
    interquartile_mean,
)
from analysis.stats.verdicts import verdicts_info
from studies.spec.claims import exceeds
from studies.stats.t_tests import one_sided
from tests.analysis.stats.test_verdicts import HIGH, LOW, OTHER, claim, frame, plan, task_frame
from tests.support.helpers import TASK

TASKS = (TASK, OTHER)


def test_a_verdict_over_all_tasks_is_on_the_mean_difference_of_each_seed() -> None:
    noisy = [v + d for v, d in zip(LOW, (1.5, -0.5, 1.0, -0.6, 1.2), strict=True)]
    data = frame({TASK.label(): {"a": HIGH, "b": LOW}, OTHER.label(): {"a": noisy, "b": LOW}})
    asked = plan(claim(*exceeds("a", "b")), claim(*exceeds("b", "a")), tasks=TASKS)
    for_it, against = combined_verdicts(data, asked)
    assert [for_it.task, for_it.conclusion] == ["all tasks", "supported"]
    assert against.conclusion == "contradicted"
    means = [(h - b + n - b) / 2 for h, n, b in zip(HIGH, noisy, LOW, strict=True)]
    assert for_it.weakest.estimate.mean == pytest.approx(np.mean(means))
    # A family of its own: four hypotheses, as of two claims on one task.
    assert for_it.p_supported == pytest.approx(4 * one_sided(means)[0])
    single = [verdict.weakest.sampling_error for verdict in verdicts_info(data, asked)][::2]
    assert for_it.weakest.sampling_error == pytest.approx(np.hypot(*single) / 2)


def test_opposite_effects_cancel_and_missing_tasks_decide_nothing() -> None:
    both = frame({TASK.label(): {"a": HIGH, "b": LOW}, OTHER.label(): {"a": LOW, "b": HIGH}})
    asked = plan(claim(*exceeds("a", "b")), tasks=TASKS)
    assert combined_verdicts(both, asked)[0].weakest.estimate.mean == pytest.approx(0, abs=1e-9)
    only_one = combined_verdicts(task_frame(a=HIGH, b=LOW), asked)[0]
    assert (only_one.conclusion, only_one.pairs) == ("undecided", 0)
    assert only_one.reason == "no accuracy of a, b"
    assert combined_verdicts(both, plan(claim(*exceeds("a", "b")))) == []


def test_arms_over_all_tasks() -> None:
    generator = np.random.default_rng(0)
    base, other = generator.normal(50, 1, 6), generator.normal(70, 1, 6)
    data = frame(
        {
            TASK.label(): {"a": list(base), "b": list(base + 5), "c": list(base), "d": [50.0] * 2},
            OTHER.label(): {"a": list(other), "b": list(other + 7), "c": list(other)},
        }
    ).assign(trained=True)
    better, same = combined_arms(data, plan(tasks=TASKS))
    # Six differences of 5 and six of 7: the middle half has three of each.
    assert (better.arm, better.tasks, better.pairs) == ("b", 2, 12)
    assert better.difference == pytest.approx(6)
    assert (better.improvement, better.improvement_low) == (1, 1)
    assert same.difference == 0
    assert same.improvement == 0.5
    assert same.improvement_low <= 0.5 <= same.improvement_high
    assert combined_arms(data, plan()) == []


def test_the_figures_are_those_of_their_definitions() -> None:
    generator = np.random.default_rng(1)
    pairs = [generator.normal(0, 1, (2, 7)).round(1), generator.normal(0.4, 1, (2, 9)).round(1)]
    once = [np.arange(7)[None], np.arange(9)[None]]
    u = [stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in pairs]
    assert improvement(pairs, once) == pytest.approx([np.mean(u)])
    differences = np.sort(np.concatenate([x - y for x, y in pairs]))
    assert interquartile_mean(pairs, once) == pytest.approx([differences[4:12].mean()])


def test_intervals_of_arms_cover_about_as_often_as_they_say() -> None:
    """The bootstrap is a little narrow: 90 % with 10 seeds on each of two tasks."""
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(40):
        tasks = {
            task.label(): {
                "a": list(generator.normal(50, 1, 10)),
                "b": list(generator.normal(51, 1, 10)),
            }
            for task in TASKS
        }
        (found,) = combined_arms(frame(tasks).assign(trained=True), plan(tasks=TASKS))
        covered += found.low <= 1 <= found.high
    assert covered >= 33
