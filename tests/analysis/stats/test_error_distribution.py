import numpy as np
import pytest
from scipy import stats

from analysis.stats.error_distribution import (
    DISTRIBUTION_COLUMNS,
    effects_frame,
    error_distribution,
    operator_effects,
)


def test_a_distribution_counts_what_is_at_most_an_error() -> None:
    found = error_distribution([30.0, 10.0, 20.0, 20.0])
    assert found.errors.tolist() == [10, 20, 20, 30]
    assert found.share.tolist() == [0.25, 0.75, 0.75, 1]
    # For one value the largest deviation of the distribution is at least 1/2: 0.975 covers 95 %.
    assert error_distribution([5.0]).low == pytest.approx([1 - 0.975])


def test_the_band_covers_the_whole_distribution_in_95_of_100_samples() -> None:
    generator = np.random.default_rng(0)
    missed = 0
    for _ in range(1000):
        found = error_distribution(generator.normal(20, 3, 30))
        true = stats.norm.cdf(found.errors, 20, 3)
        # Just below an error the share is that of the one before.
        below = np.array([found.high[0] - 1 / 30, *found.high[:-1]])
        missed += bool((true < found.low).any() or (true > below).any())
    assert 0.03 < missed / 1000 < 0.08


def test_operators_that_change_errors_are_found_and_corrected() -> None:
    generator = np.random.default_rng(1)
    operators = [
        {name for name in ("good", "idle") if generator.random() < 0.5} for _ in range(200)
    ]
    operators[0].add("rare")
    errors = np.array([generator.normal(20 - 4 * ("good" in own), 3) for own in operators])
    macs = np.array([1e6 * (1 + ("good" in own)) for own in operators])
    first, second = operator_effects(operators, errors, macs)
    assert (first.operator, first.significant) == ("good", True)
    assert (second.operator, second.significant) == ("idle", False)
    assert first.macs == (2e6, 1e6)
    assert first.p_holm == pytest.approx(2 * first.p)
    has = np.array(["good" in own for own in operators])
    assert first.distance == stats.ks_2samp(errors[has], errors[~has]).statistic
    frame = effects_frame([first, second])
    assert list(frame) == list(DISTRIBUTION_COLUMNS)
    assert frame["networks_with"][0] + frame["networks_without"][0] == 200
    assert frame["median_error_with"][0] < frame["median_error_without"][0] - 2
    assert operator_effects([set()] * 30, errors[:30], macs[:30]) == []
