"""Our sampler: it uses what a space knows of its networks before any is trained.

MACs and parameters are priced exactly, so only accuracy (and latency) is modelled. Candidates are
networks, not answers: all that are left of a small space; of a large one a uniform sample and
descendants of the front by mutation and crossing. The one with the greatest expected gain in
hypervolume is proposed (Emmerich et al., CEC 2011), and none is proposed twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from searchspace.space import Within, moves
from searchspace.space.encoding import Rows
from studies.samplers.gain import expected_gain, free_points
from studies.samplers.pareto import Floats, non_dominated
from studies.samplers.planned import Planned
from studies.samplers.surrogate import Surrogate, Views

PRICED = {"macs": 0, "params": 1}
"""Objectives that are known, by their place in prices."""
SPREAD = 1024
"""Networks drawn to see what a large space costs."""
NEAR = 20
"""One in so many networks is near enough to a cost that is aimed at, four at least."""
PARENTS = 16
REFINED, ROUNDS = 4, 2
"""The best candidates, and how often their neighbourhood is searched for better ones."""


@dataclass(frozen=True)
class Measured:
    """Distinct networks as rows, the means of their objectives, all to be low, and counts."""

    rows: Rows
    values: Floats
    counts: Floats


class InformedSampler(Planned):
    """Proposes the network with the greatest expected gain in hypervolume."""

    def __init__(
        self, within: Within, seed: int, objectives: Sequence[str], *, startup: int, pool: int
    ) -> None:
        super().__init__(within, seed)
        self.objectives, self.startup, self.pool = tuple(objectives), startup, pool
        self.views = Views(self.space)
        self._sample: Rows | None = None

    def choose(self, study: Study, trial: FrozenTrial, rng: Random) -> Rows:
        """By the model once `startup` networks are measured, before that spread over the costs."""
        known = self.known(study)
        measured = self.measured(study)
        if len(measured.rows) < self.startup:
            return self._spread(known, trial.number, rng)
        candidates = self._candidates(measured, known, rng)
        if not len(candidates):
            return self.within.sample_rows(1, rng)[0]
        return self._best(measured, candidates, known, self._running(study), rng)

    def measured(self, study: Study) -> Measured:
        """What finished trials measured; of a network with several, the mean."""
        found: dict[bytes, list[list[float]]] = {}
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            row = self.row_of(trial)
            if row is not None:
                found.setdefault(row, []).append(trial.values)
        values = np.array([np.mean(each, axis=0) for each in found.values()])
        values = values.reshape(len(found), len(self.objectives))
        counts = np.array([len(each) for each in found.values()], dtype=float)
        return Measured(self._unpacked(found), self._low(values), counts)

    def _low(self, values: Floats) -> Floats:
        """Values as objectives to be low: negative accuracies, and logarithms of all costs."""
        columns = [
            -column if name == "accuracy" else np.log1p(column)
            for name, column in zip(self.objectives, values.T, strict=True)
        ]
        return np.stack(columns, 1)

    def _unpacked(self, rows: Iterator[bytes] | dict[bytes, list[list[float]]]) -> Rows:
        width = len(self.space.layout.columns)
        return np.frombuffer(b"".join(rows), dtype=np.int16).reshape(-1, width)

    def _running(self, study: Study) -> Rows:
        trials = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return self._unpacked(row for trial in trials if (row := self.row_of(trial)) is not None)

    def typical(self) -> Rows:
        """All networks, or as many as tell what a large space costs."""
        listed = self.listed()
        if listed is not None:
            return listed
        if self._sample is None:
            self._sample = self.within.sample_rows(SPREAD, Random(self.seed))
        return self._sample

    def _spread(self, known: set[bytes], number: int, rng: Random) -> Rows:
        """A network near a quantile of the costs: the middle, the quarters, the eighths, ..."""
        rows = self.typical()
        order = rows[np.argsort(self.space.price(rows)[0], kind="stable")]
        left = self.fresh(order, known)
        rows = left if len(left) else order
        near = min(len(rows), max(4, len(rows) // NEAR))
        first = round(_halving(number + 1) * (len(rows) - near))
        return rows[first + rng.randrange(near)]

    def _candidates(self, measured: Measured, known: set[bytes], rng: Random) -> Rows:
        listed = self.listed()
        if listed is not None:
            return self.fresh(listed, known)
        front = measured.rows[non_dominated(measured.values)]
        families = self._descendants(front, self.pool // 2, rng)
        drawn = self.within.sample_rows(self.pool - self.pool // 2, rng)
        return self.fresh(np.concatenate([families, drawn]), known)

    def _descendants(self, parents: Rows, count: int, rng: Random) -> Rows:
        """Children of random parents, by one or two mutations or a crossing, within the limits."""
        root, layout = self.space.root, self.space.layout
        chosen = rng.sample(range(len(parents)), min(PARENTS, len(parents)))
        paths = [layout.path(parents[i]) for i in chosen]
        children = []
        for _ in range(count):
            path = rng.choice(paths)
            if len(paths) > 1 and rng.random() < 0.3:
                path = moves.cross(root, path, rng.choice(paths), rng)
            for _ in range(rng.choice((1, 1, 2))):
                path = moves.mutate(root, path, rng)
            children.append(layout.row(path))
        rows = np.array(children, dtype=np.int16)
        return rows[self.within.fits(rows)]

    def _best(
        self, measured: Measured, candidates: Rows, known: set[bytes], running: Rows, rng: Random
    ) -> Rows:
        """The candidate with the greatest gain, after a search around the best ones."""
        forecast = Forecast(self, measured, running, rng)
        gains = forecast.gains(candidates)
        for _ in range(ROUNDS if self.listed() is None else 0):
            best = candidates[np.argsort(-gains, kind="stable")[:REFINED]]
            near = self.fresh(self._descendants(best, self.pool // 8, rng), known)
            candidates = np.concatenate([best, near])
            gains = forecast.gains(candidates)
        return candidates[int(gains.argmax())]

    def predicted(self, models: dict[int, Surrogate], rows: Rows) -> tuple[Floats, Floats]:
        """Means and standard deviations (N, objectives); 0 for what is known."""
        means, stds = np.zeros((2, len(rows), len(self.objectives)))
        prices = np.stack(self.space.price(rows), 1)
        for i, name in enumerate(self.objectives):
            if name in PRICED:
                means[:, i] = np.log1p(prices[:, PRICED[name]])
            else:
                means[:, i], stds[:, i] = models[i].predict(rows)
        return means, stds


class Forecast:
    """What networks are expected to add to the front of those measured and running."""

    def __init__(
        self, sampler: InformedSampler, measured: Measured, running: Rows, rng: Random
    ) -> None:
        self.sampler = sampler
        self.models = self._models(measured, {})
        if len(running):
            # What runs will have its mean, so that others are looked for elsewhere.
            expected, _ = sampler.predicted(self.models, running)
            measured = Measured(
                np.concatenate([measured.rows, running]),
                np.concatenate([measured.values, expected]),
                np.concatenate([measured.counts, np.ones(len(running))]),
            )
            self.models = self._models(measured, self.models)
        # The front as the model sees it: a single measurement may have been lucky.
        smooth, _ = sampler.predicted(self.models, measured.rows)
        typical, _ = sampler.predicted(self.models, sampler.typical())
        everything = np.concatenate([smooth, typical])
        reference = everything.max(0) + 1e-9
        ideal = everything.min(0) - 0.1 * np.ptp(everything, axis=0)
        front = smooth[non_dominated(smooth, keep_equal=False)]
        generator = np.random.default_rng(rng.getrandbits(64))
        self.free = free_points(front, ideal, reference, generator)

    def _models(self, measured: Measured, before: dict[int, Surrogate]) -> dict[int, Surrogate]:
        return {
            i: Surrogate(
                self.sampler.views,
                measured.rows,
                measured.values[:, i],
                measured.counts,
                before[i].settings if before else None,
            )
            for i, name in enumerate(self.sampler.objectives)
            if name not in PRICED
        }

    def gains(self, rows: Rows) -> Floats:
        """Expected gains, shape (N,)."""
        return expected_gain(self.free, *self.sampler.predicted(self.models, rows))


def _halving(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, ... for 1, 2, 3, 4, ...: the van der Corput sequence."""
    return int(f"{number:b}"[::-1], 2) / 2 ** number.bit_length()
