"""The non-dominated filter and the orders of points, against slow definitions."""

from random import Random

import numpy as np
import pytest

from studies.samplers.pareto import by_error, by_fronts, epsilon_net, non_dominated
from tests.support.pareto import slow_front, slow_order


def random_points(rng: Random, objectives: int, count: int) -> list[tuple[float, ...]]:
    """Whole numbers of few values: equal points and equal distances occur."""
    return [tuple(float(rng.randrange(7)) for _ in range(objectives)) for _ in range(count)]


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_non_dominated_points_are_those_that_no_other_dominates(objectives: int) -> None:
    points = 2 * random_points(Random(objectives), objectives, 30)
    front = slow_front(points)
    assert np.flatnonzero(non_dominated(np.array(points))).tolist() == front
    first = [i for i in front if points[i] not in points[:i]]
    assert len(first) < len(front)
    mask = non_dominated(np.array(points), keep_equal=False)
    assert np.flatnonzero(mask).tolist() == first


def test_points_are_compared_within_their_set() -> None:
    points = np.array(random_points(Random(2), 2, 40))
    sets = np.arange(40) % 3
    mask = non_dominated(points, sets=sets)
    for number in range(3):
        assert mask[sets == number].tolist() == non_dominated(points[sets == number]).tolist()


def test_of_no_points_none_is_non_dominated() -> None:
    assert non_dominated(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_order_is_by_fronts_then_farthest_first(objectives: int) -> None:
    rng = Random(objectives)
    for count in (1, 2, 5, 30):
        points = random_points(rng, objectives, count)
        assert by_fronts(np.array(points)).tolist() == slow_order(points)


def test_the_net_spreads_whatever_the_units() -> None:
    front = np.array([[0.0, 4e6], [0.1, 3.9e6], [0.2, 3.8e6], [0.5, 2e6], [1.0, 0.0]])
    assert epsilon_net(front).tolist() == [0, 4, 3, 2, 1]
    assert epsilon_net(front * [1, 1e-6]).tolist() == [0, 4, 3, 2, 1]


def test_asha_orders_by_error_alone() -> None:
    assert by_error(np.array([[2.0, 0.0], [1.0, 9.0], [2.0, 1.0]])).tolist() == [1, 0, 2]
