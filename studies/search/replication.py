"""Which networks of a search deserve another seed: those whose place on the front is uncertain.

In each of many draws every network's accuracy is its mean plus Gaussian noise of its standard
error, and the front is formed anew. The share of draws in which a network is on the front is close
to 0 or 1 where its place is clear. The next seed goes to the largest share * (1 - share) / n, n
being the network's runs so far. The standard error comes from the spread between seeds, pooled over
networks with several, but is at least that of a proportion of the validation images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from studies.samplers.pareto import Floats, non_dominated

DRAWS = 500


@dataclass(frozen=True)
class Candidate:
    """A network with all its runs, and its costs, all to be low.

    `accuracies` is (runs, sizes), `costs` (sizes, objectives without accuracy).
    """

    name: str
    accuracies: Floats
    costs: Floats
    images: int

    @property
    def runs(self) -> int:
        """How often it was trained."""
        return len(self.accuracies)


def front_shares(candidates: Sequence[Candidate], seed: int) -> dict[str, float]:
    """The share of draws in which each network has a point on the front."""
    generator = np.random.default_rng(seed)
    spread = pooled(candidates)
    means = np.concatenate([one.accuracies.mean(0) for one in candidates])
    errors = np.concatenate(
        [np.full(len(one.costs), standard_error(one, spread)) for one in candidates]
    )
    costs = np.concatenate([one.costs for one in candidates])
    owner = np.repeat(np.arange(len(candidates)), [len(one.costs) for one in candidates])
    hits = np.zeros(len(candidates))
    for _ in range(DRAWS):
        drawn = means + errors * generator.standard_normal(len(means))
        hits[np.unique(owner[non_dominated(np.column_stack([-drawn, costs]))])] += 1
    shares = hits / DRAWS
    return {one.name: float(share) for one, share in zip(candidates, shares, strict=True)}


def pooled(candidates: Sequence[Candidate]) -> float:
    """The standard deviation between seeds, over all networks with several; 0 if none has."""
    squares = sum(float(one.accuracies.var(0).mean()) * one.runs for one in candidates)
    freedom = sum(one.runs - 1 for one in candidates)
    return sqrt(squares / freedom) if freedom else 0.0


def standard_error(candidate: Candidate, spread: float) -> float:
    """Of the mean accuracy of a network."""
    mean = float(candidate.accuracies.mean())
    sampling = mean * (1 - mean) / candidate.images
    return sqrt(max(spread**2, sampling) / candidate.runs)


def most_contested(candidates: Sequence[Candidate], count: int, seed: int) -> list[str]:
    """The names of at most `count` networks that deserve a run most; none if all is clear."""
    shares = front_shares(candidates, seed)
    scores: Mapping[str, float] = {
        one.name: shares[one.name] * (1 - shares[one.name]) / one.runs for one in candidates
    }
    ranked = sorted(scores, key=lambda name: -scores[name])
    return [name for name in ranked if scores[name] > 0][:count]
