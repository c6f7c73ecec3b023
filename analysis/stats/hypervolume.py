"""Hypervolume of a search after a number of jobs, or after an amount of training time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.samplers.pareto import non_dominated

ORDERS = 50
"""Random orders of the jobs that an expectation is a mean over."""
STEPS = 60
"""Numbers of jobs at which hypervolumes are computed."""

HYPERVOLUME_COLUMNS = {
    "run": "the run directory's name, and what was done to its order",
    "jobs": "trainings ended by then, whatever their end; a trial may have several",
    "seconds": "training time spent by then, summed over jobs; missing for a random order",
    "hypervolume": "share of the box between the reference and the ideal point, in [0, 1]",
    "low": "5% quantile over random orders, missing for the run's own order",
    "high": "95% quantile over random orders",
}


@dataclass(frozen=True)
class ReferenceBox:
    """The reference point (`costliest`, `worst`) and the ideal one; accuracies in per cent.

    Costs are on a logarithmic scale.
    """

    cheapest: float
    costliest: float
    worst: float
    best: float = 100.0

    def normalise(
        self, costs: NDArray[np.float64], accuracies: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Costs and errors as shares of the box (N, 2), both to be minimised."""
        low, high = np.log(self.cheapest), np.log(self.costliest)
        cost = (np.log(costs) - low) / ((high - low) or 1.0)
        error = (self.best - accuracies) / (self.best - self.worst)
        return np.column_stack([cost, error])


@dataclass(frozen=True, eq=False)
class SearchTrajectory:
    """The points of a search in the order in which jobs ended.

    `ended[i]` is the number of jobs that had ended with point i, `seconds[t]` the training time
    of the first t + 1 jobs.
    """

    points: NDArray[np.float64]
    ended: NDArray[np.int64]
    seconds: NDArray[np.float64]

    @property
    def jobs(self) -> int:
        """The number of jobs."""
        return len(self.seconds)

    def shuffled(self, generator: np.random.Generator) -> "SearchTrajectory":
        """The same jobs in a random order; training times stay with their places."""
        place = generator.permutation(self.jobs)
        ended = place[self.ended - 1] + 1
        order = np.argsort(ended, kind="stable")
        return SearchTrajectory(self.points[order], ended[order], self.seconds)


def search_trajectory(
    frame: pd.DataFrame, measure: str, cost: str, box: ReferenceBox
) -> SearchTrajectory:
    """The jobs of a search from what `studies.load` gives."""
    rows = frame[frame["trained"].astype(bool)]
    ends = rows.groupby("key").agg(at=("finished_at", "first"), seconds=("seconds", "first"))
    ends = ends.sort_values("at", kind="stable")
    number = pd.Series(np.arange(1, len(ends) + 1), index=ends.index)
    measured = rows[(rows["status"] == "finished") & rows[measure].notna() & rows[cost].notna()]
    ended = measured["key"].map(number).to_numpy(dtype=np.int64)
    points = box.normalise(
        measured[cost].to_numpy(dtype=float), 100 * measured[measure].to_numpy(dtype=float)
    )
    order = np.argsort(ended, kind="stable")
    seconds = ends["seconds"].to_numpy(dtype=float).cumsum()
    return SearchTrajectory(points[order], ended[order], seconds)


def job_counts(jobs: int) -> NDArray[np.int64]:
    """Numbers of jobs from 1 on, closer together at the beginning."""
    return np.unique(np.geomspace(1, jobs, STEPS).round().astype(np.int64))


def hypervolumes(search: SearchTrajectory, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The hypervolume after each of these numbers of jobs."""
    from moocore import hypervolume

    front, first, volumes = np.empty((0, 2)), 0, []
    for count in counts:
        last = int(np.searchsorted(search.ended, count, side="right"))
        if last > first:
            # Only the front is carried on: the whole costs no more than its new points.
            joined = np.vstack([front, search.points[first:last]])
            front = joined[non_dominated(joined, keep_equal=False)]
            first = last
        volumes.append(float(hypervolume(front, ref=[1.0, 1.0])) if len(front) else 0.0)
    return np.array(volumes)


def hypervolume_info(name: str, search: SearchTrajectory) -> pd.DataFrame:
    """The hypervolume of a run in its own order; columns are in `HYPERVOLUME_COLUMNS`."""
    counts = job_counts(search.jobs)
    return pd.DataFrame(
        {
            "run": name,
            "jobs": counts,
            "seconds": search.seconds[counts - 1],
            "hypervolume": hypervolumes(search, counts),
            "low": np.nan,
            "high": np.nan,
        }
    )


def expected_hypervolume_info(name: str, search: SearchTrajectory, seed: int = 0) -> pd.DataFrame:
    """The mean over random orders of the same jobs, and its 5% and 95% quantiles."""
    generator = np.random.default_rng(seed)
    counts = job_counts(search.jobs)
    volumes = np.array([hypervolumes(search.shuffled(generator), counts) for _ in range(ORDERS)])
    low, high = np.quantile(volumes, (0.05, 0.95), axis=0)
    return pd.DataFrame(
        {
            "run": name, "jobs": counts, "seconds": np.nan,
            "hypervolume": volumes.mean(axis=0), "low": low, "high": high,
        }
    )  # fmt: skip
