"""The arms of an ablation: costs, accuracy, and the paired difference to the baseline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

import pandas as pd

from analysis.stats.inference import MeanEstimate, estimate_mean, sampling_error
from analysis.stats.points import AT_SIZE, ENSEMBLE, ensemble_rows
from studies import Ablation, Published
from studies.stats.t_tests import FAMILY_ERROR, holm_pairs


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
    def significant(self) -> bool:
        """Whether the difference is significantly different from zero (Holm)."""
        return self.p_holm <= FAMILY_ERROR


@dataclass(frozen=True)
class ArmSummary:
    """One arm on one task: costs, test accuracy in per cent over `n` seeds, and its difference.

    `size` is the input size in pixels, None for the ensemble of all sizes. `sampling_error` is the
    standard error of `mean` by the draw of the test images, in points. Seconds and bytes are
    medians over seeds, not a number where they were not measured, as `latency_ms` and `top5`, the
    mean top-5 test accuracy in per cent.
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
    top5: float = nan


def paired_difference(arm: pd.Series, baseline: pd.Series) -> Difference:
    """Student's t interval of the mean difference over seeds, both series indexed by seed.

    Accuracies in [0, 1] in, percentage points out.
    """
    return _difference(_paired(arm, baseline))


def arms_info(frame: pd.DataFrame, ablation: Ablation) -> list[ArmSummary]:
    """A summary of each arm on each task, in the plan's order; arms without results are left out.

    `frame` is what `studies.load` gives. A network that is trained at several sizes has a summary
    for each, compared with the baseline at that size, or at the baseline's only one, and one for
    its ensemble, compared with the baseline's ensemble, or with the baseline at its only size.
    """
    summaries: list[ArmSummary] = []
    estimates: list[MeanEstimate] = []
    for task in ablation.tasks:
        rows = frame[(frame["task"] == task.label()) & frame["trained"].astype(bool)]
        baseline = rows[rows["arm"] == ablation.study.baseline]
        for arm in ablation.design.arms:
            for name, arm_rows, reference in _views(arm.name, rows, baseline):
                summaries.append(_summary(name, arm_rows, ablation, task.kind))
                most = ablation.design.max_seeds
                estimates.append(_paired(_by_seed(arm_rows), _by_seed(reference), most))
    return _with_differences(summaries, estimates)


def _views(
    arm: str, task_rows: pd.DataFrame, baseline: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """The sizes of an arm, then its ensemble: name, its rows, and the baseline's to compare."""
    rows = task_rows[task_rows["arm"] == arm]
    sizes = sorted(rows["size"].unique(), reverse=True)
    only = baseline if baseline["size"].nunique() == 1 else baseline.iloc[:0]
    for size in sizes:
        name = arm if len(sizes) == 1 else AT_SIZE.format(arm, size)
        same = baseline[baseline["size"] == size]
        yield name, rows[rows["size"] == size], only if same.empty else same
    ensemble = ensemble_rows(rows)
    if not ensemble.empty:
        reference = ensemble_rows(baseline)
        yield ENSEMBLE.format(arm), ensemble, only if reference.empty else reference


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
        published=published_accuracies(ablation, name, task, size),
        size=size,
        training_params=int(first["training_params"]),
        sampling_error=_sampling_error(accuracy, rows),
        epoch_seconds=_median(rows, "epoch_seconds"),
        peak_memory=_median(rows, "peak_memory"),
        latency_ms=_median(rows, "latency_ms"),
        top5=100 * _mean(rows, "test_top5_accuracy"),
    )


def _with_differences(
    arms: Sequence[ArmSummary], estimates: Sequence[MeanEstimate]
) -> list[ArmSummary]:
    """Every arm but the baseline with its difference; Holm over all of them, in both directions."""
    pairs = list(zip(arms, estimates, strict=True))
    compared = [(e.p_greater, e.p_less) for arm, e in pairs if not arm.is_baseline]
    adjusted = iter(holm_pairs(compared))
    return [
        arm
        if arm.is_baseline
        else replace(arm, difference=_difference(estimate, min(next(adjusted))))
        for arm, estimate in pairs
    ]


def _difference(estimate: MeanEstimate, p_holm: float | None = None) -> Difference:
    p = min(1.0, 2 * min(estimate.p_greater, estimate.p_less))
    interval = (estimate.mean, estimate.low, estimate.high, estimate.n)
    return Difference(*interval, p, p if p_holm is None else p_holm)


def _paired(arm: pd.Series, baseline: pd.Series, max_seeds: int | None = None) -> MeanEstimate:
    both = pd.concat([arm, baseline], axis=1, join="inner").dropna().sort_index()
    differences = 100 * (both.iloc[:, 0] - both.iloc[:, 1]).to_numpy(dtype=float)
    return estimate_mean(list(differences), max_seeds)


def _median(rows: pd.DataFrame, column: str) -> float:
    return float(rows[column].astype(float).median()) if column in rows else nan


def _mean(rows: pd.DataFrame, column: str) -> float:
    return float(rows[column].astype(float).mean()) if column in rows else nan


def _sampling_error(accuracy: pd.Series, rows: pd.DataFrame) -> float:
    if accuracy.empty:
        return nan
    images = float(rows["test_images"].dropna().iloc[0])
    return sampling_error([(1.0, float(accuracy.mean()), images)])


def _by_seed(rows: pd.DataFrame) -> pd.Series:
    """The test accuracies of the seeds that have one."""
    return rows.set_index("seed")["test_accuracy"].astype(float).dropna()


def published_accuracies(
    ablation: Ablation, arm: str, task: str, size: int | None = None
) -> dict[str, float]:
    """The paper's accuracies for a row: on this dataset if it has any, else on all of its own.

    `arm` is the row's name. An accuracy at an input size is for the row at that size, or for the
    only one that the arm has.
    """
    points = [
        point for point in ablation.study.published if point.task == task
    ] or ablation.study.published
    return {point.task: point.accuracy for point in points if _is_of(point, arm, size)}


def _is_of(point: Published, name: str, size: int | None) -> bool:
    if point.ensemble:
        return name == ENSEMBLE.format(point.arm)
    return name == point.arm or name == AT_SIZE.format(point.arm, size) and point.size == size
