"""The objective values of trials: a point for each input size that is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from searchspace import Architecture
from studies.rundir.trial_table import Trial
from studies.samplers.pareto import Floats
from studies.spec.search import Objective, Search

Latencies = Mapping[tuple[str, int], float]
"""Milliseconds by architecture key and input size."""


@dataclass(frozen=True)
class TrialPoint:
    """The objective values of a trial at one input size, in the order of the search's objectives.

    Its accuracy is the mean validation accuracy of the trial's finished jobs, in [0, 1].
    """

    size: int
    values: tuple[float, ...]


def trial_points(search: Search, trial: Trial, latencies: Latencies) -> list[TrialPoint]:
    """The points of a trial, the largest size first; none if no job of it finished."""
    by_size: dict[int, list[float]] = {}
    for key in trial.jobs:
        result = trial.results.get(key)
        for point in result.points if result else ():
            if point.trained:
                by_size.setdefault(point.size, []).append(point.validation_accuracy)
    points = []
    for size, accuracies in by_size.items():
        mean = sum(accuracies) / len(accuracies)
        values = tuple(
            mean if name == "accuracy" else cost(search, trial.architecture, name, size, latencies)
            for name in search.objectives
        )
        points.append(TrialPoint(size, values))
    return points


def cost(
    search: Search, architecture: Architecture, name: Objective, size: int, latencies: Latencies
) -> float:
    """MACs or parameters of the deployed form, or milliseconds, at an input size."""
    if name == "latency":
        return latencies[architecture.key, size]
    # From the space's tables: the same as `measure`, without building the network.
    deployed = search.space.cost(architecture, "deployed", size)
    return float(deployed.macs if name == "macs" else deployed.params)


def minimised(search: Search, points: Sequence[TrialPoint]) -> Floats:
    """The points (N, M) with all objectives minimised: accuracy has its sign changed."""
    signs = np.array([-1.0 if name == "accuracy" else 1.0 for name in search.objectives])
    values = np.array([point.values for point in points], dtype=float)
    return values.reshape(len(points), len(signs)) * signs


def representative(search: Search, points: Sequence[TrialPoint]) -> TrialPoint:
    """The point of a trial that is stored in Optuna's study, which takes only one.

    It is the point with the largest hypervolume up to the reference of accuracy 0 and the MACs of
    the most expensive architecture of the space (for other costs, twice the trial's own). It
    depends only on the trial, so a study that is made again is the same. Our own fronts use all
    points.
    """
    if len(points) == 1:
        return points[0]
    values = minimised(search, points)
    reference = [
        0.0 if name == "accuracy" else _reference_cost(search, name, values[:, column])
        for column, name in enumerate(search.objectives)
    ]
    return points[int(np.argmax((np.array(reference) - values).clip(min=0).prod(1)))]


def _reference_cost(search: Search, name: Objective, costs: Floats) -> float:
    if name == "macs":
        # A little above, so that the most expensive architecture has some hypervolume itself.
        return 1.01 * search.space.cost(search.space.extreme("macs", max)).macs
    # Parameters are the same at all sizes, and the latencies of the space are not known.
    return 2 * float(costs.max())
