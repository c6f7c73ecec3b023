"""How the claims of a study end, on its tasks and within its budget.

A claim says that the means of one or more differences, paired by seed, are greater than a margin.
It is *supported* if each of them is shown to be (an intersection-union test: the largest p-value
counts, and no correction within the claim is needed), *contradicted* if one of them is shown to be
less (Bonferroni: the smallest p-value, times their number), and *undecided* otherwise.

The family of tests is the whole study: both hypotheses ("the claim is false", "the claim is true")
of every claim on every task, whether or not it can be tested yet. Holm's method over all of them
keeps the probability of one or more wrong verdicts in the study to 5 %, however the claims depend
on each other, as they do through arms that they share.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
import pandas as pd

from analysis.stats.inference import (
    FAMILY_ERROR,
    MIN_PAIRS,
    Sample,
    both_ways,
    more_seeds,
    sample,
    sample_power,
    sampling_error,
)
from studies import Ablation, Claim, Comparison, Operand
from trainers import unpack_flags

Ending = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Contrast:
    """A comparison on one task: mean of `above` minus mean of `below` minus the margin, by seed.

    `sampling_error` is the standard error by the draw of the test images, in points, which more
    seeds do not reduce. `missing` says in words which accuracies there are none of.
    """

    comparison: Comparison
    sample: Sample
    sampling_error: float
    missing: str = ""


@dataclass(frozen=True)
class Verdict:
    """How a claim ends on a task.

    `p_supported` and `p_contradicted` are adjusted over the study; the smaller one decides, at
    5 %. `more_seeds` is how many more would decide with 80 % power if mean and sd stayed as they
    are (inf: more than 1000; None: decided, or not to be told). `reason` says what is undecided.
    """

    task: str
    claim: Claim
    ending: Ending
    contrasts: tuple[Contrast, ...]
    p_supported: float
    p_contradicted: float
    more_seeds: float | None
    reason: str

    @property
    def weakest(self) -> Contrast:
        """The contrast that the claim stands or falls with: the least likely to be above zero."""
        return max(self.contrasts, key=lambda contrast: contrast.sample.p_above)

    @property
    def pairs(self) -> int:
        """The seeds behind the comparison that has fewest."""
        return min(contrast.sample.n for contrast in self.contrasts)


def verdicts_info(frame: pd.DataFrame, plan: Ablation) -> list[Verdict]:
    """How every claim of the plan ends on each of its tasks, from what `studies.load` gives."""
    asked = [(task.label(), claim) for task in plan.design.tasks for claim in plan.design.claims]
    contrasts = [contrasts_info(frame, task, claim) for task, claim in asked]
    adjusted = both_ways([_p_values(found) for found in contrasts])
    decided = sum(p <= FAMILY_ERROR for pair in adjusted for p in pair)
    # Holm tests what is left at the level of the next hypothesis in turn.
    level = FAMILY_ERROR / max(1, 2 * len(asked) - decided)
    return [
        _verdict(task, claim, found, pair, level)
        for (task, claim), found, pair in zip(asked, contrasts, adjusted, strict=True)
    ]


def contrasts_info(frame: pd.DataFrame, task: str, claim: Claim) -> tuple[Contrast, ...]:
    """The contrasts of a claim on one task, named by its label."""
    here = frame[frame["task"] == task]
    return tuple(_contrast(here, comparison) for comparison in claim.comparisons)


def accuracies(here: pd.DataFrame, operand: Operand) -> pd.Series:
    """The test accuracies of an operand in [0, 1] by seed, of the seeds that have one."""
    if operand.but_not is not None:
        return _shares(here, operand, operand.but_not)
    rows = here[here["arm"] == operand.arm]
    if operand.ensemble:
        rows = rows.drop_duplicates("seed")
        return rows.set_index("seed")["ensemble_test_accuracy"].astype(float).dropna()
    return _at_size(rows, operand).set_index("seed")["test_accuracy"].astype(float).dropna()


def _at_size(rows: pd.DataFrame, operand: Operand) -> pd.DataFrame:
    """The rows of an arm that are about the operand's size."""
    if operand.size is not None:
        rows = rows[rows["size"] == operand.size]
    elif rows["size"].nunique() > 1:
        # Which of several sizes is meant cannot be told: none is taken.
        rows = rows.iloc[:0]
    return rows


