import numpy as np
import pandas as pd
import pytest

from analysis.stats.fronts import (
    attainment_surface,
    bootstrap_means,
    contenders,
    front_info,
    front_probabilities,
)
from tests.support.points import points


def test_front_holds_what_no_other_dominates_and_ties() -> None:
    info = front_info(points([3, 1, 2, 2, 4], [70, 50, 60, 60, 69]), "macs")
    assert info["macs"].tolist() == [1, 2, 2, 3, 4]
    assert info["on_front"].tolist() == [True, True, True, True, False]


def test_networks_without_the_cost_are_left_out() -> None:
    assert front_info(points([1, 2], [50, 60]), "latency_ms").empty


def test_complete_seeds_are_drawn_for_all_networks_at_once() -> None:
    """What seeds share cancels: the difference of two networks is the same in every draw."""
    shared = np.random.default_rng(0).normal(70, 3, 6)
    drawn = bootstrap_means(pd.DataFrame([shared, shared + 1]))
    assert drawn is not None
    means, _ = drawn
    assert np.allclose(means[:, 1] - means[:, 0], 1)
    # sd of a mean of 6 draws, with deviations scaled to be unbiased.
    assert means[:, 0].std() == pytest.approx(shared.std(ddof=1) / 6**0.5, rel=0.1)


def test_a_single_run_borrows_the_spread_of_replicated_networks() -> None:
    values = pd.DataFrame([[70.0, 72, 74, 76], [80, np.nan, np.nan, np.nan]])
    drawn = bootstrap_means(values)
    assert drawn is not None
    means, _ = drawn
    spread = np.std([70, 72, 74, 76], ddof=1)
    assert means[:, 1].std() == pytest.approx(spread, rel=0.1)
    assert means[:, 0].std() == pytest.approx(spread / 2, rel=0.1)


def test_without_replicates_nothing_is_said() -> None:
    assert bootstrap_means(pd.DataFrame([[70.0, np.nan], [80, 81]])) is None


def test_probabilities_count_draws_in_which_none_dominates() -> None:
    """The dear network is better in one draw of four; equal ones do not dominate each other."""
    means = np.array([[50.0, 49, 50], [50, 51, 50], [50, 48, 50], [50, 50, 50]])
    costs = np.array([1.0, 2, 1])
    assert front_probabilities(means, costs).tolist() == [1, 0.25, 1]


def test_networks_far_below_a_cheaper_one_are_no_contenders() -> None:
    kept = contenders(points([1, 2, 3], [80, 60, 79]), "macs")
    assert kept["name"].tolist() == ["arm 0", "arm 2"]


def test_attainment_is_the_accuracy_that_a_share_of_replicates_reaches() -> None:
    """One network, ten replicates: the k-th best is attained by k of them."""
    means = np.arange(10.0, 20)[:, None]
    info = attainment_surface(np.array([5.0]), means, (10, 50, 90))
    assert info["accuracy"].tolist() == [19, 15, 11]
    assert info["at_cost"].tolist() == [5, 5, 5]
