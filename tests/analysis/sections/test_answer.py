"""The answer says no more than the statistics do."""

from dataclasses import replace
from math import nan

import pytest

from analysis.sections.answer import ablation_answer, macs_change
from analysis.stats.arms import Difference
from analysis.stats.verdicts import Verdict
from studies.spec.claims import Claim, exceeds
from tests.support.arms import arm_summary

BASE = arm_summary("static", 100, 50)
BETTER = arm_summary("good", 108, 52.1, Difference(2.1, 1.2, 3.0, 6, 0.001, 0.002))
WORSE = arm_summary("bad", 100, 48, Difference(-2, -3, -1, 6, 0.01, 0.03))
UNSURE = arm_summary("unsure", 130, 50.3, Difference(0.32, -0.08, 0.71, 6, 0.1, 0.3))


@pytest.mark.parametrize(
    ("arms", "answer"),
    [
        (
            [BETTER, UNSURE],
            "good beats static by 2.1 points (1.2 to 3.0) for 8 % more MACs; "
            "6 seeds cannot tell unsure from static.",
        ),
        (
            [WORSE, UNSURE, replace(UNSURE, arm="two")],
            "bad is worse than static by 2.0 points (1.0 to 3.0); "
            "6 seeds cannot tell 2 other arms from static.",
        ),
        (
            [UNSURE],
            "Undecided: 6 seeds cannot tell unsure from static, +0.32 points (−0.08 to 0.71) for "
            "30 % more MACs.",
        ),
        (
            [UNSURE, replace(UNSURE, arm="two", difference=Difference(-0.1, -1, 0.8, 6))],
            "Undecided: 6 seeds cannot tell any arm from static. Largest difference: unsure, "
            "+0.32 points (−0.08 to 0.71) for 30 % more MACs.",
        ),
        (
            [BETTER, replace(BETTER, arm="two"), replace(BETTER, arm="three", mean=53.0)],
            "three beats static by 2.1 points (1.2 to 3.0) for 8 % more MACs; 2 other arms are "
            "better than the baseline too.",
        ),
        (
            [replace(UNSURE, difference=Difference(1, nan, nan, 1))],
            "Too early to say: 1 paired seed so far, at least 3 are needed.",
        ),
        ([], "Too early to say: 0 paired seeds so far, at least 3 are needed."),
    ],
)
def test_the_answer_of_an_ablation(arms: list, answer: str) -> None:  # type: ignore[type-arg]
    assert ablation_answer([BASE, *arms]) == answer


def test_arms_at_a_size_are_compared_with_the_baseline_at_that_size() -> None:
    sizes = [replace(BASE, arm=f"static at {size} px", size=size) for size in (16, 8)]
    at_8 = replace(BETTER, arm="good at 8 px", size=8)
    assert ablation_answer([*sizes, at_8]).startswith("good at 8 px beats static at 8 px by 2.1")


def test_changes_of_macs_in_words() -> None:
    assert [macs_change(macs, 1000) for macs in (1000, 1004, 800, 3500)] == [
        "the same MACs", "0.4 % more MACs", "20 % fewer MACs", "250 % more MACs",
    ]  # fmt: skip


def test_decided_claims_are_the_answer_where_no_arm_differs() -> None:
    claim = Claim("Two are better than one", "Table 1", exceeds("two", "one"))
    equal = Verdict("t", claim, "equivalent", (), 0.9, 0.9, 0.01, 0.5, None, "")
    open_ = replace(equal, conclusion="undecided")
    assert ablation_answer([BASE, UNSURE], [open_, equal]) == (
        "Equivalent within 0.5 points: Two are better than one. 6 seeds cannot tell unsure from "
        "static, +0.32 points (−0.08 to 0.71) for 30 % more MACs."
    )
    supported = replace(equal, conclusion="supported")
    assert ablation_answer([BASE, UNSURE], [supported]).startswith("Supported: Two are better")
    assert ablation_answer([BASE, UNSURE], [open_]).startswith("Undecided: 6 seeds")
    assert ablation_answer([BASE, BETTER], [supported]).startswith("good beats static")
