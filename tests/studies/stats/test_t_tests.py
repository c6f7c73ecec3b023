from itertools import combinations

import numpy as np
import pytest

from studies.stats.t_tests import holm, holm_pairs, one_sided, prefix_p_values


def slow_holm(p: list[float]) -> list[float]:
    """By closed testing with Bonferroni: the largest adjusted p of all subsets with the test."""
    indices = range(len(p))
    adjusted = []
    for i in indices:
        subsets = (s for k in range(1, len(p) + 1) for s in combinations(indices, k) if i in s)
        adjusted.append(max(min(1.0, len(s) * min(p[j] for j in s)) for s in subsets))
    return adjusted


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_bonferroni_closed_testing(seed: int) -> None:
    p = list(np.random.default_rng(seed).beta(0.4, 2, size=6).round(3))
    p[1] = p[4]
    assert holm(p) == pytest.approx(slow_holm(p))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm_pairs([(0.01, 0.99), (0.02, 0.98)]) == [(0.04, 1), (0.06, 1)]


def test_prefixes_are_tests_of_the_first_differences() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 12)
    for border in (0.0, -0.5, 0.5):
        greater, less = prefix_p_values(values, border)
        for n in range(1, 13):
            assert (greater[n - 1], less[n - 1]) == pytest.approx(one_sided(values[:n], border))
    assert one_sided([]) == (1, 1)


def test_a_border_is_where_the_null_hypothesis_ends() -> None:
    """Equal differences go by the sign test on that side of the border."""
    assert one_sided([0.2] * 4, border=0.5) == (1, 1 / 16)
    assert one_sided([0.2] * 4, border=-0.5) == (1 / 16, 1)
    assert one_sided([0.2] * 4, border=0.2) == (1, 1)
    assert one_sided([1.0, 2.0, 3.0], 1.0) == pytest.approx(one_sided([0.0, 1.0, 2.0]))
