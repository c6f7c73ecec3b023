"""Choice of an architecture of a run within limits, and how certain the choice is.

Selection sees validation accuracies only, means over seeds; test accuracies are looked up for the
chosen one, afterwards. A network that switches between sizes is one candidate for each of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from math import isnan, log
from typing import Literal

import numpy as np
import pandas as pd

from analysis.render.numbers import engineering
from analysis.selection.candidates import Bounds, PickCandidate, candidates
from analysis.selection.expectation import Expectations, ExpectedAccuracy
from analysis.stats.arms import Difference, paired_difference
from searchspace import InputError
from studies.samplers.pareto import non_dominated

Goal = Literal["accuracy", "cost", "knee"]
"""The most accurate; the one with the fewest MACs; the knee of the front of accuracy and MACs."""


@dataclass(frozen=True)
class Pick:
    """The candidate chosen from `compared` ones within the bounds, and its runner-up.

    `difference` is that of the validation accuracies of chosen and runner-up, paired by seed; its
    `p_holm` is `p` times the number of others, as the runner-up is the best of them. `expected` is
    what a new training is expected to reach, None if too few networks were replicated.
    """

    task: str
    goal: Goal
    bounds: Bounds
    chosen: PickCandidate
    compared: int
    runner_up: PickCandidate | None = None
    difference: Difference | None = None
    expected: ExpectedAccuracy | None = None
    latency: str = ""
    """How and where latencies of the run were measured; empty if none were."""

    @property
    def decided(self) -> bool:
        """Whether chosen and runner-up are significantly different."""
        return self.difference is not None and self.difference.significant


@dataclass(frozen=True, eq=False)
class Choices:
    """The candidates of a run on one task, each measured once."""

    rows: pd.DataFrame
    measured: list[PickCandidate]

    @classmethod
    def of(cls, frame: pd.DataFrame, task: str | None = None, size: int | None = None) -> "Choices":
        """The candidates of what `studies.load` gives; an InputError says why there is none."""
        rows = _finished(frame, task, size)
        return cls(rows, candidates(rows))

    @cached_property
    def _expectations(self) -> Expectations:
        return Expectations(self.rows)

    def pick(self, bounds: Bounds, goal: Goal) -> Pick:
        """The best candidate within the bounds; an InputError says which is nearest."""
        if bounds.latency_ms is not None and all(isnan(c.latency_ms) for c in self.measured):
            raise InputError("a latency cannot be asked for: this run has measured none")
        feasible = [candidate for candidate in self.measured if not bounds.excesses(candidate)]
        if not feasible:
            raise InputError(nearest_text(self.measured, bounds))
        return self._pick(bounds, goal, rank(feasible, goal)[:2], len(feasible))

    def _pick(
        self, bounds: Bounds, goal: Goal, best: Sequence[PickCandidate], compared: int
    ) -> Pick:
        """The first of the best one or two, which were compared with so many."""
        expected = self._expectations.of(best[0])
        task = str(self.rows["task"].iloc[0])
        latency = str(self.rows.attrs.get("latency", ""))
        pick = Pick(task, goal, bounds, best[0], compared, expected=expected, latency=latency)
        if len(best) == 1:
            return pick
        difference = _difference(self.rows, best[0], best[1], others=compared - 1)
        return replace(pick, runner_up=best[1], difference=difference)

    def by_budget(self, cost: Literal["macs", "params"] = "macs") -> list[Pick]:
        """What to pick as a cost's limit rises: a pick wherever it or its runner-up changes."""
        ordered = sorted(self.measured, key=lambda c: getattr(c, cost))
        best: list[PickCandidate] = []
        picks: list[Pick] = []
        compared = 0
        # Ten thousand candidates are ranked once: a limit adds those that cost as much.
        for limit, group in groupby(ordered, key=lambda c: getattr(c, cost)):
            added = list(group)
            compared += len(added)
            two = rank([*best, *added], "accuracy")[:2]
            if two != best:
                best = two
                bounds = Bounds(macs=limit) if cost == "macs" else Bounds(params=limit)
                picks.append(self._pick(bounds, "accuracy", best, compared))
        return picks


