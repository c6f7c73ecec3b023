"""When a trial goes on, waits or ends: promotion between rungs, with no scheduler around it.

Epochs are compared at rungs: the levels `min_epochs * factor ** k` below the full length. ASHA (Li
et al., MLSys 2020) lets a trial beyond a rung if it is among the best 1 / factor of those that have
reached it; the others wait there, for they may come to be among them as worse ones arrive. MO-ASHA
(Schmucker et al., arXiv 2106.12639) does the same with several objectives: trials are ordered by
non-dominated sorting, and within a front by an epsilon-net, so that those kept are spread over it.
As in both papers the best 1 / factor is of those seen so far: what was promoted early stays so.

Objectives are to be low, the first is the error; a trial with several points (a network of several
input sizes) reports them all and takes the place of the best of them in the order of all points.
Everything follows from the reports in their order, so it is rebuilt by reporting them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from searchspace import InputError
from searchspace.checks import check_integer
from searchspace.schema import from_json
from studies.samplers.pareto import Floats, Order, by_error, by_fronts

Decision = Literal["continue", "pause", "stop"]
Points = Sequence[Sequence[float]]
"""One or several points of a trial, each a sequence of objectives that are to be low."""


@dataclass(frozen=True)
class Rungs:
    """Settings of a way to end trials early; `start` begins to watch trials of `max_epochs`."""

    kind: ClassVar[str] = "none"

    def start(self, max_epochs: int) -> "Watch":
        """A watch that has seen nothing yet; an InputError if there is no room for a rung."""
        check_integer(1, max_epochs=max_epochs)
        return Watch()


@dataclass(frozen=True)
class Halving(Rungs):
    """ASHA on the error alone: the first rung is at `min_epochs`, each next at `factor` times it.

    The best 1 / `factor` of a rung go on.
    """

    min_epochs: int = 1
    factor: int = 3

    kind: ClassVar[str] = "asha"
    order: ClassVar[Order] = staticmethod(by_error)

    def __post_init__(self) -> None:
        check_integer(1, min_epochs=self.min_epochs)
        check_integer(2, factor=self.factor)

    def levels(self, max_epochs: int) -> tuple[int, ...]:
        """The epochs of the rungs, all below `max_epochs`."""
        found = []
        level = self.min_epochs
        while level < max_epochs:
            found.append(level)
            level *= self.factor
        return tuple(found)

    def start(self, max_epochs: int) -> "Watch":
        """A watch that has seen nothing yet; an InputError if there is no room for a rung."""
        _room(self.min_epochs, max_epochs)
        return HalvingWatch(self.levels(max_epochs), self.factor, type(self).order)


@dataclass(frozen=True)
class FrontHalving(Halving):
    """MO-ASHA: as ASHA, with the order of non-dominated sorting over all objectives."""

    kind: ClassVar[str] = "mo-asha"
    order: ClassVar[Order] = staticmethod(by_fronts)


@dataclass(frozen=True)
class Median(Rungs):
    """Median stopping (Golovin et al., KDD 2017, Section 3.2.2), among trials that cost no more.

    From `min_epochs` on, a trial ends whose least error so far is above the median of the others'
    mean errors over as many epochs. Others are those that got as far and, where there are costs,
    are at most as dear in each, so that a cheap network is not held against large ones; fewer than
    `min_trials` of them end nothing. With several points a trial's first one counts.
    """

    min_epochs: int = 1
    min_trials: int = 5

    kind: ClassVar[str] = "median"

    def __post_init__(self) -> None:
        check_integer(1, min_epochs=self.min_epochs, min_trials=self.min_trials)

    def start(self, max_epochs: int) -> "Watch":
        """A watch that has seen nothing yet; an InputError if there is no room for a rung."""
        _room(self.min_epochs, max_epochs)
        return MedianWatch(self, max_epochs)


def _room(min_epochs: int, max_epochs: int) -> None:
    check_integer(1, max_epochs=max_epochs)
    if min_epochs >= max_epochs:
        raise InputError(
            f"min_epochs must be below the {max_epochs} epochs of a trial, got {min_epochs}"
        )


class Watch:
    """Sees every trial's reports and answers each; this one lets all go on."""

    objectives = 0
    """Number of objectives, known from the first report."""

    @property
    def levels(self) -> tuple[int, ...]:
        """The epochs at which a trial may be told to pause."""
        return ()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Trials that were told to pause and not to resume."""
        return ()

    def report(self, trial: str, epoch: int, points: Points) -> Decision:
        """What a trial that has finished `epoch` (from 1) with these points is to do.

        An epoch reported again (after a crash, from a checkpoint) changes nothing.
        """
        self.restore(trial, epoch, points)
        return self.answer(trial, epoch)

    def restore(self, trial: str, epoch: int, points: Points) -> None:
        """Take note of an earlier report without an answer, as after a restart.

        A trial whose last report is at a rung then waits there, whatever it was told; one that was
        between rungs does not, and is to be gone on with.
        """
        found = _checked(points)
        if found.shape[1] != (self.objectives or found.shape[1]):
            raise InputError(
                f"a report must have {self.objectives} objectives as those before, got {points!r}"
            )
        self.objectives = found.shape[1]
        self._seen(trial, epoch, found)

    def answer(self, trial: str, epoch: int) -> Decision:
        """What a trial with its last report at `epoch` is to do, and that it does so."""
        return "continue"

    def next_to_resume(self) -> str | None:
        """A waiting trial that deserves to go on, which is then no longer waiting, or None."""
        return None

    def left(self, trial: str) -> None:
        """A trial ended otherwise; its reports count on, but it does not wait."""

    def _seen(self, trial: str, epoch: int, points: Floats) -> None:
        """Take note of a report."""


class HalvingWatch(Watch):
    """Pauses a trial at each rung unless it is among the best there."""

    def __init__(self, levels: Sequence[int], factor: int, order: Order) -> None:
        self.factor, self.order = factor, order
        self.rungs: dict[int, dict[str, Floats]] = {level: {} for level in levels}
        self.beyond: dict[int, set[str]] = {level: set() for level in levels}
        self.gone: set[str] = set()

    @property
    def levels(self) -> tuple[int, ...]:
        """The epochs at which a trial may be told to pause."""
        return tuple(self.rungs)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Trials that were told to pause and not to resume, the farthest first."""
        return tuple(
            trial
            for level in reversed(self.rungs)
            for trial in self.rungs[level]
            if trial not in self.beyond[level] | self.gone
        )

    def best(self, level: int) -> list[str]:
        """The best 1 / factor of the trials that have reached a rung, rounded down."""
        reached = self.rungs[level]
        count = len(reached) // self.factor
        if count == 0:
            return []
        owners = [trial for trial, points in reached.items() for _ in points]
        ranked = self.order(np.concatenate(list(reached.values())))
        return list(dict.fromkeys(owners[row] for row in ranked))[:count]

    def answer(self, trial: str, epoch: int) -> Decision:
        """Pause at a rung unless the trial is among the best there or was let go on before."""
        if epoch not in self.rungs or trial in self.beyond[epoch]:
            return "continue"
        if trial not in self.best(epoch):
            return "pause"
        self.beyond[epoch].add(trial)
        return "continue"

    def next_to_resume(self) -> str | None:
        """The best waiting trial of the highest rung where one is among the best."""
        for level in reversed(self.rungs):
            for trial in self.best(level):
                if trial not in self.beyond[level] | self.gone:
                    self.beyond[level].add(trial)
                    return trial
        return None

    def left(self, trial: str) -> None:
        """A trial ended otherwise; its reports count on, but it does not wait."""
        self.gone.add(trial)

    def _seen(self, trial: str, epoch: int, points: Floats) -> None:
        for level, passed in self.beyond.items():
            if level < epoch and trial in self.rungs[level]:
                passed.add(trial)
        if epoch in self.rungs:
            self.rungs[epoch].setdefault(trial, points)


