"""The power of t tests on paired differences; the smallest difference that a design can tell."""

from math import inf, sqrt

from scipy import stats
from scipy.optimize import brentq

from studies.spec.ablation import Design
from studies.stats.sequential import thresholds
from studies.stats.t_tests import FAMILY_ERROR, MIN_PAIRS

POWER = 0.8


def power(effect: float, n: int, level: float) -> float:
    """The probability that a one-sided t test at `level` finds a mean of `effect` sd in n pairs."""
    critical = float(stats.t.isf(level, n - 1))
    shift = effect * sqrt(n)
    if shift - critical > 8:
        # The noncentral t loses its digits out here.
        return 1.0
    return float(stats.nct.sf(critical, n - 1, shift))


def smallest_difference(sd: float, seeds: int, level: float) -> float:
    """The true difference that a one-sided t test finds with `POWER`, in the units of `sd`.

    Infinite with fewer seeds than are tested.
    """
    if seeds < MIN_PAIRS:
        return inf
    low, high = 0.0, 1.0
    while power(high, seeds, level) < POWER:
        low, high = high, 2 * high
    return sd * float(brentq(lambda effect: power(effect, seeds, level) - POWER, low, high))


def first_level(design: Design) -> float:
    """The level of the first test of Holm's method over all that the design compares.

    It tests claims, or every arm against the baseline if there are none, in both directions.
    """
    claims = len(design.claims) or max(1, len(design.arms) - 1)
    return FAMILY_ERROR / (2 * claims * len(design.tasks))


def design_difference(design: Design, sd: float) -> float:
    """The smallest difference in points that a design can tell, given the sd of one.

    With a planned maximum of seeds, that which the last look tells; earlier ones tell some of them.
    """
    level = first_level(design)
    if design.max_seeds is None:
        return smallest_difference(sd, design.seeds, level)
    last = float(thresholds(level, design.max_seeds)[-1])
    return smallest_difference(sd, design.max_seeds, last)
