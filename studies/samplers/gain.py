"""Expected hypervolume improvement (Emmerich et al., CEC 2011); all objectives are minimised.

Objectives are independent and normal; a standard deviation of 0 is a known value. Of two objectives
the improvement has a closed form, of more it is integrated by Monte Carlo.
"""

import numpy as np
from scipy.special import ndtr

from studies.samplers.pareto import Floats

DRAWN, USED = 4096, 512
"""Points drawn in the box, and the most non-dominated ones used for the integral."""


def gain_of_two(front: Floats, reference: Floats, means: Floats, stds: Floats) -> Floats:
    """The expected improvement of a front (K, 2) by each of N points, shape (N,), exactly.

    `reference` (2,) bounds the volume and is dominated by the front's points.
    """
    first, second = front[np.argsort(front[:, 1])].T
    # Between two points of the front the first objective has one bound, which a new point lowers.
    bounds = np.concatenate([reference[:1], first])
    depths = expected_excess(bounds, means[:, :1], stds[:, :1])
    widths = expected_excess(np.append(second, reference[1]), means[:, 1:], stds[:, 1:])
    return np.asarray((depths * np.diff(widths, prepend=0)).sum(1), dtype=np.float64)


def expected_excess(bounds: Floats, means: Floats, stds: Floats) -> Floats:
    """E[max(bound - value, 0)] of normal values (N, 1) below each bound (K,): shape (N, K)."""
    distance = bounds - means
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = distance / stds
        density = np.exp(-0.5 * scaled**2) / np.sqrt(2 * np.pi)
        excess = distance * ndtr(scaled) + stds * density
    return np.where(stds > 0, excess, distance.clip(min=0))


def free_points(
    front: Floats, ideal: Floats, reference: Floats, generator: np.random.Generator
) -> Floats:
    """Points (K, M) uniform in the box `ideal` to `reference` that no front point dominates."""
    drawn = ideal + (reference - ideal) * generator.random((DRAWN, len(ideal)))
    dominated = np.zeros(len(drawn), dtype=bool)
    for point in front:
        dominated |= (point <= drawn).all(1)
    return drawn[~dominated][:USED]


def expected_gain(free: Floats, means: Floats, stds: Floats) -> Floats:
    """The expected share of the free points that each architecture would dominate, shape (N,).

    This is the expected improvement in units of the free volume. `means` and `stds` are (N, M).
    """
    probability = np.ones((len(means), len(free)))
    for objective in range(means.shape[1]):
        above = free[None, :, objective] - means[:, None, objective]
        std = stds[:, None, objective]
        with np.errstate(divide="ignore", invalid="ignore"):
            probability *= np.where(std > 0, ndtr(above / std), above >= 0)
    return np.asarray(probability.mean(1) if len(free) else probability.sum(1), dtype=np.float64)
