"""How the arms of a study compare with its baseline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import pandas as pd

from analysis.stats.inference import (
    FAMILY_ERROR,
    MIN_PAIRS,
    Sample,
    both_ways,
    sample,
    sampling_error,
)
from studies import Ablation, Published
from studies.samplers.pareto import non_dominated

AT_SIZE = "{} at {} px"
ENSEMBLE = "{}, ensemble"
"""Names of the rows of an arm that has several sizes."""


@dataclass(frozen=True)
class Difference:
    """Mean of the paired differences to the baseline and its interval, in percentage points.

    `pairs` is the number of seeds that both arms have finished; with fewer than two the interval is
    not a number. `p` is the two-sided p-value of this difference alone, `p_holm` the one adjusted
    over all differences of the study.
    """

    mean: float
    low: float
    high: float
    pairs: int
    p: float = 1.0
    p_holm: float = 1.0

    @property
    def decided(self) -> bool:
        """Whether the study tells the two arms apart."""
        return self.p_holm <= FAMILY_ERROR


@dataclass(frozen=True)
class ArmSummary:
    """One arm on one task: costs, test accuracy in per cent over `n` seeds, and its difference.

    `size` is the input size in pixels, None for the ensemble of all sizes. `sampling_error` is the
    standard error of `mean` by the draw of the test images, in points. Seconds and bytes are
    medians over seeds, not a number where they were not measured, as `latency_ms`.
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
    size: int | None = None
    training_params: int = 0
    sampling_error: float = nan
    epoch_seconds: float = nan
    peak_memory: float = nan
    latency_ms: float = nan


def paired_difference(arm: pd.Series, baseline: pd.Series) -> Difference:
    """Student's t interval of the mean difference over seeds, both series indexed by seed.

    Accuracies in [0, 1] in, percentage points out.
    """
    return _difference(_paired(arm, baseline))


def arms_info(frame: pd.DataFrame, ablation: Ablation) -> list[ArmSummary]:
    """A summary of each arm on each task, in order; arms without results are left out.

    `frame` is what `studies.load` gives. A network that is trained at several sizes has a summary
    for each, compared with the baseline at that size, or at the baseline's only one, and one for
    its ensemble, compared with the baseline's ensemble, or with the baseline at its only size.
    """
    found: list[ArmSummary] = []
    samples: list[Sample] = []
    for task in ablation.tasks:
        here = frame[(frame["task"] == task.label()) & frame["trained"].astype(bool)]
        baseline = here[here["arm"] == ablation.study.baseline]
        for arm in ablation.design.arms:
            for name, rows, reference in _outcomes(arm.name, here, baseline):
                summary = _summary(name, rows, ablation, task.kind)
                samples.append(_paired(_by_seed(rows), _by_seed(reference)))
                found.append(summary)
    return _with_differences(found, samples)


