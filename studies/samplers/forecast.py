"""What untrained networks promise: models of the measured objectives and the expected gain.

MACs and parameters are known exactly before training, so only accuracy and latency are modelled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from searchspace.space import Space
from searchspace.space.encoding import Rows
from studies.samplers.gain import expected_gain, free_points, gain_of_two
from studies.samplers.pareto import Floats, by_rank, non_dominated
from studies.samplers.surrogate import Surrogate

KNOWN_COSTS = {"macs": 0, "params": 1}
"""Objectives that are known exactly, by their index in the prices of a space."""
MAX_OBSERVED = 512
"""The most observations that models are made from: their time grows with the cube of it."""


@dataclass(frozen=True)
class Points:
    """Networks as rows (N, columns), each at one input size (N,), in pixels."""

    rows: Rows
    sizes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: NDArray[np.intp]) -> "Points":
        return Points(self.rows[chosen], self.sizes[chosen])

    def log_costs(self, space: Space) -> Floats:
        """Logarithms of MACs and parameters at each point's size, shape (N, 2)."""
        costs = np.zeros((len(self), 2))
        for size in np.unique(self.sizes):
            here = self.sizes == size
            costs[here] = np.stack(space.price(self.rows[here], size=int(size)), 1)
        return np.log1p(costs)


@dataclass(frozen=True)
class Observations:
    """Distinct points, their mean minimised objectives (N, M) and the number of runs of each."""

    points: Points
    values: Floats
    counts: Floats

    def thinned(self, most: int) -> "Observations":
        """At most so many of these, in order: half of them the best, half evenly from the rest."""
        if len(self.points) <= most:
            return self
        best, rest = np.split(by_rank(self.values), [most // 2])
        spread = np.sort(rest)[np.linspace(0, len(rest) - 1, most - len(best)).astype(int)]
        kept = np.sort(np.concatenate([best, spread]))
        return Observations(self.points[kept], self.values[kept], self.counts[kept])


class Forecast:
    """Expected improvements of the front of the measured and the running networks.

    `representative` points show which costs and accuracies there are in the space.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[str],
        observed: Observations,
        running: Points,
        representative: Points,
        rng: Random,
    ) -> None:
        self.space, self.objectives = space, objectives
        observed = self._without_collapses(observed.thinned(MAX_OBSERVED))
        self.models = self._models(observed, {})
        if len(running):
            # A running trial counts as if it gave its mean, so that the next is sought elsewhere.
            observed = Observations(
                Points(
                    np.concatenate([observed.points.rows, running.rows]),
                    np.concatenate([observed.points.sizes, running.sizes]),
                ),
                np.concatenate([observed.values, self.means(running)]),
                np.concatenate([observed.counts, np.ones(len(running))]),
            )
            self.models = self._models(observed, self.models)
        # The front is that of the predicted means: a single measurement may be lucky.
        predicted = self.means(observed.points)
        values = np.concatenate([predicted, self.means(representative)])
        self.reference = values.max(0) + 1e-9
        self.front = predicted[non_dominated(predicted, keep_equal=False)]
        self.free: Floats | None = None
        if len(objectives) != 2:
            ideal = values.min(0) - 0.1 * np.ptp(values, axis=0)
            generator = np.random.default_rng(rng.getrandbits(64))
            self.free = free_points(self.front, ideal, self.reference, generator)

    def gains(self, points: Points) -> Floats:
        """Expected hypervolume improvements, shape (N,), up to a factor."""
        means, stds = self.predict(points)
        if self.free is None:
            return gain_of_two(self.front, self.reference, means, stds)
        return expected_gain(self.free, means, stds)

    def predict(self, points: Points) -> tuple[Floats, Floats]:
        """Means and standard deviations, each (N, M); the deviation of an exact cost is 0."""
        means, stds = np.zeros((2, len(points), len(self.objectives)))
        costs = points.log_costs(self.space)
        for i, name in enumerate(self.objectives):
            if name in KNOWN_COSTS:
                means[:, i] = costs[:, KNOWN_COSTS[name]]
            else:
                means[:, i], stds[:, i] = self.models[i].predict(*self._views(points, costs))
        return means, stds

    def means(self, points: Points) -> Floats:
        """The means (N, M) that `predict` gives."""
        costs = points.log_costs(self.space)
        columns = [
            costs[:, KNOWN_COSTS[name]]
            if name in KNOWN_COSTS
            else self.models[i].mean(*self._views(points, costs))
            for i, name in enumerate(self.objectives)
        ]
        return np.stack(columns, 1)

    def _views(self, points: Points, costs: Floats) -> tuple[Floats, Floats]:
        return self.space.encoding.one_hot(points.rows), costs

    def _models(
        self, observed: Observations, earlier: dict[int, Surrogate]
    ) -> dict[int, Surrogate]:
        costs = observed.points.log_costs(self.space)
        return {
            i: Surrogate(
                self._views(observed.points, costs),
                observed.values[:, i],
                observed.counts,
                earlier[i].hyperparameters if earlier else None,
            )
            for i, name in enumerate(self.objectives)
            if name not in KNOWN_COSTS
        }

    def _without_collapses(self, observed: Observations) -> Observations:
        """The observations, with errors of collapsed networks lowered to what is usual."""
        values = observed.values.copy()
        column = list(self.objectives).index("accuracy")
        log_macs = observed.points.log_costs(self.space)[:, KNOWN_COSTS["macs"]]
        values[:, column] = winsorised(values[:, column], log_macs)
        return replace(observed, values=values)


def winsorised(errors: Floats, costs: Floats) -> Floats:
    """Errors (N,), each at most Tukey's upper fence around a robust line over costs (N,).

    A few networks that learned nothing would otherwise take up the scale of a model. The line is
    Theil and Sen's, and does not rise; the fence is 1.5 interquartile ranges above the upper
    quartile of the residuals.
    """
    # Commands that only print help or a list need not wait for this import.
    from scipy.stats import theilslopes

    slope = min(float(theilslopes(errors, costs).slope), 0.0) if np.ptp(costs) > 0 else 0.0
    residuals = errors - slope * costs
    low, high = np.percentile(residuals, [25, 75])
    return np.asarray(np.minimum(errors, slope * costs + high + 1.5 * (high - low)))


def success_model(space: Space, finished: Rows, failed: Rows) -> Callable[[Rows], Floats]:
    """Gives the probability, shape (N,), that the training of each of N rows will not fail.

    Logistic regression on options and logarithms of costs: a lack of memory depends on the size of
    a network, a divergence on its operators. 1 where none has failed, or none has finished.
    """
    if not (len(finished) and len(failed)):
        return lambda rows: np.ones(len(rows))
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def features(chosen: Rows) -> Floats:
        costs = np.log1p(np.stack(space.price(chosen), 1))
        return np.concatenate([space.encoding.one_hot(chosen), costs], 1)

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(
        features(np.concatenate([finished, failed])),
        np.repeat([1, 0], [len(finished), len(failed)]),
    )
    return lambda rows: np.asarray(model.predict_proba(features(rows))[:, 1], dtype=np.float64)
