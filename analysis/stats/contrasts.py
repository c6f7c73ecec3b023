"""The comparisons of a claim on one task: paired differences with their estimates."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd

from analysis.stats.inference import MeanEstimate, estimate_mean, sampling_error
from studies import Claim, Comparison, Operand
from studies.stats.decisions import Sample
from studies.stats.differences import accuracies, paired_differences, right_images, weights
from trainers import Task


@dataclass(frozen=True)
class Contrast:
    """A comparison on one task: mean of `above` minus mean of `below` minus the margin, by seed.

    `sampling_error` is the standard error by the draw of the test images, in points, which
    additional seeds do not reduce; it `is_bound` from above where records do not say which test
    images are right. `missing` names the operands that have no accuracy.
    """

    comparison: Comparison
    estimate: MeanEstimate
    sampling_error: float
    sample: Sample
    missing: str = ""
    is_bound: bool = False


def contrasts_info(
    frame: pd.DataFrame, task: Task, claim: Claim, max_seeds: int | None = None
) -> tuple[Contrast, ...]:
    """The contrasts of a claim on a task; see `estimate_mean`."""
    rows = frame[frame["task"] == task.label()]
    fixed = task.splits == "fixed"
    return tuple(_contrast(rows, each, max_seeds, fixed) for each in claim.comparisons)


def _contrast(
    rows: pd.DataFrame, comparison: Comparison, max_seeds: int | None, fixed: bool
) -> Contrast:
    operands = comparison.operands
    series = [accuracies(rows, operand) for operand in operands]
    empty = [operand_text(o) for o, values in zip(operands, series, strict=True) if values.empty]
    sample = Sample(tuple(paired_differences(rows, comparison)), comparison.margin)
    estimate = estimate_mean([value - sample.margin for value in sample.differences], max_seeds)
    error = sampling_error_of_images(rows, comparison, fixed=fixed)
    bound = isnan(error)
    if bound:
        error = _bound(rows, comparison, series)
    missing = ", ".join(dict.fromkeys(empty))
    return Contrast(comparison, estimate, error, sample, missing, bound)


def sampling_error_of_images(
    rows: pd.DataFrame, comparison: Comparison, *, fixed: bool = True
) -> float:
    """Standard error of a mean difference, in points, by the draw of the test images.

    An image contributes the weighted sum of who gets it right, averaged over seeds; what all get
    right or wrong cancels. If splits are not `fixed`, seeds test on other images: the error is that
    of one seed, for many seeds a bound. Not a number where the record of a seed does not say which
    images are right.
    """
    right = [right_images(rows, operand) for operand in comparison.operands]
    series = [accuracies(rows, operand) for operand in comparison.operands]
    seeds = set.intersection(*(set(values.index) for values in series))
    if not seeds or not all(seeds <= set(flags.index) for flags in right):
        return nan
    pairs = list(zip(weights(comparison), right, strict=True))
    by_image = [np.sum([w * flags[seed] for w, flags in pairs], axis=0) for seed in seeds]
    if fixed:
        by_image = [np.mean(by_image, axis=0)]
    return 100 * sqrt(np.mean([each.var() / len(each) for each in by_image]))


def _bound(rows: pd.DataFrame, comparison: Comparison, series: Sequence[pd.Series]) -> float:
    """The sampling error if networks erred independently."""
    images = rows["test_images"].dropna()
    return sampling_error(
        [
            (weight, float(values.mean()), float(images.iloc[0]))
            for weight, values in zip(weights(comparison), series, strict=True)
            if not values.empty
        ]
    )


def operand_text(operand: Operand) -> str:
    """An operand in words: `rs-net at 16 px`."""
    if operand.ensemble:
        return f"the ensemble of {operand.arm}"
    text = operand.arm if operand.size is None else f"{operand.arm} at {operand.size} px"
    if operand.but_not is None:
        return text
    return f"images that {text} gets right and {operand_text(operand.but_not)} wrong"


def comparison_text(comparison: Comparison) -> str:
    """A comparison in words: `a > mean of b, c + 0.5`."""
    margin = f" {comparison.margin:+g}" if comparison.margin else ""
    return f"{_side_text(comparison.above)} > {_side_text(comparison.below)}{margin}"


def _side_text(operands: Sequence[Operand]) -> str:
    texts = [operand_text(operand) for operand in operands]
    return texts[0] if len(texts) == 1 else f"mean of {', '.join(texts)}"
