"""Expected hypervolume improvement by Monte Carlo integration; all objectives are minimised."""

import numpy as np
from scipy.special import ndtr

from studies.samplers.pareto import Floats

DRAWN, USED = 4096, 512
"""Points drawn in the box, and the most non-dominated ones used for the integral."""


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

    This is the expected hypervolume improvement in units of the free volume. Objectives (N, M) are
    independent and normal; a standard deviation of 0 is a known value.
    """
    probability = np.ones((len(means), len(free)))
    for objective in range(means.shape[1]):
        above = free[None, :, objective] - means[:, None, objective]
        std = stds[:, None, objective]
        with np.errstate(divide="ignore", invalid="ignore"):
            probability *= np.where(std > 0, ndtr(above / std), above >= 0)
    return np.asarray(probability.mean(1) if len(free) else probability.sum(1), dtype=np.float64)
