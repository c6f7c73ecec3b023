"""Our sampler: exact costs, a model of accuracy, expected hypervolume improvement.

MACs and parameters are known exactly before training, so only accuracy and latency are modelled.
Candidates are architectures, not parameters: all that are left of a small space; of a large space a
uniform sample and descendants of the front by mutation and crossover. The candidate with the
greatest expected hypervolume improvement is proposed (Emmerich et al., CEC 2011). No architecture
is proposed twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from searchspace.space import Space, moves
from searchspace.space.encoding import Rows
from studies.samplers.architecture_sampler import ArchitectureSampler
from studies.samplers.gain import expected_gain, free_points
from studies.samplers.pareto import Floats, by_rank, non_dominated
from studies.samplers.surrogate import Surrogate, Views

KNOWN_COSTS = {"macs": 0, "params": 1}
"""Objectives that are known exactly, by their index in the prices of a space."""
COST_SAMPLE = 1024
"""Architectures drawn to estimate the distribution of costs of a large space."""
NEAREST = 20
"""One architecture in so many, but at least four, counts as near to a cost."""
PARENTS = 16
"""The most architectures of the front that have descendants."""
MAX_OBSERVED = 512
"""The most architectures that the model is made from: its time grows with the cube of them."""
REFINED, ROUNDS = 4, 2
"""Best candidates whose neighbourhood is searched for better ones, and how often."""


@dataclass(frozen=True)
class Observations:
    """Distinct architectures (N, columns), mean minimised objectives (N, M) and counts (N,)."""

    rows: Rows
    values: Floats
    counts: Floats

    def thinned(self, most: int) -> "Observations":
        """At most so many of these, in order: half of them the best, half evenly from the rest."""
        if len(self.rows) <= most:
            return self
        best, rest = np.split(by_rank(self.values), [most // 2])
        spread = np.sort(rest)[np.linspace(0, len(rest) - 1, most - len(best)).astype(int)]
        kept = np.sort(np.concatenate([best, spread]))
        return Observations(self.rows[kept], self.values[kept], self.counts[kept])


class InformedSampler(ArchitectureSampler):
    """Proposes the architecture with the greatest expected hypervolume improvement."""

    def __init__(
        self, within: Space, seed: int, objectives: Sequence[str], *, startup: int, pool: int
    ) -> None:
        super().__init__(within, seed)
        self.objectives, self.startup, self.pool = tuple(objectives), startup, pool
        self.views = Views(self.space)
        self._sample: Rows | None = None

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """Use the model once `startup` architectures are measured; before that, spread costs."""
        proposed = self.proposed(study)
        observed = self.observations(study)
        if len(observed.rows) < self.startup:
            return self._spread(proposed, trial.number, rng)
        candidates = self._candidates(observed, proposed, rng)
        if not len(candidates):
            return self.within.sample_rows(1, rng)[0]
        return self._best(observed, candidates, proposed, self._running(study), rng)

    def observations(self, study: Study) -> Observations:
        """The objectives of finished trials; of repeated architectures the mean."""
        measured: dict[bytes, list[list[float]]] = {}
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            row = self.row_of(trial)
            if row is not None:
                measured.setdefault(row, []).append(trial.values)
        values = np.array([np.mean(each, axis=0) for each in measured.values()])
        values = values.reshape(len(measured), len(self.objectives))
        counts = np.array([len(each) for each in measured.values()], dtype=float)
        return Observations(self._unpacked(measured), self._minimised(values), counts)

    def _minimised(self, values: Floats) -> Floats:
        """Minimised objectives: accuracies with the sign changed, and logarithms of costs."""
        columns = [
            -column if name == "accuracy" else np.log1p(column)
            for name, column in zip(self.objectives, values.T, strict=True)
        ]
        return np.stack(columns, 1)

    def _unpacked(self, rows: Iterator[bytes] | dict[bytes, list[list[float]]]) -> Rows:
        width = len(self.space.encoding.columns)
        return np.frombuffer(b"".join(rows), dtype=np.int16).reshape(-1, width)

    def _running(self, study: Study) -> Rows:
        trials = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return self._unpacked(row for trial in trials if (row := self.row_of(trial)) is not None)

    def representative_rows(self) -> Rows:
        """All architectures of a small space; of a large one a sample that shows its costs."""
        enumerated = self.enumerated()
        if enumerated is not None:
            return enumerated
        if self._sample is None:
            self._sample = self.within.sample_rows(COST_SAMPLE, Random(self.seed))
        return self._sample

    def _spread(self, proposed: set[bytes], number: int, rng: Random) -> Rows:
        """An architecture near a quantile of the MACs: 1/2, 1/4, 3/4, 1/8, ..."""
        rows = self.representative_rows()
        order = rows[np.argsort(self.space.price(rows)[0], kind="stable")]
        left = self.new(order, proposed)
        rows = left if len(left) else order
        near = min(len(rows), max(4, len(rows) // NEAREST))
        first = round(_van_der_corput(number + 1) * (len(rows) - near))
        return rows[first + rng.randrange(near)]

    def _candidates(self, observed: Observations, proposed: set[bytes], rng: Random) -> Rows:
        enumerated = self.enumerated()
        if enumerated is not None:
            return self.new(enumerated, proposed)
        front = observed.rows[non_dominated(observed.values)]
        descendants = self._descendants(front, self.pool // 2, rng)
        drawn = self.within.sample_rows(self.pool - self.pool // 2, rng)
        return self.new(np.concatenate([descendants, drawn]), proposed)

    def _descendants(self, parents: Rows, count: int, rng: Random) -> Rows:
        """Children of random parents by crossover and one or two mutations, within the limits."""
        root, encoding = self.space.root, self.space.encoding
        chosen = rng.sample(range(len(parents)), min(PARENTS, len(parents)))
        paths = [encoding.path(parents[i]) for i in chosen]
        children = []
        for _ in range(count):
            path = rng.choice(paths)
            if len(paths) > 1 and rng.random() < 0.3:
                path = moves.crossover(root, path, rng.choice(paths), rng)
            for _ in range(rng.choice((1, 1, 2))):
                path = moves.mutate(root, path, rng)
            children.append(encoding.row(path))
        rows = np.array(children, dtype=np.int16)
        return rows[self.within.fits(rows)]

    def _best(
        self,
        observed: Observations,
        candidates: Rows,
        proposed: set[bytes],
        running: Rows,
        rng: Random,
    ) -> Rows:
        """The candidate with the greatest gain, after a search around the best ones."""
        forecast = Forecast(self, observed.thinned(MAX_OBSERVED), running, rng)
        gains = forecast.gains(candidates)
        for _ in range(ROUNDS if self.enumerated() is None else 0):
            best = candidates[np.argsort(-gains, kind="stable")[:REFINED]]
            neighbours = self.new(self._descendants(best, self.pool // 8, rng), proposed)
            candidates = np.concatenate([best, neighbours])
            gains = forecast.gains(candidates)
        return candidates[int(gains.argmax())]

    def predict(self, models: dict[int, Surrogate], rows: Rows) -> tuple[Floats, Floats]:
        """Means and standard deviations, each (N, M); the deviation of an exact cost is 0."""
        means, stds = np.zeros((2, len(rows), len(self.objectives)))
        prices = np.stack(self.space.price(rows), 1)
        for i, name in enumerate(self.objectives):
            if name in KNOWN_COSTS:
                means[:, i] = np.log1p(prices[:, KNOWN_COSTS[name]])
            else:
                means[:, i], stds[:, i] = models[i].predict(rows)
        return means, stds

    def means(self, models: dict[int, Surrogate], rows: Rows) -> Floats:
        """The means (N, M) that `predict` gives."""
        prices = np.stack(self.space.price(rows), 1)
        columns = [
            np.log1p(prices[:, KNOWN_COSTS[name]]) if name in KNOWN_COSTS else models[i].mean(rows)
            for i, name in enumerate(self.objectives)
        ]
        return np.stack(columns, 1)


class Forecast:
    """Expected improvements of the front of the measured and the running architectures."""

    def __init__(
        self, sampler: InformedSampler, observed: Observations, running: Rows, rng: Random
    ) -> None:
        self.sampler = sampler
        self.models = self._models(observed, {})
        if len(running):
            # A running trial counts as if it gave its mean, so that the next is sought elsewhere.
            expected = sampler.means(self.models, running)
            observed = Observations(
                np.concatenate([observed.rows, running]),
                np.concatenate([observed.values, expected]),
                np.concatenate([observed.counts, np.ones(len(running))]),
            )
            self.models = self._models(observed, self.models)
        # The front is that of the predicted means: a single measurement may be lucky.
        predicted = sampler.means(self.models, observed.rows)
        representative = sampler.means(self.models, sampler.representative_rows())
        values = np.concatenate([predicted, representative])
        reference = values.max(0) + 1e-9
        ideal = values.min(0) - 0.1 * np.ptp(values, axis=0)
        front = predicted[non_dominated(predicted, keep_equal=False)]
        generator = np.random.default_rng(rng.getrandbits(64))
        self.free = free_points(front, ideal, reference, generator)

    def _models(
        self, observed: Observations, earlier: dict[int, Surrogate]
    ) -> dict[int, Surrogate]:
        return {
            i: Surrogate(
                self.sampler.views,
                observed.rows,
                observed.values[:, i],
                observed.counts,
                earlier[i].hyperparameters if earlier else None,
            )
            for i, name in enumerate(self.sampler.objectives)
            if name not in KNOWN_COSTS
        }

    def gains(self, rows: Rows) -> Floats:
        """Expected hypervolume improvements, shape (N,)."""
        return expected_gain(self.free, *self.sampler.predict(self.models, rows))


def _van_der_corput(number: int) -> float:
    """The van der Corput sequence: 1/2, 1/4, 3/4, 1/8, ... for 1, 2, 3, 4, ..."""
    return int(f"{number:b}"[::-1], 2) / 2 ** number.bit_length()
