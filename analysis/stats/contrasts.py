"""The comparisons of a claim on one task: paired differences with their estimates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.inference import MeanEstimate, estimate_mean, sampling_error
from studies import Claim, Comparison, Operand
from trainers import unpack_flags


@dataclass(frozen=True)
class Contrast:
    """A comparison on one task: mean of `above` minus mean of `below` minus the margin, by seed.

    `sampling_error` is the standard error by the draw of the test images, in points, which
    additional seeds do not reduce. `missing` names the operands that have no accuracy.
    """

    comparison: Comparison
    estimate: MeanEstimate
    sampling_error: float
    missing: str = ""


def contrasts_info(frame: pd.DataFrame, task: str, claim: Claim) -> tuple[Contrast, ...]:
    """The contrasts of a claim on one task, named by its label."""
    rows = frame[frame["task"] == task]
    return tuple(_contrast(rows, comparison) for comparison in claim.comparisons)


def accuracies(rows: pd.DataFrame, operand: Operand) -> pd.Series:
    """The test accuracies of an operand in [0, 1] by seed, of the seeds that have one."""
    if operand.but_not is not None:
        return _shares(rows, operand, operand.but_not)
    arm_rows = rows[rows["arm"] == operand.arm]
    if operand.ensemble:
        arm_rows = arm_rows.drop_duplicates("seed")
        return arm_rows.set_index("seed")["ensemble_test_accuracy"].astype(float).dropna()
    return _at_size(arm_rows, operand).set_index("seed")["test_accuracy"].astype(float).dropna()


def _at_size(rows: pd.DataFrame, operand: Operand) -> pd.DataFrame:
    """The rows of an arm that are about the operand's size."""
    if operand.size is not None:
        rows = rows[rows["size"] == operand.size]
    elif rows["size"].nunique() > 1:
        # The operand names none of several sizes: none is taken.
        rows = rows.iloc[:0]
    return rows


def _shares(rows: pd.DataFrame, operand: Operand, other: Operand) -> pd.Series:
    """The share of the test images that `operand` gets right and `other` wrong, by seed."""
    right, wrong = (
        _at_size(rows[rows["arm"] == side.arm], side).set_index("seed") for side in (operand, other)
    )
    columns = [right["test_right"], right["test_images"], wrong["test_right"]]
    both = pd.concat(columns, axis=1, join="inner")
    return pd.Series(
        {
            seed: float(np.mean(_flags(first, images) & ~_flags(second, images)))
            for seed, first, images, second in both.dropna().itertuples()
        },
        dtype=float,
    )


def _flags(text: str, images: float) -> NDArray[np.bool_]:
    return unpack_flags(text, int(images))


def _contrast(rows: pd.DataFrame, comparison: Comparison) -> Contrast:
    operands = comparison.operands
    weights = [1 / len(comparison.above)] * len(comparison.above)
    weights += [-1 / len(comparison.below)] * len(comparison.below)
    series = [accuracies(rows, operand) for operand in operands]
    empty = [operand_text(o) for o, values in zip(operands, series, strict=True) if values.empty]
    both = pd.concat(series, axis=1, join="inner")
    differences = 100 * (both.to_numpy(dtype=float) @ weights) - comparison.margin
    images = rows["test_images"].dropna()
    error = sampling_error(
        [
            (weight, float(values.mean()), float(images.iloc[0]))
            for weight, values in zip(weights, series, strict=True)
            if not values.empty
        ]
    )
    missing = ", ".join(dict.fromkeys(empty))
    return Contrast(comparison, estimate_mean(list(differences)), error, missing)


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
