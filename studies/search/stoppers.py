"""The state of early stopping: which trials go on, pause, stop or are promoted.

All objectives are minimised, and the first one is the error. A network with several input sizes
reports a point for each; its rank is that of its best point. Decisions depend only on the reports
and their order, so the state is restored by recording the same reports again.
"""

from collections.abc import Sequence

import numpy as np

from searchspace import InputError
from studies.execution.job_queue import Decision
from studies.samplers.pareto import Floats, Order

Points = Sequence[Sequence[float]]
"""One or several points of a trial, each a sequence of minimised objectives."""


class Stopper:
    """Sees the reports of all trials and decides about each; this one lets every trial go on."""

    objectives = 0
    """The number of objectives, known from the first report."""

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs at which a trial may be paused."""
        return ()

    @property
    def paused(self) -> tuple[str, ...]:
        """Trials that were paused and not promoted since."""
        return ()

    def report(self, trial: str, epoch: int, points: Points) -> Decision:
        """Record the points of a trial after `epoch` (from 1) and decide about it.

        An epoch reported again, after a crash, changes nothing.
        """
        self.record(trial, epoch, points)
        return self.decide(trial, epoch)

    def record(self, trial: str, epoch: int, points: Points) -> None:
        """Record a report without a decision.

        A trial whose last report is at a rung is then paused there. A trial whose last report is
        between rungs is not: it has to be continued.
        """
        values = _checked(points)
        if values.shape[1] != (self.objectives or values.shape[1]):
            raise InputError(
                f"a report must have {self.objectives} objectives as those before, got {points!r}"
            )
        self.objectives = values.shape[1]
        self._record(trial, epoch, values)

    def decide(self, trial: str, epoch: int) -> Decision:
        """Decide about a trial whose last report is at `epoch`."""
        return "continue"

    def promote(self) -> str | None:
        """Promote a paused trial, which is then no longer paused, or give None."""
        return None

    def remove(self, trial: str) -> None:
        """Never promote this trial, which has ended; its reports still count."""

    def _record(self, trial: str, epoch: int, points: Floats) -> None:
        """Record a valid report."""


class AshaStopper(Stopper):
    """Pauses a trial at each rung unless it is among the best there."""

    def __init__(self, rungs: Sequence[int], factor: int, order: Order) -> None:
        self.factor, self.order = factor, order
        self.reports: dict[int, dict[str, Floats]] = {rung: {} for rung in rungs}
        self.promoted: dict[int, set[str]] = {rung: set() for rung in rungs}
        self.removed: set[str] = set()

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs at which a trial may be paused."""
        return tuple(self.reports)

    @property
    def paused(self) -> tuple[str, ...]:
        """Trials that were paused and not promoted since, the highest rung first."""
        paused: list[str] = []
        for rung in reversed(self.reports):
            gone = self.promoted[rung] | self.removed
            paused += [trial for trial in self.reports[rung] if trial not in gone]
        return tuple(paused)

    def best(self, rung: int) -> list[str]:
        """The best 1 / factor of the trials that have reached a rung, rounded down."""
        reports = self.reports[rung]
        count = len(reports) // self.factor
        if count == 0:
            return []
        trials = [trial for trial, points in reports.items() for _ in points]
        ranked = self.order(np.concatenate(list(reports.values())))
        return list(dict.fromkeys(trials[row] for row in ranked))[:count]

    def decide(self, trial: str, epoch: int) -> Decision:
        """Pause at a rung unless the trial is among the best there or was promoted before."""
        if epoch not in self.reports or trial in self.promoted[epoch]:
            return "continue"
        if trial not in self.best(epoch):
            return "pause"
        self.promoted[epoch].add(trial)
        return "continue"

    def promote(self) -> str | None:
        """Promote the best paused trial of the highest rung at which one is among the best."""
        for rung in reversed(self.reports):
            for trial in self.best(rung):
                if trial not in self.promoted[rung] | self.removed:
                    self.promoted[rung].add(trial)
                    return trial
        return None

    def remove(self, trial: str) -> None:
        """Never promote this trial, which has ended; its reports still count."""
        self.removed.add(trial)

    def _record(self, trial: str, epoch: int, points: Floats) -> None:
        for rung, promoted in self.promoted.items():
            if rung < epoch and trial in self.reports[rung]:
                promoted.add(trial)
        if epoch in self.reports:
            self.reports[epoch].setdefault(trial, points)


class MedianStopper(Stopper):
    """Stops a trial that is worse than half of the trials whose costs are no greater."""

    def __init__(self, min_epochs: int, max_epochs: int, min_trials: int) -> None:
        self.min_epochs, self.max_epochs, self.min_trials = min_epochs, max_epochs, min_trials
        self.errors: dict[str, dict[int, float]] = {}
        self.costs: dict[str, Floats] = {}

    def decide(self, trial: str, epoch: int) -> Decision:
        """Stop if the least error so far is above the median of the others' mean errors."""
        if not self.min_epochs <= epoch < self.max_epochs:
            return "continue"
        means = [
            float(np.mean([errors[e] for e in errors if e <= epoch]))
            for other, errors in self.errors.items()
            if other != trial
            and max(errors) >= epoch
            and (self.costs[other] <= self.costs[trial]).all()
        ]
        if len(means) < self.min_trials:
            return "continue"
        least = min(error for e, error in self.errors[trial].items() if e <= epoch)
        return "stop" if least > np.median(means) else "continue"

    def _record(self, trial: str, epoch: int, points: Floats) -> None:
        self.errors.setdefault(trial, {}).setdefault(epoch, float(points[0, 0]))
        self.costs.setdefault(trial, points[0, 1:])


def _checked(points: Points) -> Floats:
    values = np.array(points, dtype=float)
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
        raise InputError(f"a report needs one or more points of finite objectives, got {points!r}")
    return values