def _shares(here: pd.DataFrame, operand: Operand, other: Operand) -> pd.Series:
    """The share of the test images that one gets right and the other wrong, by seed."""
    right, wrong = (
        _at_size(here[here["arm"] == one.arm], one).set_index("seed") for one in (operand, other)
    )
    columns = [right["test_right"], right["test_images"], wrong["test_right"]]
    both = pd.concat(columns, axis=1, join="inner")
    return pd.Series(
        {
            seed: float(np.mean(_flags(mine, images) & ~_flags(theirs, images)))
            for seed, mine, images, theirs in both.dropna().itertuples()
        },
        dtype=float,
    )


def _flags(text: str, images: float) -> np.ndarray:
    return unpack_flags(text, int(images))


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


def reading(verdicts: Sequence[Verdict]) -> str:
    """How many claims ended how, in a sentence."""
    count: defaultdict[str, int] = defaultdict(int)
    for verdict in verdicts:
        count[verdict.ending] += 1
    return (
        f"Each on its task and budget: {count['supported']} supported, {count['contradicted']} "
        f"contradicted, {count['undecided']} undecided."
    )


def _contrast(here: pd.DataFrame, comparison: Comparison) -> Contrast:
    operands = comparison.operands
    weights = [1 / len(comparison.above)] * len(comparison.above)
    weights += [-1 / len(comparison.below)] * len(comparison.below)
    series = [accuracies(here, operand) for operand in operands]
    empty = [operand_text(o) for o, found in zip(operands, series, strict=True) if found.empty]
    both = pd.concat(series, axis=1, join="inner")
    difference = 100 * (both.to_numpy(dtype=float) @ weights) - comparison.margin
    images = here["test_images"].dropna()
    error = sampling_error(
        [
            (weight, float(found.mean()), float(images.iloc[0]))
            for weight, found in zip(weights, series, strict=True)
            if not found.empty
        ]
    )
    return Contrast(comparison, sample(list(difference)), error, ", ".join(dict.fromkeys(empty)))


def _p_values(contrasts: Sequence[Contrast]) -> tuple[float, float]:
    """The p-values of support and of contradiction."""
    samples = [contrast.sample for contrast in contrasts]
    if min(found.n for found in samples) < MIN_PAIRS:
        return 1.0, 1.0
    supported = max(found.p_above for found in samples)
    return supported, min(1.0, len(samples) * min(found.p_below for found in samples))


def _verdict(
    task: str,
    claim: Claim,
    contrasts: tuple[Contrast, ...],
    p_values: tuple[float, float],
    level: float,
) -> Verdict:
    ending: Ending = "undecided"
    reason, more = "", None
    if p_values[0] <= FAMILY_ERROR:
        ending = "supported"
    elif p_values[1] <= FAMILY_ERROR:
        ending = "contradicted"
    else:
        more = _more_seeds([contrast.sample for contrast in contrasts], level)
        reason = _reason(contrasts)
    return Verdict(task, claim, ending, contrasts, *p_values, more, reason)


def _reason(contrasts: Sequence[Contrast]) -> str:
    missing = ", ".join(dict.fromkeys(c.missing for c in contrasts if c.missing))
    if missing:
        return f"no accuracy of {missing}"
    pairs = min(contrast.sample.n for contrast in contrasts)
    if pairs < MIN_PAIRS:
        return f"{pairs} paired seeds, at least {MIN_PAIRS} are needed"
    return "seeds differ too much for an effect of this size"


def _more_seeds(samples: Sequence[Sample], level: float) -> float | None:
    """For support if all means are above zero, else for contradiction by the clearest one.

    Comparisons of one claim are taken as independent, which is cautious where they share an arm.
    """
    n = min(found.n for found in samples)
    if n < MIN_PAIRS:
        return None
    if all(found.mean > 0 for found in samples):
        return more_seeds(lambda k: prod(sample_power(s, k, level) for s in samples), n)
    turned = [_turned(found) for found in samples]
    within = level / len(samples)
    return more_seeds(lambda k: max(sample_power(s, k, within) for s in turned), n)


def _turned(found: Sample) -> Sample:
    return Sample(found.n, -found.mean, found.sd)


def _side_text(operands: Sequence[Operand]) -> str:
    texts = [operand_text(operand) for operand in operands]
    return texts[0] if len(texts) == 1 else f"mean of {', '.join(texts)}"
