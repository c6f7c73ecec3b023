"""The hypervolume that networks are expected to add to a front."""

import numpy as np
from scipy.special import ndtr

from studies.samplers.pareto import Floats

DRAWN, KEPT = 4096, 512
"""Points drawn in the box and, of those that the front leaves free, used."""


def free_points(
    front: Floats, ideal: Floats, reference: Floats, generator: np.random.Generator
) -> Floats:
    """Points (K, M), uniform in the box from `ideal` to `reference`, that no front point dominates.

    All objectives are to be low.
    """
    drawn = ideal + (reference - ideal) * generator.random((DRAWN, len(ideal)))
    dominated = np.zeros(len(drawn), dtype=bool)
    for point in front:
        dominated |= (point <= drawn).all(1)
    return drawn[~dominated][:KEPT]


def expected_gain(free: Floats, means: Floats, stds: Floats) -> Floats:
    """The expected share of the free points that each network would dominate, shape (N,).

    Objectives (N, M) are independent and normal; a standard deviation of 0 is a known value. This
    is the expected hypervolume improvement, integrated over the free points, in units of the free
    volume.
    """
    chance = np.ones((len(means), len(free)))
    for objective in range(means.shape[1]):
        above = free[None, :, objective] - means[:, None, objective]
        std = stds[:, None, objective]
        with np.errstate(divide="ignore", invalid="ignore"):
            chance *= np.where(std > 0, ndtr(above / std), above >= 0)
    return np.asarray(chance.mean(1) if len(free) else chance.sum(1), dtype=np.float64)
