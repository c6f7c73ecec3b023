"""Which architecture of a run to take, within limits, and how sure that choice is.

Selection sees validation accuracies only, means over seeds; test accuracies are looked up for the
chosen one, afterwards. A network that switches between sizes is one candidate for each of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, log
from statistics import fmean
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.render.tables import engineering
from analysis.stats.comparisons import Difference, paired_difference
from analysis.stats.inference import FAMILY_ERROR, Sample, sample
from searchspace import Architecture, InputError
from studies.samplers.pareto import non_dominated

Goal = Literal["accuracy", "cost", "knee"]
"""The most accurate; the one with the fewest MACs; the knee of the front of accuracy and MACs."""

USED = (
    "arm", "size", "trial", "architecture", "key", "macs", "params", "latency_ms",
    "validation_accuracy", "test_accuracy",
)  # fmt: skip
"""The columns that a candidate is made of."""


@dataclass(frozen=True)
class Bounds:
    """What a candidate must keep to; None is no limit.

    `macs` and `params` are numbers of the deployed form, `latency_ms` measured milliseconds, all at
    most; `accuracy` is mean validation accuracy in per cent, at least.
    """

    macs: float | None = None
    params: float | None = None
    latency_ms: float | None = None
    accuracy: float | None = None

    def excesses(self, candidate: "Candidate") -> dict[str, float]:
        """By which factor each broken limit is broken, above 1; infinite where it is unknown."""
        ratios = {
            "macs": _ratio(candidate.macs, self.macs),
            "params": _ratio(candidate.params, self.params),
            "latency_ms": _ratio(candidate.latency_ms, self.latency_ms),
            # An accuracy is exceeded by what lies below it.
            "accuracy": _ratio(self.accuracy, candidate.mean),
        }
        return {name: ratio for name, ratio in ratios.items() if not ratio <= 1}

    def texts(self) -> dict[str, str]:
        """Each limit in words."""
        found = {}
        if self.macs is not None:
            found["macs"] = f"at most {engineering(self.macs)} MACs"
        if self.params is not None:
            found["params"] = f"at most {engineering(self.params)} parameters"
        if self.latency_ms is not None:
            found["latency_ms"] = f"at most {self.latency_ms:g} ms"
        if self.accuracy is not None:
            found["accuracy"] = f"at least {self.accuracy:g} % validation accuracy"
        return found


def _ratio(value: float | None, limit: float | None) -> float:
    if value is None or limit is None:
        return 0.0
    if isnan(value) or isnan(limit):
        return float("inf")
    return value / limit if limit else float("inf") * bool(value)


@dataclass(frozen=True)
class Candidate:
    """An architecture at one input size: its costs, and its accuracies in per cent, one a seed.

    `keys` are those of its jobs; `trial` is its number in a search, None in an ablation.
    """

    arm: str
    size: int
    trial: int | None
    architecture: Mapping[str, Any]
    keys: tuple[str, ...]
    macs: int
    params: int
    latency_ms: float
    validation_accuracies: tuple[float, ...]
    test_accuracies: tuple[float, ...]

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        title = self.arm
        if self.trial is not None:
            label = Architecture.from_json(self.architecture).label()
            title = f"trial {self.trial}, {label}"
        return f"{title} at {self.size} px"

    @cached_property
    def mean(self) -> float:
        """Mean validation accuracy, what the choice goes by."""
        return fmean(self.validation_accuracies)

    @cached_property
    def validation(self) -> Sample:
        """Mean, sd and the mean's interval of the validation accuracy."""
        return sample(self.validation_accuracies)

    @cached_property
    def test(self) -> Sample:
        """The same of the test accuracy."""
        return sample(self.test_accuracies)

    def costs_text(self) -> str:
        """Its costs in words."""
        latency = "" if isnan(self.latency_ms) else f", {self.latency_ms:.3g} ms"
        return f"{engineering(self.macs)} MACs, {engineering(self.params)} parameters{latency}"


@dataclass(frozen=True)
class Pick:
    """What was chosen from `compared` candidates within the bounds, and how sure that is.

    `difference` is that of the validation accuracies of chosen and runner-up, paired by seed; its
    `p_holm` is `p` times the number of others, among whom the runner-up was found by looking.
    """

    task: str
    goal: Goal
    bounds: Bounds
    chosen: Candidate
    compared: int
    runner_up: Candidate | None = None
    difference: Difference | None = None

    @property
    def decided(self) -> bool:
        """Whether chosen and runner-up differ by more than their seeds scatter."""
        return self.difference is not None and self.difference.p_holm <= FAMILY_ERROR


