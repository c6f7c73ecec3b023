"""How the arms of a study compare with its baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from studies import Plan

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """Mean of the paired differences to the baseline and its interval, in percentage points.

    `pairs` is the number of seeds that both arms have finished; with fewer than two the interval is
    not a number.
    """

    mean: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True)
class ArmSummary:
    """One arm on one task: costs, test accuracy in per cent over `n` seeds, and its difference.

    `published` holds the paper's accuracies by dataset, in per cent; `ended_early`
    counts the seeds without an accuracy, because they diverged or ran out of memory.
    """

    task: str
    arm: str
    is_baseline: bool
    params: int
    macs: int
    training_macs: int
    n: int
    mean: float
    sd: float
    validation_mean: float
    difference: Difference | None
    ended_early: int
    seconds: float
    published: Mapping[str, float]


def paired_difference(arm: pd.Series, baseline: pd.Series) -> Difference:
    """Student's t interval of the mean difference over seeds, both series indexed by seed.

    Accuracies in [0, 1] in, percentage points out.
    """
    both = pd.concat([arm, baseline], axis=1, join="inner").dropna()
    values = 100 * (both.iloc[:, 0] - both.iloc[:, 1]).to_numpy(dtype=float)
    n = len(values)
    if n == 0:
        return Difference(nan, nan, nan, 0)
    mean = float(values.mean())
    if n == 1:
        return Difference(mean, nan, nan, 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * float(values.std(ddof=1)) / sqrt(n)
    return Difference(mean, mean - half, mean + half, n)


def arms_info(frame: pd.DataFrame, plan: Plan) -> list[ArmSummary]:
    """A summary of each arm on each task, in the plan's order; arms without results are left out.

    `frame` is what `studies.load` gives. A network that is trained at several sizes has a summary
    for each, compared with the baseline at that size, or at the baseline's only one.
    """
    found = []
    for task in plan.design.tasks:
        here = frame[(frame["task"] == task.label()) & frame["trained"].astype(bool)]
        baseline = here[here["arm"] == plan.baseline]
        for arm in plan.design.arms:
            rows = here[here["arm"] == arm.name]
            sizes = sorted(rows["size"].unique(), reverse=True)
            for size in sizes:
                name = arm.name if len(sizes) == 1 else f"{arm.name} at {size} px"
                same = baseline[baseline["size"] == size]
                reference = baseline if same.empty else same
                at_size = rows[rows["size"] == size]
                found.append(_summary(name, at_size, reference, plan, task.kind))
    return found


def _summary(
    name: str, rows: pd.DataFrame, baseline: pd.DataFrame, plan: Plan, task: str
) -> ArmSummary:
    arm = str(rows["arm"].iloc[0])
    accuracy = _by_seed(rows)
    n = len(accuracy)
    is_baseline = arm == plan.baseline
    unique = baseline["size"].nunique() == 1
    reference = _by_seed(baseline) if unique else accuracy.iloc[:0]
    return ArmSummary(
        task=str(rows["task"].iloc[0]),
        arm=name,
        is_baseline=is_baseline,
        params=int(rows["params"].iloc[0]),
        macs=int(rows["macs"].iloc[0]),
        training_macs=int(rows["training_macs"].iloc[0]),
        n=n,
        mean=100 * float(accuracy.mean()) if n else nan,
        sd=100 * float(accuracy.std(ddof=1)) if n > 1 else nan,
        validation_mean=100 * float(rows["validation_accuracy"].astype(float).mean()) if n else nan,
        difference=None if is_baseline else paired_difference(accuracy, reference),
        ended_early=int((rows["status"] != "finished").sum()),
        seconds=float(rows["seconds"].mean()),
        published=published(plan, arm, task),
    )


def _by_seed(rows: pd.DataFrame) -> pd.Series:
    """The test accuracies of the seeds that have one."""
    return rows.set_index("seed")["test_accuracy"].astype(float).dropna()


def published(plan: Plan, arm: str, task: str) -> dict[str, float]:
    """The paper's figures for an arm: on this dataset if it has any, else on all of its own."""
    figures = [figure for figure in plan.published if figure.task == task] or plan.published
    return {figure.task: figure.accuracy for figure in figures if figure.arm == arm}


def reading(arms: Sequence[ArmSummary]) -> str:
    """What the differences of one task say, in a sentence that claims no more than they do."""
    name = next((arm.arm for arm in arms if arm.is_baseline), "the baseline")
    decided = []
    for arm in arms:
        gap = arm.difference
        if gap is not None and (gap.low > 0 or gap.high < 0):
            decided.append(f"{arm.arm} is {'above' if gap.low > 0 else 'below'} {name}")
    if decided:
        return f"On this task and budget: {'; '.join(decided)}; other differences are undecided."
    seeds = max((arm.difference.pairs for arm in arms if arm.difference), default=0)
    return (
        f"On this task and budget no arm can be told from {name} with {seeds} paired seeds: every "
        "interval contains zero or is not known yet."
    )


def front(arms: Sequence[ArmSummary]) -> list[ArmSummary]:
    """The arms that no other beats in mean accuracy without costing more MACs, cheapest first."""
    from moocore import is_nondominated

    known = [arm for arm in arms if arm.n]
    if not known:
        return []
    costs = np.array([[float(arm.macs), -arm.mean] for arm in known])
    kept = is_nondominated(costs, keep_weakly=True)
    chosen = [arm for arm, keep in zip(known, kept, strict=True) if keep]
    return sorted(chosen, key=lambda arm: arm.macs)
