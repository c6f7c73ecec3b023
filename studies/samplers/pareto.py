"""Pareto dominance and total orders of points; all objectives are minimised."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Order = Callable[[Floats], NDArray[np.intp]]
"""Points (N, M) from best to worst, as N row numbers."""


def non_dominated(
    points: Floats, *, keep_equal: bool = True, sets: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Whether each point (N, M) is dominated by no other: a mask of shape (N,).

    Of equal non-dominated points all are marked, or only the first unless `keep_equal`. With `sets`
    (N,) points are compared only with those of the same set.
    """
    # Commands that only print help or a list need not wait for this import.
    import moocore

    if len(points) == 0:
        return np.zeros(0, dtype=bool)
    if sets is None:
        mask = moocore.is_nondominated(points, keep_weakly=keep_equal)
    else:
        mask = moocore.is_nondominated_within_sets(points, sets=sets, keep_weakly=keep_equal)
    return np.asarray(mask, dtype=bool)


def by_error(points: Floats) -> NDArray[np.intp]:
    """Sort by the first objective; equal points stay in order."""
    return np.argsort(points[:, 0], kind="stable")


def by_fronts(points: Floats) -> NDArray[np.intp]:
    """Sort by non-domination rank, and within a rank by the epsilon-net."""
    ranks = _ranks(points)
    return np.concatenate(
        [rows[epsilon_net(points[rows])] for rows in _rows_by_rank(ranks)] or [by_error(points)]
    )


def by_rank(points: Floats) -> NDArray[np.intp]:
    """Sort by non-domination rank; points of the same rank stay in order."""
    return np.argsort(_ranks(points), kind="stable")


def _ranks(points: Floats) -> NDArray[np.int64]:
    """The non-domination rank of each point, from 0."""
    if points.shape[1] == 1:
        return np.unique(points[:, 0], return_inverse=True)[1].astype(np.int64)
    import moocore

    return np.asarray(moocore.pareto_rank(points), dtype=np.int64)


def _rows_by_rank(ranks: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(ranks == rank) for rank in range(int(ranks.max(initial=-1)) + 1)]


def epsilon_net(points: Floats) -> NDArray[np.intp]:
    """Greedy farthest-point order, from the point with the least first objective; (N,) row numbers.

    Distances are Euclidean. Each objective is scaled to [0, 1] over `points`, so the order does not
    depend on units. Ties go to the first point.
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
