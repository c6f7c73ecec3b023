"""The choice from a run: the candidate, and how certain it is said to be."""

import re
from collections.abc import Sequence
from math import exp, log, nan

import pandas as pd
import pytest

from analysis.selection.candidates import Bounds
from analysis.selection.choose import Choices, Goal, Pick, choose
from analysis.selection.sentences import sentences
from searchspace import InputError
from tests.support.helpers import STATIC


def rows(
    arm: str, accuracies: Sequence[float], *, macs: int, params: int = 1000, size: int = 8,
    **others: object,
) -> list[dict[str, object]]:  # fmt: skip
    """Rows of one arm as `studies.load` gives them, seeds from 0 on; accuracies in per cent."""
    return [
        {
            "key": f"{arm}-{seed}", "arm": arm, "task": "digits", "seed": seed, "size": size,
            "trained": True, "status": "finished", "validation_accuracy": accuracy / 100,
            "test_accuracy": (accuracy - 1) / 100, "params": params, "macs": macs,
            "latency_ms": nan, "trial": pd.NA, "architecture": STATIC.to_json(), **others,
        }
        for seed, accuracy in enumerate(accuracies)
    ]  # fmt: skip


def frame(*arms: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame([row for arm in arms for row in arm])


THREE = frame(
    rows("small", [80, 82, 81], macs=100_000, params=500),
    rows("middle", [89, 91, 90], macs=400_000),
    rows("large", [91.5, 92.5, 92.0], macs=1_600_000),
)


def chosen(pick: Pick) -> tuple[str, str | None]:
    return pick.chosen.arm, pick.runner_up and pick.runner_up.arm


@pytest.mark.parametrize(
    ("bounds", "goal", "expected"),
    [
        (Bounds(), "accuracy", ("large", "middle")),
        (Bounds(macs=400_000), "accuracy", ("middle", "small")),
        (Bounds(macs=399_999), "accuracy", ("small", None)),
        (Bounds(params=500), "accuracy", ("small", None)),
        (Bounds(accuracy=85), "cost", ("middle", "large")),
        (Bounds(accuracy=92), "cost", ("large", None)),
        # Half way in log MACs, well above half way in accuracy.
        (Bounds(), "knee", ("middle", "large")),
    ],
)
def test_the_best_within_the_bounds(
    bounds: Bounds, goal: Goal, expected: tuple[str, str | None]
) -> None:
    pick = choose(THREE, bounds, goal)
    assert chosen(pick) == expected
    assert pick.compared == sum(
        not bounds.excesses(candidate)
        for candidate in [choose(THREE[THREE["arm"] == arm], Bounds(), goal).chosen
                    for arm in ("small", "middle", "large")]
    )  # fmt: skip


def test_a_knee_ignores_what_is_not_on_the_front() -> None:
    dominated = rows("wasteful", [90.5], macs=1_700_000)
    pick = choose(pd.concat([THREE, frame(dominated)]), Bounds(), "knee")
    assert chosen(pick) == ("middle", "large")
    # With two on the front there is no knee: the more accurate.
    two = THREE[THREE["arm"] != "middle"]
    assert choose(two, Bounds(), "knee").chosen.arm == "large"


def test_test_accuracy_chooses_nothing() -> None:
    lucky = rows("lucky", [70, 70], macs=10, test_accuracy=0.99)
    pick = choose(frame(lucky, rows("good", [80, 80], macs=10)), Bounds(), "accuracy")
    assert pick.chosen.arm == "good"
    assert pick.chosen.test.mean == pytest.approx(79)


def test_figures_are_means_over_seeds_and_differences_are_paired() -> None:
    pick = choose(THREE, Bounds(), "accuracy")
    large = pick.chosen.validation
    assert (large.n, large.mean, large.sd) == (3, pytest.approx(92), pytest.approx(0.5))
    # Student's t with two degrees of freedom, 4.3027 * 0.5 / sqrt(3), on the logit scale.
    slope = 0.92 * 0.08
    half = 0.012421 / slope
    assert large.high == pytest.approx(100 / (1 + exp(-log(0.92 / 0.08) - half)), abs=0.01)
    assert large.high - large.mean == pytest.approx(1.2421, abs=0.1)
    difference = pick.difference
    # Per seed 2.5, 1.5 and 2.0; the p-value for two others is twice that of the one.
    assert (
        difference is not None and difference.mean == pytest.approx(2.0) and difference.pairs == 3
    )
    assert difference.p_holm == pytest.approx(2 * difference.p)
    assert pick.decided == (2 * difference.p <= 0.05)


def test_it_says_how_sure_it_is() -> None:
    text = " ".join(sentences(choose(THREE, Bounds(macs=2e6), "accuracy")))
    assert "large at 8 px: 1.6 M MACs, 1 k parameters." in text
    assert "Of the 3 on digits with at most 2 M MACs it has the highest" in text
    assert "92.00 ± 0.50 % (mean ± sd, n = 3; 95 % interval of the mean 90.67 to 93.16)" in text
    assert "Only validation accuracies chose it." in text and "winner's curse" in text
    assert "Its test accuracy, looked up afterwards, is 91.00 ± 0.50 %" in text
    close = frame(rows("a", [80, 84, 82], macs=10), rows("b", [81, 82, 81.5], macs=5))
    text = " ".join(sentences(choose(close, Bounds(), "accuracy")))
    assert "not significantly different, and it needs fewer MACs" in text
    assert "winner's curse" not in text
    clear = frame(rows("a", [90, 91, 90, 91], macs=10), rows("b", [80, 81.2, 80, 81], macs=5))
    assert "seeds, significantly different (p = " in " ".join(
        sentences(choose(clear, Bounds(), "accuracy"))
    )


def test_one_seed_or_none_in_common_decides_nothing() -> None:
    single = frame(rows("a", [80], macs=10), rows("b", [90], macs=10))
    pick = choose(single, Bounds(), "accuracy")
    text = " ".join(sentences(pick))
    assert not pick.decided and "n = 1, so its spread is not known" in text
    assert "+10.00 [needs 2 seeds]" in text and "not significantly different" in text
    apart = frame(rows("a", [80], macs=10), rows("b", [90], macs=10, seed=7))
    assert "no seed in common" in " ".join(sentences(choose(apart, Bounds(), "accuracy")))


def test_whether_a_wanted_accuracy_is_reached() -> None:
    def text(target: float) -> str:
        return " ".join(sentences(choose(THREE, Bounds(accuracy=target), "cost")))

    assert "The whole interval is at 87 % or above." in text(87)
    assert "It is not certain that its mean over all seeds reaches 89 %." in text(89)


def test_a_switchable_network_is_a_candidate_at_each_trained_size() -> None:
    both = frame(
        rows("rs", [90, 91], macs=1000, size=16),
        rows("rs", [85, 86], macs=250, size=8),
        rows("rs", [88, 88], macs=500, size=12, trained=False),
    )
    pick = choose(both, Bounds(macs=600), "accuracy")
    assert (pick.chosen.arm, pick.chosen.size, pick.compared) == ("rs", 8, 1)
    pick = choose(both, Bounds(), "accuracy")
    assert (pick.chosen.size, pick.runner_up and pick.runner_up.size) == (16, 8)
    assert choose(both, Bounds(), "accuracy", size=8).chosen.size == 8
    with pytest.raises(InputError, match="no network of the run is trained at 12 px; .* 8, 16"):
        choose(both, Bounds(), "accuracy", size=12)


def test_trials_of_a_search_that_did_not_finish_are_passed_over() -> None:
    stopped = rows("x", [99], macs=1, status="truncated", validation_accuracy=nan)
    again = rows("y", [90], macs=10)
    pick = choose(frame(stopped, again, again, rows("z", [89], macs=10)), Bounds(), "accuracy")
    # The same job asked for by two trials is one run.
    assert chosen(pick) == ("y", "z") and pick.chosen.validation.n == 1
    with pytest.raises(InputError, match="no finished job yet"):
        choose(frame(stopped), Bounds(), "accuracy")


def test_latency_counts_where_it_was_measured() -> None:
    timed = frame(
        rows("slow", [95, 95], macs=1, latency_ms=9.0),
        rows("fast", [90, 90], macs=1, latency_ms=2.0),
        rows("unknown", [99, 99], macs=1),
    )
    assert choose(timed, Bounds(latency_ms=5), "accuracy").chosen.arm == "fast"
    with pytest.raises(InputError, match="this run has measured none"):
        choose(THREE, Bounds(latency_ms=5), "accuracy")


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (
            Bounds(macs=50_000),
            "in the run has at most 50 k MACs; the nearest is small at 8 px with 100 k MACs",
        ),
        (Bounds(accuracy=99), "the nearest is large at 8 px with 92.00 % validation accuracy"),
        (
            Bounds(macs=350_000, accuracy=85),
            "at most 350 k MACs and at least 85 % validation accuracy; "
            "the nearest is small at 8 px with 81.00 % validation accuracy",
        ),
    ],
)  # fmt: skip
def test_where_nothing_fits_the_nearest_is_named(bounds: Bounds, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        choose(THREE, bounds, "accuracy")


def test_tasks_are_told_apart() -> None:
    two = frame(rows("a", [80], macs=1), rows("a", [70], macs=1, task="synthetic(difficulty=1)"))
    with pytest.raises(InputError, match=r"several tasks; .* digits, synthetic\(difficulty=1\)"):
        choose(two, Bounds(), "accuracy")
    assert choose(two, Bounds(), "accuracy", task="synthetic").chosen.mean == 70
    with pytest.raises(InputError, match="no task 'cifar10'; it has digits"):
        choose(two, Bounds(), "accuracy", task="cifar10")


def test_picks_by_budget_are_those_of_each_limit() -> None:
    costs = {"a": (50, 1), "b": (70, 2), "c": (60, 3), "d": (80, 9)}
    arms = [rows(arm, [accuracy], macs=macs) for arm, (accuracy, macs) in costs.items()]
    picks = Choices.of(frame(*arms)).by_budget()
    assert [(pick.bounds.macs, pick.chosen.arm) for pick in picks] == [
        (1, "a"), (2, "b"), (3, "b"), (9, "d"),
    ]  # fmt: skip
    for pick in picks:
        again = choose(frame(*arms), pick.bounds, "accuracy")
        assert chosen(again) == chosen(pick)
