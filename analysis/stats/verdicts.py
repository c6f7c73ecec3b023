"""Verdicts on the claims of a study, on its tasks and within its budget.

`studies.stats.decisions` decides; a verdict adds the estimates behind the decision, the number of
additional seeds, and the reason why a claim is undecided.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import pandas as pd

from analysis.stats.contrasts import Contrast, contrasts_info
from analysis.stats.inference import MeanEstimate, additional_seeds, estimated_power
from studies import Ablation, Claim, Design
from studies.spec.words import count
from studies.stats.decisions import Conclusion, Decision, decide
from studies.stats.t_tests import FAMILY_ERROR, MIN_PAIRS


@dataclass(frozen=True)
class Verdict:
    """The conclusion on a claim on one task.

    The p-values are adjusted over the study; the first one of at most 5 % decides. `margin` is that
    of equivalence, in points. `additional_seeds` is how many more would decide with 80 % power if
    mean and sd stayed as they are (inf: more than 1000; None: decided, too few pairs to estimate
    it, or a study that goes on until it is decided). `reason` says why a claim is undecided.
    """

    task: str
    claim: Claim
    conclusion: Conclusion
    contrasts: tuple[Contrast, ...]
    p_supported: float
    p_contradicted: float
    p_equivalent: float
    margin: float
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

    @property
    def p_value(self) -> float:
        """The p-value of the conclusion; of an undecided claim the smallest one."""
        named = {
            "supported": self.p_supported,
            "contradicted": self.p_contradicted,
            "equivalent": self.p_equivalent,
        }
        return named.get(self.conclusion, min(named.values()))


def verdicts_info(frame: pd.DataFrame, ablation: Ablation) -> list[Verdict]:
    """A verdict on every claim on each task; `frame` is what `studies.load` gives."""
    claims = [(task, claim) for task in ablation.tasks for claim in ablation.design.claims]
    most = ablation.design.max_seeds
    contrasts = [
        (task.label(), claim, contrasts_info(frame, task, claim, most)) for task, claim in claims
    ]
    return judged(contrasts, ablation.design)


def judged(
    claims: Sequence[tuple[str, Claim, tuple[Contrast, ...]]], design: Design
) -> list[Verdict]:
    """A verdict on each claim, given its task and contrasts; all of them are one family."""
    samples = [[contrast.sample for contrast in group] for _, _, group in claims]
    decisions = decide(samples, design.margin, design.max_seeds)
    level = None if design.max_seeds else _level(decisions)
    return [
        _verdict(task, claim, group, decision, design, level)
        for (task, claim, group), decision in zip(claims, decisions, strict=True)
    ]


def _level(decisions: Sequence[Decision]) -> float:
    """The level that Holm's method tests what is left at."""
    pairs = [(decision.p_supported, decision.p_contradicted) for decision in decisions]
    decided = sum(p <= FAMILY_ERROR for pair in pairs for p in pair)
    return FAMILY_ERROR / max(1, 2 * len(decisions) - decided)


def _verdict(
    task: str,
    claim: Claim,
    contrasts: tuple[Contrast, ...],
    decision: Decision,
    design: Design,
    level: float | None,
) -> Verdict:
    p_values = (decision.p_supported, decision.p_contradicted, decision.p_equivalent)
    more, reason = None, ""
    if not decision.is_decided:
        # Seeds are added by the run itself where it goes on until it is decided.
        more = None if level is None else _additional_seeds(contrasts, design.margin, level)
        reason = _reason(contrasts, design.max_seeds)
    return Verdict(
        task, claim, decision.conclusion, contrasts, *p_values, design.margin, more, reason
    )


def _reason(contrasts: Sequence[Contrast], max_seeds: int | None) -> str:
    missing = ", ".join(dict.fromkeys(c.missing for c in contrasts if c.missing))
    if missing:
        return f"no accuracy of {missing}"
    pairs = min(contrast.estimate.n for contrast in contrasts)
    if pairs < MIN_PAIRS:
        return f"{count(pairs, 'paired seed')}, at least {MIN_PAIRS} are needed"
    if max_seeds is None:
        return "seeds differ too much for an effect of this size"
    if pairs >= max_seeds:
        return f"the planned maximum of {count(max_seeds, 'seed')} is reached"
    return f"{count(pairs, 'paired seed')} of a planned maximum of {max_seeds}"


def _additional_seeds(contrasts: Sequence[Contrast], margin: float, level: float) -> float | None:
    """For the likeliest conclusion in a direction, or for equivalence, whichever takes fewer.

    Comparisons of one claim are taken as independent, which is cautious where they share an arm.
    """
    estimates = [contrast.estimate for contrast in contrasts]
    n = min(estimate.n for estimate in estimates)
    if n < MIN_PAIRS:
        return None
    if all(estimate.mean > 0 for estimate in estimates):
        more = additional_seeds(lambda k: _all_greater(estimates, k, level), n)
    else:
        more = additional_seeds(lambda k: _some_less(estimates, k, level), n)
    margins = [contrast.comparison.margin for contrast in contrasts]
    if any(abs(claimed) > margin for claimed in margins):
        return more
    above, below = (
        [
            replace(estimate, mean=estimate.mean + claimed + shift)
            for estimate, claimed in zip(estimates, margins, strict=True)
        ]
        for shift in (margin, -margin)
    )
    both = additional_seeds(
        lambda k: _all_greater(above, k, level) + _some_less(below, k, level) - 1, n
    )
    return min(more, both)


def _all_greater(estimates: Sequence[MeanEstimate], n: int, level: float) -> float:
    """The power of n pairs to find every mean greater than zero."""
    return prod(estimated_power(estimate, n, level) for estimate in estimates)


def _some_less(estimates: Sequence[MeanEstimate], n: int, level: float) -> float:
    """The power of n pairs to find the likeliest of the means less than zero (Bonferroni)."""
    negated = [replace(estimate, mean=-estimate.mean) for estimate in estimates]
    return max(estimated_power(estimate, n, level / len(estimates)) for estimate in negated)
