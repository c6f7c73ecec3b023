from dataclasses import replace
from math import isnan, nan

import pytest

from analysis.data.frames import ARM_COLUMNS, arms_frame
from analysis.render.html import html_page
from analysis.render.numbers import MISSING
from analysis.sections.arm_tables import (
    arm_table,
    cost_table,
    differences_sentence,
    paper_table,
)
from analysis.stats.arms import Difference, arms_info
from tests.support.arms import arm_summary, arms_rows
from tests.support.helpers import study

ABLATION = study(seeds=4).ablation("quick")


def test_the_sentence_names_significant_differences_only() -> None:
    baseline = arm_summary("static", 1, 50)
    better = arm_summary("good", 1, 52, Difference(2, 1, 3, 5, 0.01, 0.03))
    worse = arm_summary("bad", 1, 48, Difference(-2, -3, -1, 5, 0.01, 0.03))
    alone = arm_summary("alone", 1, 52, Difference(2, 0.1, 4, 5, 0.04, 0.08))
    unsure = arm_summary("unsure", 1, 51, Difference(1, -1, 3, 5))
    unknown = arm_summary("one seed", 1, 51, Difference(1, nan, nan, 1))
    text = differences_sentence([baseline, better, worse, unsure, alone])
    assert "good is significantly above static; bad is significantly below static (Holm)" in text
    assert "alone" not in text and "other differences are not significant" in text
    text = differences_sentence([baseline, unsure])
    assert "no arm is significantly different from static (Holm; 5 paired seeds)" in text
    text = differences_sentence([baseline, unknown])
    assert "different from static (Holm; 1 paired seed, at least 3 are needed)" in text
    sizes = [replace(arm_summary(f"many at {size} px", 1, 50), size=size) for size in (16, 8)]
    assert "good is significantly above many at 8 px " in differences_sentence(
        [*sizes, replace(better, size=8)]
    )


def test_csv_holds_the_numbers_of_the_summary() -> None:
    arms = arms_info(arms_rows({"static": [0.5, 0.6, 0.7], "coconv": [0.6, 0.8]}), ABLATION)
    table = arms_frame(arms).set_index("arm")
    assert table.loc["static", "test_accuracy_mean"] == pytest.approx(60)
    assert table.loc["static", "published_cifar100"] == 71.87
    assert table.loc["coconv", "difference"] == pytest.approx(15)
    assert table["pairs"].tolist()[1] == 2


def test_top_5_is_a_column_where_it_was_measured() -> None:
    rows = arms_rows({"static": [0.5, 0.6], "coconv": [0.6, 0.8]})
    older = arm_table(arms_info(rows, ABLATION), same_protocol=False)
    assert "top-5, %" not in older.headings
    rows["test_top5_accuracy"] = [0.75, 0.875, nan, nan]
    arms = arms_info(rows, ABLATION)
    found = arms_frame(arms).set_index("arm")["test_top5_accuracy_mean"]
    assert found["static"] == 81.25 and isnan(found["coconv"])
    table = arm_table(arms, same_protocol=False)
    place = table.headings.index("top-5, %")
    assert place == table.headings.index("test accuracy, %") + 1
    assert [row[place] for row in table.rows] == ["81.25", MISSING]
    assert len(table.headings) == len(table.rows[0])


def test_html_is_escaped() -> None:
    table = arm_table([arm_summary("<b>&", 1, 50)], same_protocol=False)
    page = html_page("costs.html", title="", explanation="", verdicts=table, figures=table)
    assert "<b>" not in page
    assert page.count("&lt;b&gt;&amp;") == 2


def test_costs_stand_beside_the_accuracy_in_every_table() -> None:
    summary = replace(
        arm_summary("a", 1500, 50), epoch_seconds=1.234, peak_memory=2.5e6, latency_ms=0.5
    )
    assert cost_table([summary]).rows == (("a", "1", "1.5 k", "1.5 k", "1.23", "2.5 MB", "0.5"),)
    table = arm_table([summary], same_protocol=True)
    row = dict(zip(table.headings, table.rows[0], strict=True))
    assert (row["s per epoch"], row["peak memory"], row["MACs"]) == ("1.23", "2.5 MB", "1,500")
    assert set(ARM_COLUMNS) == set(arms_frame([summary]))


def test_an_ensemble_says_that_the_baseline_has_none() -> None:
    sizes = [replace(arm_summary(f"many at {size} px", 1, 50), size=size) for size in (16, 8)]
    ensemble = arm_summary("RS-Net, ensemble", 1, 52, Difference(nan, nan, nan, 0))
    waiting = replace(ensemble, arm="RS-Net at 8 px", size=8)
    rows = arm_table([*sizes, ensemble, waiting], same_protocol=True).rows
    assert "not compared: the baseline has no ensemble" in rows[2]
    assert "no pairs yet" in rows[3]


def test_printed_accuracies_have_a_table_of_their_own_on_a_terminal() -> None:
    static = replace(arm_summary("static", 1, 50), published={"cifar100": 71.87, "stl10": 80.0})
    other = replace(arm_summary("other", 1, 50), published={"stl10": 81.5})
    arms = [static, other, arm_summary("ours", 1, 50)]
    printed = paper_table(arms, same_protocol=False)
    assert printed is not None
    assert printed.headings == ("arm", "paper† cifar100", "paper† stl10")
    assert printed.rows == (("static", "71.87", "80.00"), ("other", "–", "81.50"))
    assert paper_table(arms[2:], same_protocol=False) is None
    for shown in (False, True):
        text = str(arm_table(arms, same_protocol=True, compact=True, printed=shown))
        assert ("71.87" in text) is shown
