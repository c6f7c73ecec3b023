"""What paired differences say of their mean: tests, intervals, correction for many, and power.

A difference is in percentage points, one for each seed. Its mean is tested in both directions by
Student's t, which assumes that differences scatter normally about it; with few seeds no test can do
without such an assumption. Where all differences are equal there is no scatter to go by, and the
sign test takes over: n equal signs have probability 2^-n.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
FAMILY_ERROR = 0.05
"""The probability of one or more wrong decisions in a family of tests."""
MIN_PAIRS = 3
"""With fewer pairs nothing is decided: two differences say next to nothing of their scatter."""
POWER = 0.8
SEEDS_LIMIT = 1000
"""More seeds than this are not worth counting."""
RESAMPLES = 2000
SAME = 1e-9
"""Differences closer than this, in points, are equal but for rounding."""


@dataclass(frozen=True)
class Sample:
    """n paired differences: their mean, sd and intervals in percentage points, and two p-values.

    `low` and `high` are Student's t interval, the `boot` ones the percentile bootstrap's, which is
    too narrow for few pairs. `p_above` is small where the mean is above zero, `p_below` where it is
    below; both are 1 with fewer than `MIN_PAIRS`.
    """

    n: int
    mean: float = nan
    sd: float = nan
    low: float = nan
    high: float = nan
    boot_low: float = nan
    boot_high: float = nan
    p_above: float = 1.0
    p_below: float = 1.0


def sample(differences: Sequence[float]) -> Sample:
    """What the differences, in percentage points, say of their mean."""
    values = np.asarray(differences, dtype=float)
    n = len(values)
    if n < 2:
        return Sample(n, float(values[0]) if n else nan)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / sqrt(n)
    p_above, p_below = _one_sided(mean, sd, n) if n >= MIN_PAIRS else (1.0, 1.0)
    return Sample(n, mean, sd, mean - half, mean + half, *_bootstrap(values), p_above, p_below)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given.

    Rejecting those up to a level keeps the probability of any wrong rejection to that level,
    however the tests depend on each other.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return [float(value) for value in adjusted]


def both_ways(p_values: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Holm over questions with two opposite answers each, given and returned as pairs.

    The family holds both hypotheses of every question, so an answer in the wrong direction is an
    error like any other, and so is any answer where the truth lies on the border.
    """
    flat = holm([p for pair in p_values for p in pair])
    return list(zip(flat[::2], flat[1::2], strict=True))


def power(effect: float, n: int, level: float) -> float:
    """The probability that a one-sided t test at `level` finds a mean of `effect` sd in n pairs."""
    critical = float(stats.t.isf(level, n - 1))
    shift = effect * sqrt(n)
    if shift - critical > 8:
        # The noncentral t loses its digits out here.
        return 1.0
    return float(stats.nct.sf(critical, n - 1, shift))


def sample_power(found: Sample, n: int, level: float) -> float:
    """`power` of n pairs for a mean above zero, if mean and sd are what `found` has."""
    if found.sd > SAME:
        return power(found.mean / found.sd, n, level)
    return float(found.mean > SAME and 0.5**n <= level)


def more_seeds(chance: Callable[[int], float], n: int) -> float:
    """How many pairs beyond n make `chance`, which grows with them, `POWER`; inf beyond the limit.

    At least one: n pairs have not decided.
    """
    low, high = max(n, MIN_PAIRS - 1), n + SEEDS_LIMIT
    if not chance(high) >= POWER:
        return inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) >= POWER else (middle, high)
    return float(high - n)


def sampling_error(accuracies: Sequence[tuple[float, float, float]]) -> float:
    """Standard error, in points, of a weighted sum of accuracies by the draw of the test images.

    Each is (weight, accuracy in [0, 1], images). The binomial error of each, added as if networks
    erred independently; on the same images they err alike, so that a difference has less.
    """
    variance = sum(w * w * accuracy * (1 - accuracy) / n for w, accuracy, n in accuracies)
    return 100 * sqrt(variance)


def known(number: float) -> float | None:
    """None in place of what is not a number."""
    return None if isnan(number) else number


def _one_sided(mean: float, sd: float, n: int) -> tuple[float, float]:
    if sd > SAME:
        t = mean / (sd / sqrt(n))
        return float(stats.t.sf(t, n - 1)), float(stats.t.cdf(t, n - 1))
    if abs(mean) <= SAME:
        return 1.0, 1.0
    return (0.5**n, 1.0) if mean > 0 else (1.0, 0.5**n)


def _bootstrap(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float]:
    """The percentile interval of the mean, from the same resamples each time."""
    picks = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    means = values[picks].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
