"""Inference for the mean of paired differences: intervals, power, sampling error.

A difference is in percentage points, one for each seed. Tests are in `studies.stats.t_tests`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from studies.intervals import t_half_width
from studies.stats.power import POWER, power
from studies.stats.sequential import sequential_half_width, sequential_p
from studies.stats.t_tests import MIN_PAIRS, SAME, one_sided, prefix_p_values

CONFIDENCE = 0.95
SEEDS_LIMIT = 1000
"""More additional seeds than this are not counted."""
RESAMPLES = 2000


@dataclass(frozen=True)
class MeanEstimate:
    """The mean of n values, its sd and intervals in percentage points, and two p-values.

    `low` and `high` are Student's t interval, or the sequential one of a study that is looked at
    after every seed; the `boot` ones are the percentile bootstrap's, which is too narrow for few
    values. `p_greater` is the p-value of "the mean is greater than zero", `p_less` that of "less";
    both are 1 with fewer than `MIN_PAIRS`.
    """

    n: int
    mean: float = nan
    sd: float = nan
    low: float = nan
    high: float = nan
    boot_low: float = nan
    boot_high: float = nan
    p_greater: float = 1.0
    p_less: float = 1.0


def estimate_mean(differences: Sequence[float], max_seeds: int | None = None) -> MeanEstimate:
    """Mean, intervals and one-sided p-values of differences in percentage points.

    With `max_seeds`, the planned maximum, interval and p-values hold though one looks after every
    seed; later differences are left out.
    """
    values = np.asarray(differences, dtype=float)[:max_seeds]
    n = len(values)
    if n < 2:
        return MeanEstimate(n, float(values[0]) if n else nan)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    if max_seeds is None:
        half = float(t_half_width(sd, n, CONFIDENCE))
        p_greater, p_less = one_sided(values)
    else:
        half = sequential_half_width(sd, n, max_seeds, CONFIDENCE)
        p_greater, p_less = (sequential_p(p, max_seeds) for p in prefix_p_values(values))
    interval = (mean - half, mean + half)
    return MeanEstimate(n, mean, sd, *interval, *_bootstrap(values), p_greater, p_less)


def estimated_power(estimate: MeanEstimate, n: int, level: float) -> float:
    """`power` of n pairs for a mean greater than zero, if mean and sd are as estimated."""
    if estimate.sd > SAME:
        return power(estimate.mean / estimate.sd, n, level)
    return float(estimate.mean > SAME and 0.5**n <= level)


def additional_seeds(power_at: Callable[[int], float], n: int) -> float:
    """How many pairs beyond n make `power_at`, which grows with n, `POWER`; inf beyond the limit.

    At least one: n pairs were not enough.
    """
    low, high = max(n, MIN_PAIRS - 1), n + SEEDS_LIMIT
    if not power_at(high) >= POWER:
        return inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= POWER else (middle, high)
    return float(high - n)


def sampling_error(accuracies: Sequence[tuple[float, float, float]]) -> float:
    """Standard error, in points, of a weighted sum of accuracies by the draw of the test images.

    Each is (weight, accuracy in [0, 1], images). The binomial error of each, added as if networks
    erred independently; on the same images they err alike, so that a difference has less.
    """
    variance = sum(w * w * accuracy * (1 - accuracy) / n for w, accuracy, n in accuracies)
    return 100 * sqrt(variance)


def _bootstrap(values: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the mean, from the same resamples each time."""
    picks = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    means = values[picks].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
