"""The front of accuracy and a cost, and how certain it is: a bootstrap over seeds, attainment."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.points import POINT_COLUMNS, accuracies_by_seed, pooled_spread
from studies.samplers.pareto import non_dominated

DRAWS, LARGE = 1000, 1000
"""Bootstrap draws; a fifth of them for more networks than `LARGE`."""
MAX_STANDARD_ERRORS = 4.0
"""A network further than this many standard errors below a cheaper one is no contender."""
REPLICATES = 100
"""Bootstrap draws that stand for replicates of a front where seeds differ between networks."""
MIN_DEGREES = 3
"""Degrees of freedom between seeds below which their variation is not estimated."""
LEVELS = (10, 50, 90)

FRONT_COLUMNS = POINT_COLUMNS | {
    "run": "the run directory's name",
    "on_front": "whether no network of the run has at least this mean for at most this cost",
}
PROBABILITY_COLUMNS = {
    "name": "what figures call the network",
    "cost": "column of the cost that the front is by",
    "probability": "share of bootstrap draws over seeds in which the network is on the front",
    "n": "number of seeds behind its mean",
    "mean": "mean accuracy in per cent",
    "at_cost": "the network's cost",
}
ATTAINMENT_COLUMNS = {
    "level": "share of the replicates, in per cent, that reach this accuracy at this cost or less",
    "at_cost": "cost",
    "accuracy": "per cent",
}

Floats = NDArray[np.float64]


def front_info(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The points of one task that have this cost, cheapest first, with `on_front`."""
    priced = points[points[cost].notna()].copy()
    if priced.empty:
        return priced.assign(on_front=pd.Series(dtype=bool))
    objectives = np.column_stack([priced[cost], -priced["mean"]]).astype(float)
    priced["on_front"] = non_dominated(objectives)
    return priced.sort_values([cost, "mean"], kind="stable")


def bootstrap_means(
    values: pd.DataFrame, pool: pd.DataFrame | None = None, seed: int = 0
) -> tuple[Floats, str] | None:
    """Mean accuracies (draws, points) of seeds drawn with replacement, and what was drawn in words.

    `values` has a row for each point and a column for each seed. If all points have all seeds,
    these are drawn for all of them at once, so that what seeds share stays shared. Else deviations
    are drawn from those of all replicated points of `pool`, by default of `values`. Deviations are
    scaled by sqrt(n / (n - 1)), as they are from the mean of the same n values. None with fewer
    than `MIN_DEGREES` degrees of freedom.
    """
    deviations, n = _deviations(values)
    pooled, counts = _deviations(values if pool is None else pool)
    if (counts - 1).clip(min=0).sum() < MIN_DEGREES:
        return None
    generator = np.random.default_rng(seed)
    draws = DRAWS if len(n) <= LARGE else DRAWS // 5
    means = np.nanmean(values.to_numpy(dtype=float), axis=1)
    if (n == values.shape[1]).all():
        seeds = generator.integers(values.shape[1], size=(draws, values.shape[1]))
        drawn = deviations[:, seeds].mean(axis=2).T
        return means + drawn, f"the {values.shape[1]} seeds, for all networks at once"
    replicated = pooled[counts > 1]
    drawn = np.empty((draws, len(n)))
    for count in np.unique(n):
        places = np.flatnonzero(n == count)
        picks = generator.choice(replicated[~np.isnan(replicated)], (draws, len(places), count))
        drawn[:, places] = picks.mean(axis=2)
    how = f"deviations between seeds, pooled over the {(counts > 1).sum()} replicated points"
    return means + drawn, how


def _deviations(values: pd.DataFrame) -> tuple[Floats, NDArray[np.int64]]:
    """Each value less its row's mean, times sqrt(n / (n - 1)), and the numbers n of values."""
    matrix = values.to_numpy(dtype=float)
    n = (~np.isnan(matrix)).sum(axis=1)
    scale = np.sqrt(n / np.maximum(n - 1, 1))[:, None]
    return (matrix - np.nanmean(matrix, axis=1)[:, None]) * scale, n