def _outcomes(
    arm: str, here: pd.DataFrame, baseline: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """The sizes of an arm, then its ensemble: name, its rows, and the baseline's to compare."""
    rows = here[here["arm"] == arm]
    sizes = sorted(rows["size"].unique(), reverse=True)
    only = baseline if baseline["size"].nunique() == 1 else baseline.iloc[:0]
    for size in sizes:
        name = arm if len(sizes) == 1 else AT_SIZE.format(arm, size)
        same = baseline[baseline["size"] == size]
        yield name, rows[rows["size"] == size], only if same.empty else same
    together = as_ensembles(rows)
    if not together.empty:
        reference = as_ensembles(baseline)
        yield ENSEMBLE.format(arm), together, only if reference.empty else reference


def as_ensembles(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each job that has an ensemble, with the ensemble's accuracies and MACs."""
    rows = rows[rows["ensemble_macs"].notna()].drop_duplicates(["arm", "task", "seed"])
    return rows.assign(
        size=nan,
        macs=rows["ensemble_macs"],
        training_macs=rows["ensemble_training_macs"],
        validation_accuracy=rows["ensemble_validation_accuracy"],
        test_accuracy=rows["ensemble_test_accuracy"],
        latency_ms=nan,
    )


def _summary(name: str, rows: pd.DataFrame, ablation: Ablation, task: str) -> ArmSummary:
    first = rows.iloc[0]
    arm = str(first["arm"])
    accuracy = _by_seed(rows)
    n = len(accuracy)
    size = None if pd.isna(first["size"]) else int(first["size"])
    return ArmSummary(
        task=str(first["task"]),
        arm=name,
        is_baseline=arm == ablation.study.baseline,
        params=int(first["params"]),
        macs=int(first["macs"]),
        training_macs=int(first["training_macs"]),
        n=n,
        mean=100 * float(accuracy.mean()) if n else nan,
        sd=100 * float(accuracy.std(ddof=1)) if n > 1 else nan,
        validation_mean=100 * float(rows["validation_accuracy"].astype(float).mean()) if n else nan,
        difference=None,
        ended_early=int((rows["status"] != "finished").sum()),
        seconds=float(rows["seconds"].mean()),
        published=published(ablation, name, task, size),
        size=size,
        training_params=int(first["training_params"]),
        sampling_error=_sampling_error(accuracy, rows),
        epoch_seconds=_median(rows, "epoch_seconds"),
        peak_memory=_median(rows, "peak_memory"),
        latency_ms=_median(rows, "latency_ms"),
    )


def _with_differences(arms: Sequence[ArmSummary], samples: Sequence[Sample]) -> list[ArmSummary]:
    """Every arm but the baseline with its difference; Holm over all of them, in both directions."""
    compared = [found for arm, found in zip(arms, samples, strict=True) if not arm.is_baseline]
    adjusted = iter(both_ways([(found.p_above, found.p_below) for found in compared]))
    return [
        arm if arm.is_baseline else replace(arm, difference=_difference(found, min(next(adjusted))))
        for arm, found in zip(arms, samples, strict=True)
    ]


def _difference(found: Sample, p_holm: float | None = None) -> Difference:
    p = min(1.0, 2 * min(found.p_above, found.p_below))
    interval = (found.mean, found.low, found.high, found.n)
    return Difference(*interval, p, p if p_holm is None else p_holm)


def _paired(arm: pd.Series, baseline: pd.Series) -> Sample:
    both = pd.concat([arm, baseline], axis=1, join="inner").dropna()
    return sample(list(100 * (both.iloc[:, 0] - both.iloc[:, 1]).to_numpy(dtype=float)))


def _median(rows: pd.DataFrame, column: str) -> float:
    return float(rows[column].astype(float).median()) if column in rows else nan


def _sampling_error(accuracy: pd.Series, rows: pd.DataFrame) -> float:
    if accuracy.empty:
        return nan
    images = float(rows["test_images"].dropna().iloc[0])
    return sampling_error([(1.0, float(accuracy.mean()), images)])


def _by_seed(rows: pd.DataFrame) -> pd.Series:
    """The test accuracies of the seeds that have one."""
    return rows.set_index("seed")["test_accuracy"].astype(float).dropna()


def published(ablation: Ablation, arm: str, task: str, size: int | None = None) -> dict[str, float]:
    """The paper's figures for a row: on this dataset if it has any, else on all of its own.

    `arm` is the row's name. A figure at an input size is for the row at that size, or for the only
    one that the arm has.
    """
    figures = [
        figure for figure in ablation.study.published if figure.task == task
    ] or ablation.study.published
    return {figure.task: figure.accuracy for figure in figures if _is_of(figure, arm, size)}


def _is_of(figure: Published, name: str, size: int | None) -> bool:
    if figure.ensemble:
        return name == ENSEMBLE.format(figure.arm)
    return name == figure.arm or name == AT_SIZE.format(figure.arm, size) and figure.size == size


def reading(arms: Sequence[ArmSummary]) -> str:
    """What the differences of one task say, in a sentence that claims no more than they do."""
    baselines = {arm.size: arm.arm for arm in arms if arm.is_baseline}
    name = next(iter(baselines.values()), "the baseline")
    decided = [
        f"{arm.arm} is {'above' if arm.difference.mean > 0 else 'below'} "
        f"{baselines.get(arm.size, name)}"
        for arm in arms
        if arm.difference is not None and arm.difference.decided
    ]
    if decided:
        return f"On this task and budget: {'; '.join(decided)}; other differences are undecided."
    seeds = max((arm.difference.pairs for arm in arms if arm.difference), default=0)
    why = f" ({MIN_PAIRS} are needed)" if seeds < MIN_PAIRS else ""
    return (
        f"On this task and budget no arm can be told from {name} with {seeds} paired seeds{why}, "
        "once p-values are corrected for the number of differences."
    )


def front(arms: Sequence[ArmSummary]) -> list[ArmSummary]:
    """The arms that no other beats in mean accuracy without costing more MACs, cheapest first."""
    known = [arm for arm in arms if arm.n]
    if not known:
        return []
    costs = np.array([[float(arm.macs), -arm.mean] for arm in known])
    kept = non_dominated(costs)
    chosen = [arm for arm, keep in zip(known, kept, strict=True) if keep]
    return sorted(chosen, key=lambda arm: arm.macs)
