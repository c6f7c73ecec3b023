from pathlib import Path

import pytest

from analysis.data.runs import read_run
from analysis.sections.verdict_tables import conclusion_text, looking_sentences, verdict_table
from analysis.stats.verdicts import verdicts_info
from studies.spec.claims import exceeds
from tests.analysis.stats.test_verdicts import claim, plan, task_frame
from tests.support.helpers import write_ablation

BASE = [50.0, 51.0, 52.0, 50.5, 51.5, 50.2]


@pytest.mark.parametrize(
    ("gain", "text"),
    [
        (5.0, "supported"),
        (-5.0, "contradicted"),
        (0.0, "equivalent within 0.5 points"),
        (0.25, "supported, within 0.5 points"),
        (-0.25, "contradicted, within 0.5 points"),
    ],
)
def test_a_conclusion_says_whether_the_difference_is_within_the_margin(
    gain: float, text: str
) -> None:
    noise = (0.02, -0.02, 0.01, -0.01, 0.03, -0.03)
    better = [value + gain + n for value, n in zip(BASE, noise, strict=True)]
    data = task_frame(a=better, b=BASE)
    (verdict,) = verdicts_info(data, plan(claim(*exceeds("a", "b"))))
    assert conclusion_text(verdict) == text
    assert text in verdict_table([verdict]).rows[0]


def test_an_undecided_study_says_what_more_seeds_need(tmp_path: Path) -> None:
    write_ablation(tmp_path)
    (sentence,) = looking_sentences(read_run(tmp_path))
    assert "more likely than 5 %; --until-decided allows for the looking" in sentence
