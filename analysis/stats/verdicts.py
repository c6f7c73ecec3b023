"""Verdicts on the claims of a study, on its tasks and within its budget.

A claim says that the means of one or more differences, paired by seed, are greater than a margin.
It is *supported* if each of them is significantly greater (an intersection-union test: the largest
p-value counts, and no correction within the claim is needed), *contradicted* if one of them is
significantly less (Bonferroni: the smallest p-value, times their number), else *undecided*.

The family of tests is the whole study: both hypotheses ("the claim is false", "the claim is true")
of every claim on every task, whether or not it can be tested yet. Holm's method over all of them
keeps the probability of one or more wrong verdicts in the study to 5 %, however the claims depend
on each other, as they do through arms that they share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import pandas as pd

from analysis.stats.contrasts import Contrast, contrasts_info
from analysis.stats.inference import (
    FAMILY_ERROR,
    MIN_PAIRS,
    MeanEstimate,
    additional_seeds,
    estimated_power,
    holm_pairs,
)
from studies import Ablation, Claim

Conclusion = Literal["supported", "contradicted", "undecided"]
CONCLUSIONS: tuple[Conclusion, ...] = ("supported", "contradicted", "undecided")


@dataclass(frozen=True)
class Verdict:
    """The conclusion on a claim on one task.

    `p_supported` and `p_contradicted` are adjusted over the study; the smaller one decides, at
    5 %. `additional_seeds` is how many more would decide with 80 % power if mean and sd stayed as
    they are (inf: more than 1000; None: decided, or too few pairs to estimate it). `reason` says
    why a claim is undecided.
    """

    task: str
    claim: Claim
    conclusion: Conclusion
    contrasts: tuple[Contrast, ...]
    p_supported: float
    p_contradicted: float
    additional_seeds: float | None
    reason: str

    @property
    def weakest(self) -> Contrast:
        """The contrast with the largest p-value: the claim is supported only if it holds."""
        return max(self.contrasts, key=lambda contrast: contrast.estimate.p_greater)

    @property
    def pairs(self) -> int:
        """The seeds behind the comparison that has fewest."""
        return min(contrast.estimate.n for contrast in self.contrasts)


def verdicts_info(frame: pd.DataFrame, ablation: Ablation) -> list[Verdict]:
    """A verdict on every claim on each task; `frame` is what `studies.load` gives."""
    claims = [(task.label(), claim) for task in ablation.tasks for claim in ablation.design.claims]
    contrasts = [contrasts_info(frame, task, claim) for task, claim in claims]
    adjusted = holm_pairs([_p_values(group) for group in contrasts])
    decided = sum(p <= FAMILY_ERROR for pair in adjusted for p in pair)
    # Holm tests what is left at the level of the next hypothesis in turn.
    level = FAMILY_ERROR / max(1, 2 * len(claims) - decided)
    return [
        _verdict(task, claim, group, pair, level)
        for (task, claim), group, pair in zip(claims, contrasts, adjusted, strict=True)
    ]


def _p_values(contrasts: Sequence[Contrast]) -> tuple[float, float]:
    """The p-values of support and of contradiction."""
    estimates = [contrast.estimate for contrast in contrasts]
    if min(estimate.n for estimate in estimates) < MIN_PAIRS:
        return 1.0, 1.0
    supported = max(estimate.p_greater for estimate in estimates)
    return supported, min(1.0, len(estimates) * min(estimate.p_less for estimate in estimates))


def _verdict(
    task: str,
    claim: Claim,
    contrasts: tuple[Contrast, ...],
    p_values: tuple[float, float],
    level: float,
) -> Verdict:
    conclusion: Conclusion = "undecided"
    reason, more = "", None
    if p_values[0] <= FAMILY_ERROR:
        conclusion = "supported"
    elif p_values[1] <= FAMILY_ERROR:
        conclusion = "contradicted"
    else:
        more = _additional_seeds([contrast.estimate for contrast in contrasts], level)
        reason = _reason(contrasts)
    return Verdict(task, claim, conclusion, contrasts, *p_values, more, reason)


def _reason(contrasts: Sequence[Contrast]) -> str:
    missing = ", ".join(dict.fromkeys(c.missing for c in contrasts if c.missing))
    if missing:
        return f"no accuracy of {missing}"
    pairs = min(contrast.estimate.n for contrast in contrasts)
    if pairs < MIN_PAIRS:
        return f"{pairs} paired seeds, at least {MIN_PAIRS} are needed"
    return "seeds differ too much for an effect of this size"


def _additional_seeds(estimates: Sequence[MeanEstimate], level: float) -> float | None:
    """For support if all means are greater than zero, else for the most likely contradiction.

    Comparisons of one claim are taken as independent, which is cautious where they share an arm.
    """
    n = min(estimate.n for estimate in estimates)
    if n < MIN_PAIRS:
        return None
    if all(estimate.mean > 0 for estimate in estimates):
        return additional_seeds(lambda k: prod(estimated_power(e, k, level) for e in estimates), n)
    negated = [MeanEstimate(estimate.n, -estimate.mean, estimate.sd) for estimate in estimates]
    bonferroni = level / len(estimates)
    return additional_seeds(lambda k: max(estimated_power(e, k, bonferroni) for e in negated), n)
