from dataclasses import replace
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest

from analysis.data.frames import ARM_COLUMNS, arms_frame
from analysis.render.tables import (
    Cells,
    cost_cells,
    engineering,
    html_table,
    interval_text,
    latex_table,
    markdown_table,
    summary_cells,
)
from analysis.stats.comparisons import (
    ArmSummary,
    Difference,
    arms_info,
    front,
    paired_difference,
    published,
    reading,
)
from studies import COLUMNS, Arm, Published
from tests.support.helpers import STATIC, TASK, study, with_design, with_study

PLAN = study(seeds=4).ablation("quick")


def frame(accuracies: dict[str, list[float]], macs: dict[str, int] | None = None) -> pd.DataFrame:
    """What `studies.load` would give for these test accuracies by arm and seed."""
    rows = []
    for arm, values in accuracies.items():
        for seed, value in enumerate(values):
            diverged = isnan(value)
            rows.append(
                {
                    "arm": arm,
                    "task": TASK.label(),
                    "seed": seed,
                    "size": 8,
                    "trained": True,
                    "status": "diverged" if diverged else "finished",
                    "test_accuracy": value,
                    "validation_accuracy": value,
                    "test_images": nan if diverged else 1000,
                    "params": 10,
                    "macs": (macs or {}).get(arm, 100),
                    "training_params": 20,
                    "training_macs": 200,
                    "seconds": 1.0,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def series(values: list[float]) -> pd.Series:
    return pd.Series(values, index=range(len(values)), dtype=float)


def test_paired_interval_in_closed_form() -> None:
    """Differences 1, 2, 3 points: mean 2, sd 1, half width t(0.975, 2) / sqrt(3)."""
    gap = paired_difference(series([0.51, 0.62, 0.73]), series([0.5, 0.6, 0.7]))
    half = 4.302652729911275 / sqrt(3)
    assert (gap.mean, gap.low, gap.high) == pytest.approx((2, 2 - half, 2 + half))
    assert gap.pairs == 3


def test_pairing_removes_what_seeds_share() -> None:
    generator = np.random.default_rng(0)
    shared = generator.normal(0, 0.1, 20)
    baseline = series(list(0.5 + shared))
    gap = paired_difference(baseline + 0.01 + generator.normal(0, 0.001, 20), baseline)
    assert gap.low > 0.9
    assert gap.high < 1.1


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        gap = paired_difference(series(list(generator.normal(0.02, 0.05, 5))), series([0.0] * 5))
        covered += gap.low <= 2 <= gap.high
    assert 0.92 < covered / 400 < 0.98


def test_only_seeds_of_both_arms_are_paired() -> None:
    gap = paired_difference(series([0.5, nan, 0.7]), series([0.4, 0.5, 0.6, 0.9]))
    assert gap.pairs == 2
    assert gap.mean == pytest.approx(10)
    assert paired_difference(series([nan]), series([0.5])).pairs == 0
    single = paired_difference(series([0.6]), series([0.5]))
    assert single.mean == pytest.approx(10)
    assert isnan(single.low)
    assert isnan(single.high)


def test_arms_info_summarises_each_arm_in_order() -> None:
    arms = arms_info(frame({"coconv": [0.6, 0.8], "static": [0.5, 0.6, 0.7]}), PLAN)
    assert [arm.arm for arm in arms] == ["static", "coconv"]
    static, experts = arms
    assert (static.n, static.mean, static.sd) == pytest.approx((3, 60, 10))
    assert static.difference is None
    assert experts.difference is not None
    assert experts.difference.pairs == 2
    assert experts.difference.mean == pytest.approx(15)
    assert static.published == {"cifar100": 71.87}
    assert experts.published == {}


def test_a_network_of_several_sizes_is_compared_at_each() -> None:
    """Against the baseline at its own size where there is one, else against its only one."""
    small = frame({"coconv": [0.5, 0.6]}, {"coconv": 40}).assign(size=4)
    between = small.assign(size=6, trained=False)
    data = pd.concat([frame({"static": [0.5, 0.5], "coconv": [0.6, 0.8]}), small, between])
    static, large, low = arms_info(data, PLAN)
    assert (static.arm, large.arm, low.arm) == ("static", "coconv at 8 px", "coconv at 4 px")
    assert (large.macs, low.macs) == (100, 40)
    assert large.difference is not None
    assert low.difference is not None
    assert (large.difference.mean, low.difference.mean) == pytest.approx((20, 5))


def test_diverged_seeds_are_counted_apart_and_never_averaged() -> None:
    static, experts = arms_info(frame({"static": [0.5, 0.6], "coconv": [nan, 0.7]}), PLAN)
    assert (experts.n, experts.ended_early, experts.mean) == (1, 1, pytest.approx(70))
    assert experts.difference is not None
    assert experts.difference.pairs == 1
    assert "(1 ended early)" in summary_cells([static, experts], same_protocol=True).rows[1][7]


def test_all_seeds_diverged_is_not_a_number_anywhere() -> None:
    (_, experts) = arms_info(frame({"static": [0.5], "coconv": [nan, nan]}), PLAN)
    assert experts.n == 0
    assert isnan(experts.mean)
    assert front([experts]) == []
    assert summary_cells([experts], same_protocol=True).rows[0][7] == "none (2 ended early)"


def arm(name: str, macs: int, mean: float, difference: Difference | None = None) -> ArmSummary:
    return ArmSummary(
        "t", name, difference is None, 1, macs, macs, 3, mean, 1.0, mean, difference, 0, 1.0, {}
    )


def test_front_keeps_what_nothing_cheaper_reaches() -> None:
    arms = [arm("a", 10, 50), arm("b", 20, 40), arm("c", 30, 60), arm("d", 30, 55), arm("e", 9, 50)]
    assert [one.arm for one in front(arms)] == ["e", "c"]
    twins = [arm("x", 10, 50), arm("y", 10, 50)]
    assert len(front(twins)) == 2


def test_reading_claims_what_the_intervals_do() -> None:
    baseline = arm("static", 1, 50)
    better = arm("good", 1, 52, Difference(2, 1, 3, 5, 0.01, 0.03))
    worse = arm("bad", 1, 48, Difference(-2, -3, -1, 5, 0.01, 0.03))
    alone = arm("alone", 1, 52, Difference(2, 0.1, 4, 5, 0.04, 0.08))
    unsure = arm("unsure", 1, 51, Difference(1, -1, 3, 5))
    unknown = arm("one seed", 1, 51, Difference(1, nan, nan, 1))
    text = reading([baseline, better, worse, unsure, alone])
    assert "good is above static; bad is below static; other differences are undecided" in text
    assert "no arm can be told from static with 5 paired seeds" in reading([baseline, unsure])
    assert "no arm can be told" in reading([baseline, unknown])
    sizes = [replace(arm(f"many at {size} px", 1, 50), size=size) for size in (16, 8)]
    assert "good is above many at 8 px;" in reading([*sizes, replace(better, size=8)])


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (75290, "75.3 k"), (1437408, "1.44 M"), (2.219e9, "2.22 G")],
)
def test_engineering_keeps_three_digits(number: float, text: str) -> None:
    assert engineering(number) == text


