"""Whether claims are decided: supported, contradicted, equivalent, or not yet.

A claim has one or more comparisons. Their differences d are compared with the margins that it
names (zero for "a > b"), and with the study's equivalence margin m.

- supported: every d is greater than its margin (intersection-union test: the largest p-value);
- contradicted: some d is less than its margin (Bonferroni: the smallest p-value, times their
  number);
- equivalent: the smallest d lies within m of zero, that is, every d is greater than -m and some d
  is less than m (two one-sided tests: the larger of both p-values, each made as above). A claim
  that names a margin beyond m is about more than that, and is not tested for it.

The family is the whole study: both directions of every claim on every task, corrected by Holm's
method. Equivalence needs no correction of its own: where it is false, say all d >= m, it can be
concluded only from a bound that lies below the truth, as a contradiction is, so that both errors
together are no more probable than the bound's. It is tested at the level that Holm has reached,
FAMILY_ERROR / (2 claims - decided directions).

With a planned maximum of seeds every t test becomes sequential (`sequential`), and all of this
holds whenever one looks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from studies.spec.ablation import Ablation
from studies.spec.claims import Claim
from studies.stats.differences import paired_differences
from studies.stats.sequential import check_max_seeds, sequential_p
from studies.stats.t_tests import FAMILY_ERROR, MIN_PAIRS, holm_pairs, prefix_p_values

Conclusion = Literal["supported", "contradicted", "equivalent", "undecided"]
CONCLUSIONS: tuple[Conclusion, ...] = ("supported", "contradicted", "equivalent", "undecided")


@dataclass(frozen=True)
class Sample:
    """The differences of one comparison in points, in the order of seeds, and its margin."""

    differences: tuple[float, ...]
    margin: float = 0.0


@dataclass(frozen=True)
class Decision:
    """The conclusion on a claim and its p-values, adjusted over the study.

    Several p-values may be small: a claim that is supported may be equivalent as well, if the
    difference is significant and less than the equivalence margin. The first one counts.
    """

    conclusion: Conclusion
    p_supported: float
    p_contradicted: float
    p_equivalent: float

    @property
    def is_decided(self) -> bool:
        """Whether the conclusion is any but undecided."""
        return self.conclusion != "undecided"


@dataclass(frozen=True)
class ClaimDecision:
    """The decision on a claim on the task with this label."""

    task: str
    claim: Claim
    decision: Decision


def study_decisions(
    frame: pd.DataFrame, ablation: Ablation, max_seeds: int | None = None
) -> list[ClaimDecision]:
    """A decision on every claim on each task; `frame` is what `studies.load` gives.

    With `max_seeds`, the planned maximum, one may look after every seed and stop at any.
    """
    claims = [(task.label(), claim) for task in ablation.tasks for claim in ablation.design.claims]
    samples = [claim_samples(frame, task, claim) for task, claim in claims]
    decisions = decide(samples, ablation.design.margin, max_seeds)
    return [
        ClaimDecision(task, claim, decision)
        for (task, claim), decision in zip(claims, decisions, strict=True)
    ]


def claim_samples(frame: pd.DataFrame, task: str, claim: Claim) -> tuple[Sample, ...]:
    """The differences of each comparison of a claim on a task."""
    rows = frame[frame["task"] == task]
    return tuple(
        Sample(tuple(paired_differences(rows, comparison)), comparison.margin)
        for comparison in claim.comparisons
    )


def decide(
    claims: Sequence[Sequence[Sample]], equivalence: float, max_seeds: int | None = None
) -> list[Decision]:
    """A decision on each claim, given the samples of its comparisons.

    `equivalence` is the margin of equivalence in points. Without `max_seeds` the number of seeds
    must have been fixed beforehand; with it, later seeds than the planned maximum are left out.
    """
    if max_seeds is not None:
        check_max_seeds(max_seeds)
    p_values = [_p_values(claim, equivalence, max_seeds) for claim in claims]
    directions = holm_pairs([(p[0], p[1]) for p in p_values])
    return [
        _decision(*pair, _adjusted(p[2], directions))
        for pair, p in zip(directions, p_values, strict=True)
    ]


def _decision(p_supported: float, p_contradicted: float, p_equivalent: float) -> Decision:
    p_values = (p_supported, p_contradicted, p_equivalent)
    first = next((i for i, p in enumerate(p_values) if p <= FAMILY_ERROR), -1)
    return Decision(CONCLUSIONS[first], *p_values)


def _adjusted(p_equivalent: float, directions: Sequence[tuple[float, float]]) -> float:
    """The smallest family error at which Holm's level for what is left reaches the p-value."""
    adjusted = [0.0, *sorted(p for pair in directions for p in pair)]
    family = 2 * len(directions)
    return min(
        1.0,
        *(
            max(adjusted[decided], (family - decided) * p_equivalent)
            for decided in range(len(directions) + 1)
        ),
    )


def _p_values(
    samples: Sequence[Sample], equivalence: float, max_seeds: int | None
) -> tuple[float, float, float]:
    """The p-values of support, contradiction and equivalence of one claim."""
    if min(len(sample.differences) for sample in samples) < MIN_PAIRS:
        return 1.0, 1.0, 1.0
    greater, less = _directions(samples, lambda sample: sample.margin, max_seeds)
    if any(abs(sample.margin) > equivalence for sample in samples):
        return greater, less, 1.0
    above, _ = _directions(samples, lambda sample: -equivalence, max_seeds)
    _, below = _directions(samples, lambda sample: equivalence, max_seeds)
    return greater, less, max(above, below)


def _directions(
    samples: Sequence[Sample], border: Callable[[Sample], float], max_seeds: int | None
) -> tuple[float, float]:
    """P-values of "every mean is greater than its border" and of "some mean is less"."""
    pairs = [prefix_p_values(sample.differences, border(sample)) for sample in samples]
    greater, less = ([_looked(p, max_seeds) for p in side] for side in zip(*pairs, strict=True))
    return max(greater), min(1.0, len(samples) * min(less))


def _looked(p_values: Sequence[float], max_seeds: int | None) -> float:
    """The p-value of the last look, if it was the only one; that of all looks so far otherwise."""
    return float(p_values[-1]) if max_seeds is None else sequential_p(p_values, max_seeds)
