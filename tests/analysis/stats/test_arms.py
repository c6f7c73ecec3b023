from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest

from analysis.render.numbers import interval_text
from analysis.sections.arm_tables import arm_table
from analysis.stats.arms import arms_info, paired_difference, published_accuracies
from studies import Arm, Published
from tests.support.arms import arms_rows
from tests.support.helpers import STATIC, study, with_design, with_study

ABLATION = study(seeds=4).ablation("quick")


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
    arms = arms_info(arms_rows({"coconv": [0.6, 0.8], "static": [0.5, 0.6, 0.7]}), ABLATION)
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
    small = arms_rows({"coconv": [0.5, 0.6]}, {"coconv": 40}).assign(size=4)
    between = small.assign(size=6, trained=False)
    data = pd.concat([arms_rows({"static": [0.5, 0.5], "coconv": [0.6, 0.8]}), small, between])
    static, large, low = arms_info(data, ABLATION)
    assert (static.arm, large.arm, low.arm) == ("static", "coconv at 8 px", "coconv at 4 px")
    assert (large.macs, low.macs) == (100, 40)
    assert large.difference is not None
    assert low.difference is not None
    assert (large.difference.mean, low.difference.mean) == pytest.approx((20, 5))


def test_diverged_seeds_are_counted_apart_and_never_averaged() -> None:
    static, experts = arms_info(arms_rows({"static": [0.5, 0.6], "coconv": [nan, 0.7]}), ABLATION)
    assert (experts.n, experts.ended_early, experts.mean) == (1, 1, pytest.approx(70))
    assert experts.difference is not None
    assert experts.difference.pairs == 1
    assert "(1 ended early)" in arm_table([static, experts], same_protocol=True).rows[1][7]


def test_all_seeds_diverged_is_not_a_number_anywhere() -> None:
    (_, experts) = arms_info(arms_rows({"static": [0.5], "coconv": [nan, nan]}), ABLATION)
    assert experts.n == 0
    assert isnan(experts.mean)
    assert arm_table([experts], same_protocol=True).rows[0][7] == "none (2 ended early)"


def test_differences_are_corrected_over_all_arms_and_tasks() -> None:
    """A difference of p = 0.02 is significant alone, but not among three."""
    static = [0.50, 0.52, 0.48, 0.51, 0.53]
    gains = [0.01, 0.03, 0.02, 0.04, 0.01]
    arms = {"static": static, "coconv": [a + b for a, b in zip(static, gains, strict=True)]}
    (_, alone) = arms_info(arms_rows(arms), ABLATION)
    assert alone.difference is not None
    assert alone.difference.significant
    assert alone.difference.p_holm == pytest.approx(alone.difference.p)
    others = [Arm(name, STATIC) for name in ("static", "coconv", "b", "c")]
    ablation = with_design(ABLATION, arms=tuple(others))
    mixed = {"b": [0.5, 0.51, 0.5, 0.5, 0.52], "c": [0.51, 0.5, 0.52, 0.5, 0.5]}
    (_, among, _, _) = arms_info(arms_rows({**arms, **mixed}), ablation)
    assert among.difference is not None
    assert among.difference.p == pytest.approx(alone.difference.p)
    assert among.difference.p_holm == pytest.approx(3 * alone.difference.p)
    assert not among.difference.significant
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
    ablation = with_study(ABLATION, published=figures)
    rows = [("coconv at 8 px", 8), ("coconv at 4 px", 4), ("coconv, ensemble", None), ("static", 8)]
    accuracies = [published_accuracies(ablation, name, "digits", size) for name, size in rows]
    assert accuracies == [{"digits": value} for value in (70.0, 60.0, 75.0, 65.0)]