def test_interval_text_says_what_is_missing() -> None:
    assert interval_text(Difference(1.234, -0.5, 3, 4)) == "+1.23 [-0.50, 3.00]"
    assert interval_text(Difference(1, nan, nan, 1)) == "+1.00 [needs 2 seeds]"
    assert interval_text(Difference(nan, nan, nan, 0)) == "no pairs yet"


def test_csv_holds_the_numbers_of_the_summary() -> None:
    arms = arms_info(frame({"static": [0.5, 0.6, 0.7], "coconv": [0.6, 0.8]}), PLAN)
    table = arms_frame(arms).set_index("arm")
    assert table.loc["static", "test_accuracy_mean"] == pytest.approx(60)
    assert table.loc["static", "published_cifar100"] == 71.87
    assert table.loc["coconv", "difference"] == pytest.approx(15)
    assert table["pairs"].tolist()[1] == 2


def test_html_is_escaped() -> None:
    cells = summary_cells([arm("<b>&", 1, 50)], same_protocol=False)
    assert "<b>" not in html_table(cells).replace("<tbody>", "")
    assert "&lt;b&gt;&amp;" in html_table(cells)


def test_differences_are_corrected_over_all_arms_and_tasks() -> None:
    """One difference of p = 0.02 is told from zero alone, but not among three."""
    static = [0.50, 0.52, 0.48, 0.51, 0.53]
    gains = [0.01, 0.03, 0.02, 0.04, 0.01]
    arms = {"static": static, "coconv": [a + b for a, b in zip(static, gains, strict=True)]}
    (_, alone) = arms_info(frame(arms), PLAN)
    assert alone.difference is not None
    assert alone.difference.decided
    assert alone.difference.p_holm == pytest.approx(alone.difference.p)
    others = [Arm(name, STATIC) for name in ("static", "coconv", "b", "c")]
    plan = with_design(PLAN, arms=tuple(others))
    mixed = {"b": [0.5, 0.51, 0.5, 0.5, 0.52], "c": [0.51, 0.5, 0.52, 0.5, 0.5]}
    (_, among, _, _) = arms_info(frame({**arms, **mixed}), plan)
    assert among.difference is not None
    assert among.difference.p == pytest.approx(alone.difference.p)
    assert among.difference.p_holm == pytest.approx(3 * alone.difference.p)
    assert not among.difference.decided
    assert interval_text(alone.difference).endswith("] *")
    assert interval_text(among.difference).endswith("]")


