"""Our sampler: exact costs, a model of accuracy, expected hypervolume improvement.

Candidates are architectures, not parameters: all that are left of a small space; of a large space a
uniform sample and descendants of the front by mutation and crossover. The candidate with the
greatest expected hypervolume improvement (`forecast`), times the probability that its training
succeeds, is proposed. No architecture is proposed twice.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from searchspace.space import Space, moves
from searchspace.space.encoding import Rows
from searchspace.space.tree import RESOLUTIONS
from studies.samplers.architecture_sampler import POINTS, ArchitectureSampler
from studies.samplers.forecast import Forecast, Observations, Points, success_model
from studies.samplers.pareto import Floats, non_dominated

COST_SAMPLE = 1024
"""Architectures drawn to estimate the distribution of costs of a large space."""
NEAREST = 20
"""One architecture in so many, but at least four, counts as near to a cost."""
PARENTS = 16
"""The most architectures of the front that have descendants."""
REFINED, ROUNDS = 4, 2
"""Best candidates whose neighbourhood is searched for better ones, and how often."""


class InformedSampler(ArchitectureSampler):
    """Proposes the architecture with the greatest expected hypervolume improvement."""

    def __init__(
        self, within: Space, seed: int, objectives: Sequence[str], *, startup: int, pool: int
    ) -> None:
        super().__init__(within, seed)
        self.objectives, self.startup, self.pool = tuple(objectives), startup, pool
        self.trained_sizes = {
            option.label: option.sets[RESOLUTIONS].sizes
            if option.sets[RESOLUTIONS] is not None
            else (self.space.input_size,)
            for backbone in self.space.root[0].options
            for option in backbone.then[0].options
        }
        """The input sizes of networks, by the label of their resolutions."""
        self._sample: Rows | None = None

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """Use the model once `startup` architectures are measured; before that, spread costs."""
        proposed = self.proposed(study)
        observed = self.observations(study)
        measured = len(np.unique(observed.points.rows, axis=0))
        if measured < self.startup:
            return self._spread(proposed, trial.number, rng)
        candidates = self._candidates(observed, proposed, rng)
        if not len(candidates):
            return self.within.sample_rows(1, rng)[0]
        forecast = Forecast(
            self.space,
            self.objectives,
            observed,
            self.at_sizes(self._rows_of(study, TrialState.RUNNING))[0],
            self.at_sizes(self.representative_rows())[0],
            rng,
        )
        failed = self._rows_of(study, TrialState.FAIL)
        success = success_model(self.space, observed.points.rows, failed)

        def gains(rows: Rows) -> Floats:
            points, owners = self.at_sizes(rows)
            best = np.zeros(len(rows))
            np.maximum.at(best, owners, forecast.gains(points))
            return best * success(rows)

        return self._best(gains, candidates, proposed, rng)

    def observations(self, study: Study) -> Observations:
        """The objectives of finished trials at each of their sizes; of repeated ones the mean."""
        measured: dict[tuple[bytes, int], list[list[float]]] = {}
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            row = self.row_of(trial)
            if row is not None:
                points = trial.user_attrs.get(POINTS, {self.space.input_size: trial.values})
                for size, values in points.items():
                    measured.setdefault((row, int(size)), []).append(values)
        values = np.array([np.mean(each, axis=0) for each in measured.values()])
        values = values.reshape(len(measured), len(self.objectives))
        counts = np.array([len(each) for each in measured.values()], dtype=float)
        points = Points(
            self._unpacked(row for row, _ in measured),
            np.array([size for _, size in measured], dtype=np.int64),
        )
        return Observations(points, self._minimised(values), counts)

    def at_sizes(self, rows: Rows) -> tuple[Points, NDArray[np.intp]]:
        """Each row once for every size that its network is trained at, and the rows' numbers."""
        labels = self.space.encoding.labels[RESOLUTIONS]
        sizes = {labels[label]: sizes for label, sizes in self.trained_sizes.items()}
        column = rows[:, self.space.encoding.columns[RESOLUTIONS]]
        owners = np.repeat(np.arange(len(rows)), [len(sizes[label]) for label in column.tolist()])
        each = [size for label in column.tolist() for size in sizes[label]]
        return Points(rows[owners], np.array(each, dtype=np.int64)), owners

    def _minimised(self, values: Floats) -> Floats:
        """Minimised objectives: accuracies with the sign changed, and logarithms of costs."""
        columns = [
            -column if name == "accuracy" else np.log1p(column)
            for name, column in zip(self.objectives, values.T, strict=True)
        ]
        return np.stack(columns, 1)

    def _unpacked(self, rows: Iterable[bytes]) -> Rows:
        width = len(self.space.encoding.columns)
        return np.frombuffer(b"".join(rows), dtype=np.int16).reshape(-1, width)

    def _rows_of(self, study: Study, state: TrialState) -> Rows:
        trials = study.get_trials(deepcopy=False, states=(state,))
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
        front = np.unique(observed.points.rows[non_dominated(observed.values)], axis=0)
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
        gains: Callable[[Rows], Floats],
        candidates: Rows,
        proposed: set[bytes],
        rng: Random,
    ) -> Rows:
        """The candidate with the greatest gain, after a search around the best ones."""
        values = gains(candidates)
        for _ in range(ROUNDS if self.enumerated() is None else 0):
            best = candidates[np.argsort(-values, kind="stable")[:REFINED]]
            neighbours = self.new(self._descendants(best, self.pool // 8, rng), proposed)
            candidates = np.concatenate([best, neighbours])
            values = gains(candidates)
        return candidates[rng.choice(np.flatnonzero(values == values.max()).tolist())]


def _van_der_corput(number: int) -> float:
    """The van der Corput sequence: 1/2, 1/4, 3/4, 1/8, ... for 1, 2, 3, 4, ..."""
    return int(f"{number:b}"[::-1], 2) / 2 ** number.bit_length()
