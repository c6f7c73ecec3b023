"""Points of several objectives, all to be low, in order from best to worst."""

from collections.abc import Callable

import moocore
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Order = Callable[[Floats], NDArray[np.intp]]
"""Points (N, M) from best to worst, as N row numbers."""


def by_error(points: Floats) -> NDArray[np.intp]:
    """By the first objective; equal points stay in order."""
    return np.argsort(points[:, 0], kind="stable")


def by_fronts(points: Floats) -> NDArray[np.intp]:
    """Front after front, each in the order of its epsilon-net."""
    ranks = _fronts(points)
    return np.concatenate(
        [found[epsilon_net(points[found])] for found in _members(ranks)] or [by_error(points)]
    )


def _fronts(points: Floats) -> NDArray[np.int64]:
    """The front that each point is on, from 0."""
    if points.shape[1] == 1:
        return np.unique(points[:, 0], return_inverse=True)[1].astype(np.int64)
    return np.asarray(moocore.pareto_rank(points), dtype=np.int64)


def _members(ranks: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(ranks == rank) for rank in range(int(ranks.max(initial=-1)) + 1)]


def epsilon_net(points: Floats) -> NDArray[np.intp]:
    """The point of least error, then again and again the one farthest from those taken.

    Distances are Euclidean after each objective is scaled to [0, 1] over `points`, which makes the
    order independent of units. Of equally far points the first is taken.
    """
    low, span = points.min(0), np.ptp(points, axis=0)
    scaled = (points - low) / np.where(span > 0, span, 1.0)
    taken = [int(np.lexsort(points.T[::-1])[0])]
    nearest = np.full(len(points), np.inf)
    while len(taken) < len(points):
        nearest = np.minimum(nearest, np.linalg.norm(scaled - scaled[taken[-1]], axis=1))
        nearest[taken] = -1.0
        taken.append(int(nearest.argmax()))
    return np.array(taken, dtype=np.intp)