def test_printed_figures_stand_beside_the_row_they_are_of() -> None:
    figures = (
        Published("digits", "coconv", 70.0, "Table 1", size=8),
        Published("digits", "coconv", 60.0, "Table 1", size=4),
        Published("digits", "coconv", 75.0, "Table 1", ensemble=True),
        Published("digits", "static", 65.0, "Table 2"),
        Published("cifar10", "static", 64.0, "Table 2"),
    )
    plan = with_study(PLAN, published=figures)
    rows = [("coconv at 8 px", 8), ("coconv at 4 px", 4), ("coconv, ensemble", None), ("static", 8)]
    found = [published(plan, name, "digits", size) for name, size in rows]
    assert found == [{"digits": value} for value in (70.0, 60.0, 75.0, 65.0)]


def test_markdown_and_latex_escape_what_they_must() -> None:
    cells = Cells(("arm", "accuracy, %"), (("a|b", "1 ± 2"), ("c_d", "3 †")))
    assert markdown_table(cells) == (
        "| arm | accuracy, % |\n| --- | --: |\n| a\\|b | 1 ± 2 |\n| c_d | 3 † |\n"
    )
    assert latex_table(cells) == (
        "\\begin{tabular}{lr}\n\\toprule\narm & accuracy, \\% \\\\\n\\midrule\n"
        "a|b & 1 $\\pm$ 2 \\\\\nc\\_d & 3 $\\dagger$ \\\\\n\\bottomrule\n\\end{tabular}\n"
    )


def test_costs_stand_beside_the_accuracy_in_every_table() -> None:
    one = replace(arm("a", 1500, 50), epoch_seconds=1.234, peak_memory=2.5e6, latency_ms=0.5)
    assert cost_cells([one]).rows == (("a", "1", "1.5 k", "1.5 k", "1.23", "2.5 MB", "0.5"),)
    cells = summary_cells([one], same_protocol=True)
    row = dict(zip(cells.headings, cells.rows[0], strict=True))
    assert (row["s per epoch"], row["peak memory"], row["MACs"]) == ("1.23", "2.5 MB", "1,500")
    assert set(ARM_COLUMNS) == set(arms_frame([one]))