def contenders(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The points that could be on the front, given the spread between seeds."""
    priced = points[points[cost].notna()].sort_values(cost, kind="stable")
    spread, _ = pooled_spread(priced["n"].to_numpy(), priced["sd"].to_numpy(dtype=float))
    if priced.empty or np.isnan(spread):
        return priced
    margin = MAX_STANDARD_ERRORS * spread / np.sqrt(priced["n"].to_numpy(dtype=float))
    mean = priced["mean"].to_numpy(dtype=float)
    lower_bound = np.maximum.accumulate(mean - margin)
    return priced[mean + margin >= lower_bound]


def front_probabilities(means: Floats, costs: Floats) -> Floats:
    """For each point, the share of draws, the rows of `means`, in which none dominates it."""
    draws, count = means.shape
    objectives = np.column_stack([np.tile(costs, draws), -means.ravel()])
    on_front = non_dominated(objectives, sets=np.repeat(np.arange(draws), count))
    share: Floats = on_front.reshape(draws, count).mean(axis=0)
    return share


def front_probability_info(
    frame: pd.DataFrame, measure: str, points: pd.DataFrame, cost: str
) -> tuple[pd.DataFrame, str]:
    """Contenders with their probability of being on the front, and what was drawn; may be empty.

    `frame` is what `studies.load` gives, `points` are those of one task; columns are documented in
    `PROBABILITY_COLUMNS`.
    """
    candidates = contenders(points, cost)
    values = accuracies_by_seed(frame, measure, points)
    drawn = bootstrap_means(values.loc[candidates.index], values) if len(candidates) else None
    if drawn is None:
        return pd.DataFrame(columns=list(PROBABILITY_COLUMNS)), ""
    means, how = drawn
    costs = candidates[cost].to_numpy(dtype=float)
    info = candidates.assign(
        cost=cost, at_cost=costs, probability=front_probabilities(means, costs)
    )
    return info.sort_values("probability", ascending=False, kind="stable"), how


def attainment_surface(
    costs: Floats, means: Floats, levels: tuple[int, ...] = LEVELS
) -> pd.DataFrame:
    """Accuracies (replicates, points) to the accuracy that a share of replicates attains.

    Columns are documented in `ATTAINMENT_COLUMNS` (Grunert da Fonseca et al., 2001).
    """
    from moocore import eaf, filter_dominated_within_sets

    sets, count = means.shape
    data = np.column_stack(
        [np.tile(costs, sets), -means.ravel(), np.repeat(np.arange(sets), count)]
    )
    data = data[~np.isnan(data).any(axis=1)]
    fronts = filter_dominated_within_sets(data)
    surface = eaf(fronts[:, :2], sets=fronts[:, 2], percentiles=list(levels))
    return pd.DataFrame(
        {"level": surface[:, 2], "at_cost": surface[:, 0], "accuracy": -surface[:, 1]}
    ).sort_values(["level", "at_cost"], ignore_index=True)


def attainment_info(
    frame: pd.DataFrame, measure: str, points: pd.DataFrame, cost: str
) -> tuple[pd.DataFrame, str] | None:
    """The attainment surface of the contenders, and what a replicate is, in words.

    A replicate is a seed if all contenders have all seeds, else a bootstrap draw. None if nothing
    can be drawn.
    """
    candidates = contenders(points, cost)
    every_point = accuracies_by_seed(frame, measure, points)
    values = every_point.loc[candidates.index]
    costs = candidates[cost].to_numpy(dtype=float)
    if values.notna().to_numpy().all():
        how = f"a replicate is one of the {values.shape[1]} seeds"
        return attainment_surface(costs, values.to_numpy().T), how
    drawn = bootstrap_means(values, every_point)
    if drawn is None:
        return None
    means, what = drawn
    how = f"a replicate is one of {REPLICATES} bootstrap draws of {what}"
    return attainment_surface(costs, means[:REPLICATES]), how
