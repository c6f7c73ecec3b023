from pathlib import Path

import numpy as np
import pytest

from analysis.data.runs import read_run
from analysis.stats.hypervolume import Box, Trials, expected_info, stops, volume_info, volumes
from analysis.stats.hypervolume import hypervolume_parts as parts
from tests.support.helpers import write_ablation, write_search


def trials(points: list[tuple[float, float]], ended: list[int], count: int) -> Trials:
    return Trials(np.array(points), np.array(ended), np.arange(1.0, count + 1))


def test_volume_grows_by_what_each_trial_adds() -> None:
    """Rectangles to (1, 1); the third trial truncated, the fourth dominated, the last adds 0.02."""
    one = trials([(0.5, 0.5), (0.2, 0.9), (0.6, 0.6), (0.4, 0.7)], [1, 2, 4, 5], 5)
    found = volumes(one, np.arange(1, 6))
    assert found == pytest.approx([0.25, 0.28, 0.28, 0.28, 0.3])


def test_expectation_over_orders_in_closed_form() -> None:
    """Two trials worth 0.25 and 0.01: the first is either, both together are 0.25."""
    one = trials([(0.5, 0.5), (0.9, 0.9)], [1, 2], 2)
    info = expected_info("x", one)
    first, last = info["hypervolume"]
    assert last == pytest.approx(0.25)
    assert first == pytest.approx(0.13, abs=0.05)
    assert volume_info("x", one)["hypervolume"].tolist() == [0.25, 0.25]
    assert stops(10_000)[[0, -1]].tolist() == [1, 10_000]


def test_costs_count_by_their_logarithm() -> None:
    box = Box(cheapest=10, costliest=1000, worst=10)
    unit = box.unit(np.array([10.0, 100, 1000]), np.array([100.0, 55, 10]))
    assert unit == pytest.approx(np.array([[0, 0], [0.5, 0.5], [1, 1]]))


def test_a_report_says_what_stands_for_random_search(tmp_path: Path) -> None:
    write_search(tmp_path)
    found = parts([read_run(tmp_path)])
    assert [part.name for part in found] == ["hypervolume-trials", "hypervolume-time"]
    assert "not what random search would have found" in found[0].text[1]
    table = found[0].tables[0].frame
    own = table[table["low"].isna()]
    assert own["hypervolume"].is_monotonic_increasing
    # Eight trials, one of them a repetition, and a replicate.
    assert own["trials"].max() == 8


def test_an_ablation_has_none(tmp_path: Path) -> None:
    write_ablation(tmp_path)
    assert parts([read_run(tmp_path)]) == []
