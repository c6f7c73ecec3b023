"""Tests that may be looked at after every seed, up to a planned maximum of seeds.

The error of a test is spent over its looks (Lan and DeMets 1983): of a level a, the first n of at
most N seeds may spend a (n/N)^3, Kim and DeMets' power family (1987). A look compares the p-value
of the t test with a threshold, found so that under the null hypothesis the share spent is just
that. Thresholds are computed for a normal walk (Armitage, McPherson and Rowe 1969, by quadrature);
the t statistics of few seeds cross them up to 1.25 times as often, so the level is divided by that.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from scipy.special import ndtr, stdtrit

from searchspace.checks import check_integer
from studies.stats.t_tests import MIN_PAIRS, Floats

MAX_SEEDS = 100
"""The largest planned maximum of seeds."""
SPENDING_POWER = 3
T_ALLOWANCE = 1.25
"""By how much t statistics of 3 to 100 seeds exceed the level of normal ones, at most."""
LEVELS = np.geomspace(1e-7, 0.5, 48)
"""Levels of the table from which sequential p-values are read; smaller ones are given as 1e-7."""
NODES, WEIGHTS = leggauss(160)


def check_max_seeds(max_seeds: int) -> None:
    """Raise an InputError unless thresholds can be computed for so many seeds."""
    check_integer(MIN_PAIRS, MAX_SEEDS, max_seeds=max_seeds)


def sequential_p(p_values: Sequence[float] | Floats, max_seeds: int) -> float:
    """The p-value of a test that was looked at after each of the first seeds.

    `p_values` are those of the t test on the first 1, 2, ... seeds; the result is the smallest
    level at which one of the looks so far has rejected. It never rises as seeds are added, so that
    the probability that it ever falls to a level is at most that level.
    """
    check_max_seeds(max_seeds)
    looks = np.asarray(p_values, dtype=float)[MIN_PAIRS - 1 : max_seeds]
    table = _table(max_seeds)
    smallest = 1.0
    for p, column in zip(looks, table.T, strict=False):
        if p <= column[-1]:
            log_p = np.log(max(float(p), np.finfo(float).tiny))
            smallest = min(smallest, float(np.exp(np.interp(log_p, np.log(column), LOG_LEVELS))))
    return smallest


LOG_LEVELS = np.log(LEVELS)


def sequential_half_width(sd: float, n: int, max_seeds: int, confidence: float) -> float:
    """Half the width of the repeated confidence interval of a mean after n of at most N seeds.

    All intervals, after each seed, cover the true mean with probability `confidence`.
    """
    check_max_seeds(max_seeds)
    if n < MIN_PAIRS:
        return float("nan")
    n = min(n, max_seeds)
    level = thresholds((1 - confidence) / 2, max_seeds)[n - MIN_PAIRS]
    return float(-stdtrit(n - 1, level) * sd / np.sqrt(n))


@lru_cache(maxsize=64)
def thresholds(level: float, max_seeds: int) -> Floats:
    """The largest one-sided p-value that rejects, at looks after 3, 4, ..., `max_seeds` seeds."""
    normal = level / T_ALLOWANCE
    looks = np.arange(MIN_PAIRS, max_seeds + 1)
    spent = normal * (looks / max_seeds) ** SPENDING_POWER
    found = np.empty(len(looks))
    upper, nodes, mass = np.inf, np.zeros(1), np.ones(1)
    step = MIN_PAIRS
    for i, (n, share) in enumerate(zip(looks, np.diff(spent, prepend=0.0), strict=True)):
        # The walk is below its bounds so far with density `mass` at `nodes`; a step is normal.
        upper = _bound(nodes, mass, share, step)
        lower = -6.5 * np.sqrt(n)
        after = (NODES + 1) / 2 * (upper - lower) + lower
        kernel = np.exp(-((after[:, None] - nodes) ** 2) / (2 * step)) / np.sqrt(2 * np.pi * step)
        mass = (kernel @ mass) * WEIGHTS * (upper - lower) / 2
        nodes, step = after, 1
        found[i] = ndtr(-upper / np.sqrt(n))
    found.flags.writeable = False
    return found


def _bound(nodes: Floats, mass: Floats, share: float, variance: int) -> float:
    """The bound that a step of this variance crosses with probability `share`."""
    scale = np.sqrt(variance)

    def excess(bound: float) -> float:
        return float(np.log(mass @ ndtr((nodes - bound) / scale)) - np.log(share))

    top = float(nodes[-1])
    return float(brentq(excess, -6.5 * scale, top + 30 * scale, xtol=1e-9))


@lru_cache(maxsize=8)
def _table(max_seeds: int) -> Floats:
    """Thresholds for `LEVELS`, shape (levels, looks)."""
    return np.array([thresholds(float(level), max_seeds) for level in LEVELS])
