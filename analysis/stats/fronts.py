"""The front of accuracy and a cost, and how certain it is: a bootstrap over seeds, attainment."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.accuracy import MIN_DEGREES, Floats, LogitMeans, Shrunken
from analysis.stats.points import POINT_COLUMNS, accuracy_rows, logits_by_seed
from studies.samplers.pareto import non_dominated

DRAWS, LARGE = 1000, 1000
"""Bootstrap draws; a fifth of them for more networks than `LARGE`."""
MAX_STANDARD_ERRORS = 4.0
"""A network further than this many standard errors below a cheaper one is no contender."""
LEVELS = (10, 50, 90)

FRONT_COLUMNS = POINT_COLUMNS | {
    "run": "the run directory's name",
    "label": "backbone, choices and their slots (stages 1 and 3: @1,3); above 1,000 networks only "
    "of those on the front",
    "on_front": "whether no network of the run has at least this mean for at most this cost",
}
PROBABILITY_COLUMNS = {
    "name": "what figures call the network",
    "cost": "column of the cost that the front is by",
    "probability": "share of bootstrap draws over seeds, around shrunken means, in which the "
    "network is on the front",
    "n": "number of seeds behind its mean",
    "mean": "mean accuracy in per cent",
    "at_cost": "the network's cost",
}
ATTAINMENT_COLUMNS = {
    "level": "per cent of new trainings of one network of this cost or less that reach the "
    "accuracy",
    "at_cost": "cost",
    "accuracy": "per cent",
}


def front_info(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The points of one task that have this cost, cheapest first, with `on_front`."""
    priced = points[points[cost].notna()].copy()
    if priced.empty:
        return priced.assign(on_front=pd.Series(dtype=bool))
    objectives = np.column_stack([priced[cost], -priced["mean"]]).astype(float)
    priced["on_front"] = non_dominated(objectives)
    return priced.sort_values([cost, "mean"], kind="stable")


def bootstrap_deviations(
    values: pd.DataFrame, pool: pd.DataFrame | None = None, seed: int = 0
) -> tuple[Floats, str] | None:
    """Errors of means (draws, points) of seeds drawn with replacement, and what was drawn in words.

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
    if (n == values.shape[1]).all():
        seeds = generator.integers(values.shape[1], size=(draws, values.shape[1]))
        drawn = deviations[:, seeds].mean(axis=2).T
        return drawn, f"the {values.shape[1]} seeds, for all networks at once"
    replicated = pooled[counts > 1]
    drawn = np.empty((draws, len(n)))
    for count in np.unique(n):
        places = np.flatnonzero(n == count)
        picks = generator.choice(replicated[~np.isnan(replicated)], (draws, len(places), count))
        drawn[:, places] = picks.mean(axis=2)
    how = f"deviations between seeds, pooled over the {(counts > 1).sum()} replicated points"
    return drawn, how


def _deviations(values: pd.DataFrame) -> tuple[Floats, NDArray[np.int64]]:
    """Each value less its row's mean, times sqrt(n / (n - 1)), and the numbers n of values."""
    matrix = values.to_numpy(dtype=float)
    n = (~np.isnan(matrix)).sum(axis=1)
    scale = np.sqrt(n / np.maximum(n - 1, 1))[:, None]
    return (matrix - np.nanmean(matrix, axis=1)[:, None]) * scale, n


def contenders(costs: Floats, shrunken: Shrunken) -> NDArray[np.int64]:
    """The numbers of the points that could be on the front, cheapest first."""
    order = np.argsort(costs, kind="stable")
    centre, margin = shrunken.centre[order], MAX_STANDARD_ERRORS * shrunken.sd[order]
    lower_bound = np.maximum.accumulate(centre - margin)
    return order[centre + margin >= lower_bound]


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
    `PROBABILITY_COLUMNS`. Draws are around shrunken means: noise added to the means themselves
    would count the luck of the best ones twice.
    """
    priced, values, shrunken = _shrunken(frame, measure, points, cost)
    if shrunken is None:
        return pd.DataFrame(columns=list(PROBABILITY_COLUMNS)), ""
    costs = priced[cost].to_numpy(dtype=float)
    kept = contenders(costs, shrunken)
    drawn = bootstrap_deviations(values.iloc[kept], values)
    if drawn is None:
        return pd.DataFrame(columns=list(PROBABILITY_COLUMNS)), ""
    deviations, how = drawn
    means = shrunken.centre[kept] + shrunken.factor[kept] * deviations
    info = priced.iloc[kept].assign(
        cost=cost, at_cost=costs[kept], probability=front_probabilities(means, costs[kept])
    )
    return info.sort_values("probability", ascending=False, kind="stable"), how


def attainment_info(
    frame: pd.DataFrame, measure: str, points: pd.DataFrame, cost: str
) -> tuple[pd.DataFrame, str] | None:
    """Accuracies that new trainings attain at a cost or less, and what they come from, in words.

    For each level, the best network within a cost: the one of which that share of new trainings
    reaches most. The maximum is over networks, not over noise, so the middle surface is nowhere
    above the best shrunken mean. None if the spread between seeds is not known.
    """
    priced, _, shrunken = _shrunken(frame, measure, points, cost)
    if shrunken is None:
        return None
    costs = priced[cost].to_numpy(dtype=float)
    surfaces = [
        attainment_surface(costs, shrunken.new_training(level / 100)).assign(level=level)
        for level in LEVELS
    ]
    measured = shrunken.measured
    how = (
        f"from the spread between seeds of {(measured.n > 1).sum()} replicated points "
        f"({measured.degrees} degrees of freedom) around shrunken means"
    )
    return pd.concat(surfaces, ignore_index=True)[list(ATTAINMENT_COLUMNS)], how


def attainment_surface(costs: Floats, accuracies: Floats) -> pd.DataFrame:
    """The highest accuracy at each cost or less, where it rises; from the cheapest on."""
    order = np.lexsort((-accuracies, costs))
    highest = np.maximum.accumulate(accuracies[order])
    rises = np.diff(highest, prepend=-np.inf) > 0
    return pd.DataFrame({"at_cost": costs[order][rises], "accuracy": highest[rises]})


def _shrunken(
    frame: pd.DataFrame, measure: str, points: pd.DataFrame, cost: str
) -> tuple[pd.DataFrame, pd.DataFrame, Shrunken | None]:
    """The points that have this cost, their logits by seed, and their shrunken means."""
    priced = points[points[cost].notna()]
    if priced.empty:
        return priced, pd.DataFrame(), None
    values = logits_by_seed(accuracy_rows(frame, measure), priced)
    return priced, values, LogitMeans.of(values).shrunken()
