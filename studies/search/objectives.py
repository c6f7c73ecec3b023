"""What the trials of a search came to: a point for each input size, and the front of them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from studies.rundir.trial_log import Trial
from studies.samplers.pareto import Floats
from studies.spec.search import Objective, Search
from trainers import Result

Latencies = Mapping[tuple[str, int], float]
"""Milliseconds by architecture key and input size."""


@dataclass(frozen=True)
class Served:
    """What the network of a trial does at one input size; `values` are in the search's order.

    `accuracies` are the validation accuracies of its finished jobs, whose mean is the value.
    """

    trial: int
    size: int
    accuracies: tuple[float, ...]
    values: tuple[float, ...]


def served(
    search: Search, trial: Trial, results: Mapping[str, Result], latencies: Latencies
) -> list[Served]:
    """The points of a finished trial, the largest size first; none if no job of it finished."""
    by_size: dict[int, list[float]] = {}
    for key in trial.jobs:
        result = results.get(key)
        for point in result.points if result else ():
            if point.trained:
                by_size.setdefault(point.size, []).append(point.validation_accuracy)
    points = []
    for size, accuracies in by_size.items():
        mean = sum(accuracies) / len(accuracies)
        values = tuple(
            mean if name == "accuracy" else cost(search, trial, name, size, latencies)
            for name in search.objectives
        )
        points.append(Served(trial.number, size, tuple(accuracies), values))
    return points


def cost(search: Search, trial: Trial, name: Objective, size: int, latencies: Latencies) -> float:
    """MACs, parameters or milliseconds of a trial's network at a size."""
    if name == "latency":
        return latencies[trial.architecture.key, size]
    # From the space's tables: the same as `measure`, without building the network.
    deployed = search.space.cost(trial.architecture, "deployed", size)
    return float(deployed.macs if name == "macs" else deployed.params)


def minimised(search: Search, points: Sequence[Served]) -> Floats:
    """The points (N, M) with every objective to be low: accuracy with its sign turned."""
    signs = np.array([-1.0 if name == "accuracy" else 1.0 for name in search.objectives])
    values = np.array([point.values for point in points], dtype=float)
    return values.reshape(len(points), len(signs)) * signs


def told(search: Search, points: Sequence[Served]) -> Served:
    """The one point of a trial that stands for it where only one can: in Optuna's study.

    It is the point that dominates most, in hypervolume up to no accuracy at the costs of the
    space's dearest network (twice the trial's own, for other costs than MACs). It depends on
    nothing but the trial, so that a study that is made again is the same. Our fronts use all.
    """
    if len(points) == 1:
        return points[0]
    mine = minimised(search, points)
    reference = [
        0.0 if name == "accuracy" else _dearest(search, name, mine[:, place])
        for place, name in enumerate(search.objectives)
    ]
    return points[int(np.argmax((np.array(reference) - mine).clip(min=0).prod(1)))]


def _dearest(search: Search, name: Objective, own: Floats) -> float:
    if name == "macs":
        # A little above, so that the dearest network itself dominates something.
        return 1.01 * search.space.cost(search.space.extreme("macs", max)).macs
    # Parameters are the same at all sizes, and what latencies there are is not known.
    return 2 * float(own.max())
