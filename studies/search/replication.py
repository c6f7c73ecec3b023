"""Which architectures of a search get another seed: those whose place on the front is uncertain.

In each of many draws, the accuracy of each architecture is its mean plus Gaussian noise with its
standard error, and the front is formed anew. An architecture with a clear place is on the front in
almost all draws or in almost none. The next seed goes to the largest share * (1 - share) / n, with
the share of draws on the front and n runs so far. The standard error is computed from the variance
between seeds, pooled over the architectures with several seeds. It is at least that of a proportion
of the validation images.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from studies.rundir.trial_table import Trial, TrialTable
from studies.samplers.pareto import Floats, non_dominated
from studies.search.objectives import TrialPoint
from studies.spec.search import Search

DRAWS = 500


@dataclass(frozen=True)
class ReplicationCandidate:
    """An architecture with its validation accuracies (runs, sizes) and its costs.

    `costs` (sizes, objectives without accuracy) are minimised. `images` is the number of validation
    images.
    """

    key: str
    accuracies: Floats
    costs: Floats
    images: int

    @property
    def runs(self) -> int:
        """How often the architecture was trained."""
        return len(self.accuracies)


def replication_candidates(
    search: Search, table: TrialTable, points_of: Callable[[Trial], Sequence[TrialPoint]]
) -> list[ReplicationCandidate]:
    """Every architecture with a finished run, by key, with all its finished runs."""
    candidates = []
    for key, trials in table.by_architecture().items():
        jobs = dict.fromkeys(job for trial in trials for job in trial.jobs)
        results = [result for job in jobs if (result := table.results.get(job))]
        finished = [result for result in results if result.status == "finished"]
        points = points_of(trials[0])
        if not finished or not points:
            continue
        sizes = [point.size for point in points]
        accuracies = [
            [point.validation_accuracy for point in result.points if point.size in sizes]
            for result in finished
        ]
        costs = [
            [
                value
                for value, name in zip(point.values, search.objectives, strict=True)
                if name != "accuracy"
            ]
            for point in points
        ]
        images = finished[0].points[0].validation_images
        candidates.append(ReplicationCandidate(key, np.array(accuracies), np.array(costs), images))
    return candidates


def front_shares(candidates: Sequence[ReplicationCandidate], seed: int) -> dict[str, float]:
    """The share of draws in which each architecture has a point on the front, by key."""
    generator = np.random.default_rng(seed)
    spread = pooled_deviation(candidates)
    means = np.concatenate([candidate.accuracies.mean(0) for candidate in candidates])
    errors = np.concatenate(
        [np.full(len(each.costs), standard_error(each, spread)) for each in candidates]
    )
    costs = np.concatenate([candidate.costs for candidate in candidates])
    owner = np.repeat(np.arange(len(candidates)), [len(each.costs) for each in candidates])
    counts = np.zeros(len(candidates))
    for _ in range(DRAWS):
        drawn = means + errors * generator.standard_normal(len(means))
        counts[np.unique(owner[non_dominated(np.column_stack([-drawn, costs]))])] += 1
    shares = counts / DRAWS
    return {each.key: float(share) for each, share in zip(candidates, shares, strict=True)}


def pooled_deviation(candidates: Sequence[ReplicationCandidate]) -> float:
    """The standard deviation between seeds, pooled; 0 if no architecture has several seeds."""
    squares = sum(float(each.accuracies.var(0).mean()) * each.runs for each in candidates)
    freedom = sum(candidate.runs - 1 for candidate in candidates)
    return sqrt(squares / freedom) if freedom else 0.0


def standard_error(candidate: ReplicationCandidate, deviation: float) -> float:
    """The standard error of the mean accuracy of an architecture."""
    mean = float(candidate.accuracies.mean())
    sampling = mean * (1 - mean) / candidate.images
    return sqrt(max(deviation**2, sampling) / candidate.runs)


def most_uncertain(candidates: Sequence[ReplicationCandidate], count: int, seed: int) -> list[str]:
    """The keys of at most `count` architectures to replicate next; none if all places are clear."""
    shares = front_shares(candidates, seed)
    scores: Mapping[str, float] = {
        each.key: shares[each.key] * (1 - shares[each.key]) / each.runs for each in candidates
    }
    ranked = sorted(scores, key=lambda key: -scores[key])
    return [key for key in ranked if scores[key] > 0][:count]
