"""What a study says over all of its tasks together.

A combined verdict tests the mean over tasks of each difference, seed by seed: trainings of one seed
on several tasks are independent, so the means are one sample. All combined verdicts of a study are
a family of their own. They are about the mean of these tasks, which are not a sample of others.

For arms there are the two figures of Agarwal et al., "Deep Reinforcement Learning at the Edge of
the Statistical Precipice" (2021): the probability of improvement and the interquartile mean, with
bootstrap intervals stratified by task. Here both are of pairs: a seed is drawn for an arm and the
baseline at once, and the interquartile mean is of differences in points, not of scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.stats.contrasts import Contrast, contrasts_info
from analysis.stats.inference import CONFIDENCE, RESAMPLES, estimate_mean
from analysis.stats.verdicts import Verdict, judged
from studies import Ablation, Claim, Comparison
from studies.stats.decisions import Sample
from studies.stats.differences import paired_differences
from studies.stats.t_tests import MIN_PAIRS

ALL_TASKS = "all tasks"
ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)

COMBINED_COLUMNS = {
    "arm": "name of the arm, at its largest input size",
    "tasks": "tasks on which it and the baseline have at least three paired seeds",
    "pairs": "paired seeds over all tasks",
    "difference": "interquartile mean of the differences to the baseline over tasks and seeds, in "
    "points: that of the middle half",
    "low": f"lower end of its {CONFIDENCE:.0%} bootstrap interval, stratified by task",
    "high": "upper end of that interval",
    "improvement": "probability that a training of the arm is better than one of the baseline on "
    "the same task, mean over tasks; equal ones count half",
    "improvement_low": f"lower end of its {CONFIDENCE:.0%} bootstrap interval",
    "improvement_high": "upper end of that interval",
}


@dataclass(frozen=True)
class CombinedArm:
    """An arm against the baseline over all tasks; fields are in `COMBINED_COLUMNS`."""

    arm: str
    tasks: int
    pairs: int
    difference: float
    low: float
    high: float
    improvement: float
    improvement_low: float
    improvement_high: float


def combined_verdicts(frame: pd.DataFrame, ablation: Ablation) -> list[Verdict]:
    """A verdict on every claim over all tasks; empty for a study of one task."""
    if len(ablation.tasks) < 2:
        return []
    claims = ablation.design.claims
    contrasts = [(ALL_TASKS, claim, _contrasts(frame, ablation, claim)) for claim in claims]
    return judged(contrasts, ablation.design)


def _contrasts(frame: pd.DataFrame, ablation: Ablation, claim: Claim) -> tuple[Contrast, ...]:
    """The contrasts of a claim, each a mean over tasks."""
    labels = [task.label() for task in ablation.tasks]
    most = ablation.design.max_seeds
    by_task = [contrasts_info(frame, task, claim, most) for task in ablation.tasks]
    return tuple(
        _mean_contrast(frame, labels, comparison, group, most)
        for comparison, group in zip(claim.comparisons, zip(*by_task, strict=True), strict=True)
    )


def _mean_contrast(
    frame: pd.DataFrame,
    labels: Sequence[str],
    comparison: Comparison,
    group: Sequence[Contrast],
    max_seeds: int | None,
) -> Contrast:
    series = [paired_differences(frame[frame["task"] == label], comparison) for label in labels]
    means = pd.concat(series, axis=1, join="inner").sort_index().mean(axis=1)
    sample = Sample(tuple(means), comparison.margin)
    return Contrast(
        comparison,
        estimate_mean([value - comparison.margin for value in means], max_seeds),
        sqrt(sum(contrast.sampling_error**2 for contrast in group)) / len(group),
        sample,
        ", ".join(dict.fromkeys(contrast.missing for contrast in group if contrast.missing)),
        any(contrast.is_bound for contrast in group),
    )


def combined_arms(frame: pd.DataFrame, ablation: Ablation) -> list[CombinedArm]:
    """Every arm but the baseline over all tasks; empty for a study of one task."""
    if len(ablation.tasks) < 2:
        return []
    rows = frame[frame["trained"].astype(bool)].dropna(subset="test_accuracy")
    largest = rows["size"] == rows.groupby(["task", "arm"])["size"].transform("max")
    tables = [
        rows[largest & (rows["task"] == task.label())].pivot_table(
            "test_accuracy", "seed", "arm", aggfunc="first"
        )
        for task in ablation.tasks
    ]
    baseline = ablation.study.baseline
    found = []
    for arm in ablation.design.arms:
        pairs = [_pairs(table, arm.name, baseline) for table in tables]
        pairs = [pair for pair in pairs if pair.shape[1] >= MIN_PAIRS]
        if arm.name != baseline and pairs:
            found.append(_combined(arm.name, pairs))
    return found


def _pairs(table: pd.DataFrame, arm: str, baseline: str) -> NDArray[np.float64]:
    """Accuracies of an arm and the baseline by seed in points, (2, seeds)."""
    if arm not in table or baseline not in table:
        return np.empty((2, 0))
    return 100 * table[[arm, baseline]].dropna().to_numpy(dtype=float).T


def _combined(arm: str, pairs: Sequence[NDArray[np.float64]]) -> CombinedArm:
    generator = np.random.default_rng(0)
    draws = [generator.integers(p.shape[1], size=(RESAMPLES, p.shape[1])) for p in pairs]
    everything = [np.arange(p.shape[1])[None, :] for p in pairs]
    low, high = np.quantile(interquartile_mean(pairs, draws), ENDS)
    least, most = np.quantile(improvement(pairs, draws), ENDS)
    return CombinedArm(
        arm,
        tasks=len(pairs),
        pairs=sum(p.shape[1] for p in pairs),
        difference=float(interquartile_mean(pairs, everything)[0]),
        low=float(low),
        high=float(high),
        improvement=float(improvement(pairs, everything)[0]),
        improvement_low=float(least),
        improvement_high=float(most),
    )


def interquartile_mean(
    pairs: Sequence[NDArray[np.float64]], draws: Sequence[NDArray[np.int_]]
) -> NDArray[np.float64]:
    """The mean of the middle half of all differences, for each of R draws of seeds, (R,).

    `pairs` hold the accuracies of an arm and the baseline on each task, (2, seeds); `draws` the
    numbers of the seeds that are drawn there, (R, seeds).
    """
    drawn = [(pair[0] - pair[1])[seeds] for pair, seeds in zip(pairs, draws, strict=True)]
    return np.asarray(stats.trim_mean(np.concatenate(drawn, axis=1), 0.25, axis=1))


def improvement(
    pairs: Sequence[NDArray[np.float64]], draws: Sequence[NDArray[np.int_]]
) -> NDArray[np.float64]:
    """The probability of improvement for each of R draws of seeds, (R,); arguments as above.

    Of all pairs of a training of the arm and one of the baseline: the share with the arm ahead.
    """
    by_task = []
    for (arm, baseline), seeds in zip(pairs, draws, strict=True):
        gaps = arm[:, None] - baseline[None, :]
        ahead = (gaps > 0) + 0.5 * (gaps == 0)
        by_task.append(ahead[seeds[:, :, None], seeds[:, None, :]].mean(axis=(1, 2)))
    return np.asarray(np.mean(by_task, axis=0))
