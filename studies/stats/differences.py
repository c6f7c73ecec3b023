"""Paired differences of a claim's comparisons, seed by seed, from the rows of a run."""

import numpy as np
import pandas as pd

from studies.spec.claims import Comparison, Operand
from trainers import unpack_flags


def weights(comparison: Comparison) -> list[float]:
    """The weights of `comparison.operands`: equal on each side, negative below."""
    above, below = len(comparison.above), len(comparison.below)
    return [1 / above] * above + [-1 / below] * below


def paired_differences(rows: pd.DataFrame, comparison: Comparison) -> pd.Series:
    """Mean of `above` minus mean of `below` in points by seed, of the seeds that all of them have.

    `rows` are those of one task, as `studies.load` gives them. The margin is not taken off.
    """
    series = [accuracies(rows, operand) for operand in comparison.operands]
    both = pd.concat(series, axis=1, join="inner").sort_index()
    return pd.Series(100 * (both.to_numpy(dtype=float) @ weights(comparison)), both.index)


def accuracies(rows: pd.DataFrame, operand: Operand) -> pd.Series:
    """The test accuracies of an operand in [0, 1] by seed, of the seeds that have one."""
    if operand.but_not is not None:
        return right_images(rows, operand).map(np.mean).astype(float)
    arm_rows = rows[rows["arm"] == operand.arm]
    if operand.ensemble:
        arm_rows = arm_rows.drop_duplicates("seed")
        return arm_rows.set_index("seed")["ensemble_test_accuracy"].astype(float).dropna()
    return at_size(arm_rows, operand).set_index("seed")["test_accuracy"].astype(float).dropna()


def at_size(rows: pd.DataFrame, operand: Operand) -> pd.DataFrame:
    """The rows of an arm that are about the operand's size."""
    if operand.size is not None:
        rows = rows[rows["size"] == operand.size]
    elif rows["size"].nunique() > 1:
        # The operand names none of several sizes: none is taken.
        rows = rows.iloc[:0]
    return rows


def right_images(rows: pd.DataFrame, operand: Operand) -> pd.Series:
    """Which test images an operand gets right, arrays of bool by seed, where that is kept.

    With `but_not`, which of them the other gets wrong. It is not kept for ensembles.
    """
    if operand.ensemble or "test_right" not in rows:
        return pd.Series(dtype=object)
    own = at_size(rows[rows["arm"] == operand.arm], operand).set_index("seed")
    kept = own[["test_right", "test_images"]].dropna()
    flags = pd.Series({row.Index: unpack_flags(row[1], int(row[2])) for row in kept.itertuples()})
    if operand.but_not is None or flags.empty:
        return flags.astype(object)
    other = right_images(rows, operand.but_not)
    both = flags.index.intersection(other.index)
    return pd.Series({seed: flags[seed] & ~other[seed] for seed in both}, dtype=object)
