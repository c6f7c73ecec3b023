from math import inf, isnan, nan, sqrt

import numpy as np
import pytest

from analysis.stats.inference import (
    MeanEstimate,
    additional_seeds,
    estimate_mean,
    estimated_power,
    sampling_error,
)


def test_t_test_and_interval_in_closed_form() -> None:
    """1, 2, 3: mean 2, sd 1, t = 2 sqrt(3); with 2 degrees of freedom p = (1 - t/sqrt(2+t²))/2."""
    estimate = estimate_mean([1.0, 2.0, 3.0])
    t = 2 * sqrt(3)
    p = (1 - t / sqrt(2 + t * t)) / 2
    half = 4.302652729911275 / sqrt(3)
    assert (estimate.n, estimate.mean, estimate.sd) == (3, 2, 1)
    assert (estimate.low, estimate.high) == pytest.approx((2 - half, 2 + half))
    assert (estimate.p_greater, estimate.p_less) == pytest.approx((p, 1 - p))
    # Of 27 resamples one has mean 1 and one has mean 3: 3.7 % each, more than the 2.5 % cut off.
    assert (estimate.boot_low, estimate.boot_high) == (1, 3)


def test_opposite_differences_swap_the_p_values() -> None:
    there, back = estimate_mean([0.3, -0.1, 0.7, 0.2]), estimate_mean([-0.3, 0.1, -0.7, -0.2])
    assert (there.p_greater, there.p_less) == pytest.approx((back.p_less, back.p_greater))
    assert there.boot_low == pytest.approx(-back.boot_high, abs=0.05)


def test_equal_differences_are_left_to_the_sign_test() -> None:
    """Three equal signs have probability 1/8 under the border, whatever the size."""
    up, down, none = estimate_mean([0.1] * 3), estimate_mean([-5.0] * 6), estimate_mean([0.0] * 9)
    assert (up.p_greater, up.p_less) == (1 / 8, 1)
    assert (down.p_greater, down.p_less) == (1, 1 / 64)
    assert (none.p_greater, none.p_less) == (1, 1)
    # Equal but for rounding, as differences of counted images are.
    assert estimate_mean([0.3, 0.1 + 0.2, 0.3]).p_greater == 1 / 8


def test_two_pairs_decide_nothing() -> None:
    two, one, none = estimate_mean([5.0, 5.1]), estimate_mean([5.0]), estimate_mean([])
    assert (two.p_greater, two.p_less, one.p_greater, none.p_greater) == (1, 1, 1, 1)
    assert two.low < 5.05 < two.high
    assert (one.mean, isnan(one.low), isnan(none.mean)) == (5, True, True)


def test_additional_seeds_is_the_smallest_number_that_does() -> None:
    estimate = MeanEstimate(5, 0.5, 1.0)
    more = additional_seeds(lambda n: estimated_power(estimate, n, 0.025), 5)
    assert 25 < 5 + more < 40
    assert estimated_power(estimate, 5 + int(more), 0.025) >= 0.8
    assert estimated_power(estimate, 4 + int(more), 0.025) < 0.8
    assert additional_seeds(lambda n: 1.0, 5) == 1
    assert additional_seeds(lambda n: nan, 5) == inf
    assert (
        additional_seeds(lambda n: estimated_power(MeanEstimate(5, 0.01, 1.0), n, 0.025), 5) == inf
    )


def test_power_of_equal_differences_is_the_sign_tests() -> None:
    """2^-n <= 0.01 from n = 7 on; differences of zero never decide."""
    assert additional_seeds(lambda n: estimated_power(MeanEstimate(4, 0.2, 0.0), n, 0.01), 4) == 3
    assert additional_seeds(lambda n: estimated_power(MeanEstimate(4, 0.0, 0.0), n, 0.01), 4) == inf


def test_sampling_error_is_binomial() -> None:
    """90 % of 900 images: 1 point; two of them independently: sqrt(2) points."""
    assert sampling_error([(1, 0.9, 900)]) == pytest.approx(1)
    assert sampling_error([(1, 0.9, 900), (-1, 0.9, 900)]) == pytest.approx(sqrt(2))
    images = np.random.default_rng(0).binomial(900, 0.9, size=4000) / 9
    assert images.std() == pytest.approx(1, rel=0.05)
