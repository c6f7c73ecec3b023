import numpy as np
import pytest

from analysis.stats.hypervolume import (
    ReferenceBox,
    SearchTrajectory,
    expected_hypervolume_info,
    hypervolume_info,
    hypervolumes,
    job_counts,
)


def trajectory(points: list[tuple[float, float]], ended: list[int], count: int) -> SearchTrajectory:
    return SearchTrajectory(np.array(points), np.array(ended), np.arange(1.0, count + 1))


def test_volume_grows_by_what_each_trial_adds() -> None:
    """Rectangles to (1, 1); the third trial truncated, the fourth dominated, the last adds 0.02."""
    search = trajectory([(0.5, 0.5), (0.2, 0.9), (0.6, 0.6), (0.4, 0.7)], [1, 2, 4, 5], 5)
    volumes = hypervolumes(search, np.arange(1, 6))
    assert volumes == pytest.approx([0.25, 0.28, 0.28, 0.28, 0.3])


def test_expectation_over_orders_in_closed_form() -> None:
    """Two trials worth 0.25 and 0.01: the first is either, both together are 0.25."""
    search = trajectory([(0.5, 0.5), (0.9, 0.9)], [1, 2], 2)
    info = expected_hypervolume_info("x", search)
    first, last = info["hypervolume"]
    assert last == pytest.approx(0.25)
    assert first == pytest.approx(0.13, abs=0.05)
    assert hypervolume_info("x", search)["hypervolume"].tolist() == [0.25, 0.25]
    assert job_counts(10_000)[[0, -1]].tolist() == [1, 10_000]


def test_costs_count_by_their_logarithm() -> None:
    box = ReferenceBox(cheapest=10, costliest=1000, worst=10)
    unit = box.normalise(np.array([10.0, 100, 1000]), np.array([100.0, 55, 10]))
    assert unit == pytest.approx(np.array([[0, 0], [0.5, 0.5], [1, 1]]))
