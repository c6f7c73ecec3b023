"""Rows of forest plots: the arms of a study, and its claims."""

from analysis.render.forest_drawing import ForestRow
from analysis.sections.verdict_tables import conclusion_text
from analysis.stats.arms import ArmSummary
from analysis.stats.verdicts import Verdict


def arm_row(arm: ArmSummary) -> ForestRow:
    """The difference of an arm to the baseline; better and worse are significant ones."""
    difference = arm.difference
    if difference is None:
        raise ValueError(f"{arm.arm} is the baseline")
    verdict, word = "undecided", "undecided"
    if not difference.pairs:
        word = "not compared"
    elif difference.significant:
        better = difference.mean > 0
        verdict, word = ("supported", "better") if better else ("contradicted", "worse")
    return ForestRow(arm.arm, difference.mean, difference.low, difference.high, verdict, word)


def verdict_row(verdict: Verdict, *, several: bool) -> ForestRow:
    """The comparison that decides a claim; its task is named where there are `several`."""
    estimate = verdict.weakest.estimate
    name = verdict.claim.text + (f" ({verdict.task})" if several else "")
    return ForestRow(
        name, estimate.mean, estimate.low, estimate.high, verdict.conclusion,
        conclusion_text(verdict).replace(" points", ""),
    )  # fmt: skip