def pick(
    frame: pd.DataFrame,
    bounds: Bounds,
    goal: Goal,
    *,
    task: str | None = None,
    size: int | None = None,
) -> Pick:
    """The best candidate of what `studies.load` gives; an InputError says why there is none."""
    here = _finished(frame, task, size)
    known = candidates(here)
    if bounds.latency_ms is not None and all(isnan(one.latency_ms) for one in known):
        raise InputError("a latency cannot be asked for: this run has measured none")
    fitting = [one for one in known if not bounds.excesses(one)]
    if not fitting:
        raise InputError(nearest_text(known, bounds))
    ranked = rank(fitting, goal)
    found = Pick(str(here["task"].iloc[0]), goal, bounds, ranked[0], len(ranked))
    if len(ranked) == 1:
        return found
    gap = _difference(here, ranked[0], ranked[1], others=len(ranked) - 1)
    return Pick(found.task, goal, bounds, ranked[0], len(ranked), ranked[1], gap)


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
        known = ", ".join(map(str, sizes))
        raise InputError(f"no network of the run is trained at {size} px; sizes are {known}")
    return rows[rows["size"] == size]


def candidates(rows: pd.DataFrame) -> list[Candidate]:
    """One for each arm and size, in the order of the rows."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    columns = {name: rows[name].tolist() for name in USED}
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        # Ten thousand trials as plain values take a fraction of a second, as frames much longer.
        groups.setdefault((str(row["arm"]), int(row["size"])), []).append(row)
    return [_candidate(arm, size, group) for (arm, size), group in groups.items()]


def _candidate(arm: str, size: int, group: Sequence[Mapping[str, Any]]) -> Candidate:
    first = group[0]
    return Candidate(
        arm=arm,
        size=size,
        trial=None if pd.isna(first["trial"]) else int(first["trial"]),
        architecture=first["architecture"],
        keys=tuple(row["key"] for row in group),
        macs=int(first["macs"]),
        params=int(first["params"]),
        latency_ms=float(first["latency_ms"]),
        validation_accuracies=tuple(100 * row["validation_accuracy"] for row in group),
        test_accuracies=tuple(100 * row["test_accuracy"] for row in group),
    )


def rank(fitting: Sequence[Candidate], goal: Goal) -> list[Candidate]:
    """The best first; of equals, the one with fewer MACs, then fewer parameters."""
    knees = dict(knee_heights(fitting)) if goal == "knee" else {}

    def order(one: Candidate) -> tuple[float, ...]:
        accuracy, costs = -one.mean, (one.macs, one.params)
        if goal == "cost":
            return (*costs, accuracy)
        # What is not on the front comes after all that is.
        return (-knees.get((one.arm, one.size), -1.0), accuracy, *costs)

    return sorted(fitting, key=order)


def knee_heights(fitting: Sequence[Candidate]) -> Iterator[tuple[tuple[str, int], float]]:
    """For all on the front, the height above the line between its ends, in shares of its range.

    The front is that of mean validation accuracy and the logarithm of MACs; with one or two on it
    no height is above zero, and the most accurate wins.
    """
    ranked = sorted(fitting, key=lambda one: (one.macs, -one.mean))
    points = np.array([(one.macs, -one.mean) for one in ranked], dtype=float)
    mask = non_dominated(points, keep_equal=False)
    front = [one for one, keep in zip(ranked, mask, strict=True) if keep]
    first, last = front[0], front[-1]
    width = log(last.macs / first.macs) or 1.0
    height = (last.mean - first.mean) or 1.0
    for one in front:
        along = log(one.macs / first.macs) / width
        yield (one.arm, one.size), (one.mean - first.mean) / height - along


def nearest_text(known: Sequence[Candidate], bounds: Bounds) -> str:
    """That nothing fits, and what comes nearest: its worst excess is the smallest."""
    nearest = min(known, key=lambda one: max(bounds.excesses(one).values()))
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
    rows: pd.DataFrame, chosen: Candidate, other: Candidate, *, others: int
) -> Difference:
    gap = paired_difference(*(_by_seed(rows, one) for one in (chosen, other)))
    return Difference(gap.mean, gap.low, gap.high, gap.pairs, gap.p, min(1.0, others * gap.p))


def _by_seed(rows: pd.DataFrame, one: Candidate) -> pd.Series:
    mine = rows[(rows["arm"] == one.arm) & (rows["size"] == one.size)]
    return mine.set_index("seed")["validation_accuracy"].astype(float)
