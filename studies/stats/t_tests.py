"""Student's t test of the mean of paired differences, and Holm's correction over many tests.

A difference is in percentage points, one for each seed. The t test assumes that differences scatter
normally about their mean; with few seeds no test can do without such an assumption. Where all
differences are equal there is no scatter to go by, and the sign test takes over: n equal signs have
probability 2^-n.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

FAMILY_ERROR = 0.05
"""The probability of one or more wrong decisions in a family of tests."""
MIN_PAIRS = 3
"""With fewer pairs nothing is tested: two differences say next to nothing of their scatter."""
SAME = 1e-9
"""Differences closer than this, in points, are equal but for rounding."""

Floats = NDArray[np.float64]
"""Of shape (n,), unless it says otherwise."""


def one_sided(differences: Sequence[float] | Floats, border: float = 0.0) -> tuple[float, float]:
    """P-values of "the mean is greater than `border`" and of "less"; 1 below `MIN_PAIRS`."""
    greater, less = prefix_p_values(differences, border)
    return (float(greater[-1]), float(less[-1])) if len(greater) else (1.0, 1.0)


def prefix_p_values(
    differences: Sequence[float] | Floats, border: float = 0.0
) -> tuple[Floats, Floats]:
    """`one_sided` of the first 1, 2, ..., n differences: two arrays of shape (n,)."""
    values = np.asarray(differences, dtype=float) - border
    count = np.arange(1, len(values) + 1)
    mean, sd = _prefix_moments(values, count)
    scattered = sd > SAME
    degrees = np.maximum(count - 1, 1)
    t = np.divide(mean * np.sqrt(count), sd, out=np.zeros_like(mean), where=scattered)
    signs = np.where(np.abs(mean) > SAME, np.sign(mean), 0)
    tested = count >= MIN_PAIRS
    greater, less = (
        np.where(
            tested,
            np.where(scattered, stdtr(degrees, -way * t), np.where(way * signs > 0, 0.5**count, 1)),
            1.0,
        )
        for way in (1, -1)
    )
    return greater, less


def _prefix_moments(values: Floats, count: NDArray[np.int_]) -> tuple[Floats, Floats]:
    """Mean and sd of the first 1, 2, ..., n values; squares are of deviations, to keep digits."""
    mean = np.cumsum(values) / count
    deviations = np.tril(values[None, :] - mean[:, None])
    return mean, np.sqrt((deviations**2).sum(axis=1) / np.maximum(count - 1, 1))


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


def holm_pairs(p_values: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Holm over pairs of opposite one-sided hypotheses, given and returned as pairs.

    The family holds both hypotheses of every pair, so a rejection in the wrong direction is an
    error like any other, and so is any rejection where the truth lies on the border.
    """
    flat = holm([p for pair in p_values for p in pair])
    return list(zip(flat[::2], flat[1::2], strict=True))
