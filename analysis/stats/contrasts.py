"""The comparisons of a claim on one task: paired differences with their estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.stats.inference import MeanEstimate, estimate_mean, sampling_error
from studies import Claim, Comparison, Operand
from studies.stats.decisions import Sample
from studies.stats.differences import accuracies, paired_differences, weights


@dataclass(frozen=True)
class Contrast:
    """A comparison on one task: mean of `above` minus mean of `below` minus the margin, by seed.

    `sampling_error` is the standard error by the draw of the test images, in points, which
    additional seeds do not reduce. `missing` names the operands that have no accuracy.
    """

    comparison: Comparison
    estimate: MeanEstimate
    sampling_error: float
    sample: Sample
    missing: str = ""


def contrasts_info(frame: pd.DataFrame, task: str, claim: Claim) -> tuple[Contrast, ...]:
    """The contrasts of a claim on one task, named by its label."""
    rows = frame[frame["task"] == task]
    return tuple(_contrast(rows, comparison) for comparison in claim.comparisons)


def _contrast(rows: pd.DataFrame, comparison: Comparison) -> Contrast:
    operands = comparison.operands
    series = [accuracies(rows, operand) for operand in operands]
    empty = [operand_text(o) for o, values in zip(operands, series, strict=True) if values.empty]
    sample = Sample(tuple(paired_differences(rows, comparison)), comparison.margin)
    estimate = estimate_mean([value - sample.margin for value in sample.differences])
    images = rows["test_images"].dropna()
    error = sampling_error(
        [
            (weight, float(values.mean()), float(images.iloc[0]))
            for weight, values in zip(weights(comparison), series, strict=True)
            if not values.empty
        ]
    )
    missing = ", ".join(dict.fromkeys(empty))
    return Contrast(comparison, estimate, error, sample, missing)


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