def choose(
    frame: pd.DataFrame,
    bounds: Bounds,
    goal: Goal,
    *,
    task: str | None = None,
    size: int | None = None,
) -> Pick:
    """The best candidate of what `studies.load` gives; an InputError says why there is none."""
    return Choices.of(frame, task, size).pick(bounds, goal)


def _finished(frame: pd.DataFrame, task: str | None, size: int | None) -> pd.DataFrame:
    """The rows to choose from: finished, of one task, each job and size once."""
    tasks = list(dict.fromkeys(frame["task"]))
    if task is None and len(tasks) > 1:
        raise InputError(f"the run has several tasks; choose one by --task: {', '.join(tasks)}")
    # By its whole name, or by its kind alone.
    named = [name for name in tasks if task in (None, name, name.split("(")[0])]
    if len(named) > 1:
        raise InputError(f"{task!r} is more than one task of the run: {', '.join(named)}")
    if tasks and not named:
        raise InputError(f"the run has no task {task!r}; it has {', '.join(tasks)}")
    rows = frame[(frame["task"].isin(named)) & (frame["status"] == "finished")]
    rows = rows[rows["trained"].astype(bool)].drop_duplicates(["arm", "key", "size"])
    if rows.empty:
        raise InputError("the run has no finished job yet to choose from")
    if size is None:
        return rows
    sizes = sorted(rows["size"].unique())
    if size not in sizes:
        legal = ", ".join(map(str, sizes))
        raise InputError(f"no network of the run is trained at {size} px; sizes are {legal}")
    return rows[rows["size"] == size]


def rank(feasible: Sequence[PickCandidate], goal: Goal) -> list[PickCandidate]:
    """The best first; of equals, the one with fewer MACs, then fewer parameters."""
    knees = dict(knee_heights(feasible)) if goal == "knee" else {}

    def order(candidate: PickCandidate) -> tuple[float, ...]:
        accuracy, costs = -candidate.mean, (candidate.macs, candidate.params)
        if goal == "cost":
            return (*costs, accuracy)
        # Dominated candidates come after the front.
        return (-knees.get((candidate.arm, candidate.size), -1.0), accuracy, *costs)

    return sorted(feasible, key=order)


def knee_heights(feasible: Sequence[PickCandidate]) -> Iterator[tuple[tuple[str, int], float]]:
    """For all on the front, the height above the line between its ends, in shares of its range.

    The front is that of mean validation accuracy and the logarithm of MACs; with one or two on it
    no height is above zero, and the most accurate wins.
    """
    ranked = sorted(feasible, key=lambda c: (c.macs, -c.mean))
    points = np.array([(c.macs, -c.mean) for c in ranked], dtype=float)
    mask = non_dominated(points, keep_equal=False)
    front = [c for c, keep in zip(ranked, mask, strict=True) if keep]
    first, last = front[0], front[-1]
    width = log(last.macs / first.macs) or 1.0
    height = (last.mean - first.mean) or 1.0
    for candidate in front:
        along = log(candidate.macs / first.macs) / width
        yield (candidate.arm, candidate.size), (candidate.mean - first.mean) / height - along


def nearest_text(measured: Sequence[PickCandidate], bounds: Bounds) -> str:
    """A sentence on the infeasible candidate whose largest excess is smallest."""
    nearest = min(measured, key=lambda c: max(bounds.excesses(c).values()))
    values = {
        "macs": f"{engineering(nearest.macs)} MACs",
        "params": f"{engineering(nearest.params)} parameters",
        "latency_ms": f"{nearest.latency_ms:.3g} ms",
        "accuracy": f"{nearest.mean:.2f} % validation accuracy",
    }
    asked = " and ".join(bounds.texts().values())
    broken = " and ".join(values[name] for name in bounds.excesses(nearest))
    return f"nothing in the run has {asked}; the nearest is {nearest.name} with {broken}"


def _difference(
    rows: pd.DataFrame, chosen: PickCandidate, other: PickCandidate, *, others: int
) -> Difference:
    difference = paired_difference(_by_seed(rows, chosen), _by_seed(rows, other))
    return replace(difference, p_holm=min(1.0, others * difference.p))


def _by_seed(rows: pd.DataFrame, candidate: PickCandidate) -> pd.Series:
    own = rows[(rows["arm"] == candidate.arm) & (rows["size"] == candidate.size)]
    return own.set_index("seed")["validation_accuracy"].astype(float)