class MedianWatch(Watch):
    """Ends trials that are worse than half of those that cost no more."""

    def __init__(self, settings: Median, max_epochs: int) -> None:
        self.settings, self.max_epochs = settings, max_epochs
        self.errors: dict[str, dict[int, float]] = {}
        self.costs: dict[str, Floats] = {}

    def answer(self, trial: str, epoch: int) -> Decision:
        """Stop if the least error so far is above the others' median mean error."""
        if not self.settings.min_epochs <= epoch < self.max_epochs:
            return "continue"
        means = [
            float(np.mean([errors[e] for e in errors if e <= epoch]))
            for other, errors in self.errors.items()
            if other != trial
            and max(errors) >= epoch
            and (self.costs[other] <= self.costs[trial]).all()
        ]
        if len(means) < self.settings.min_trials:
            return "continue"
        least = min(error for e, error in self.errors[trial].items() if e <= epoch)
        return "stop" if least > np.median(means) else "continue"

    def _seen(self, trial: str, epoch: int, points: Floats) -> None:
        self.errors.setdefault(trial, {}).setdefault(epoch, float(points[0, 0]))
        self.costs.setdefault(trial, points[0, 1:])


def _checked(points: Points) -> Floats:
    found = np.array(points, dtype=float)
    if found.ndim != 2 or found.size == 0 or not np.isfinite(found).all():
        raise InputError(f"a report needs one or more points of finite objectives, got {points!r}")
    return found


SCHEDULERS: Mapping[str, type[Rungs]] = {
    made.kind: made for made in (Rungs, Halving, FrontHalving, Median)
}


def scheduler(name: str, settings: Mapping[str, Any]) -> Rungs:
    """A way to end trials early, by name; an InputError names the setting that is wrong."""
    if name not in SCHEDULERS:
        raise InputError(f"scheduler must be one of {', '.join(SCHEDULERS)}, got {name!r}")
    return from_json(SCHEDULERS[name], dict(settings), f"scheduler {name}")
