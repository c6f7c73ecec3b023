import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.render.axes import log_axis, round_ticks
from analysis.render.labels import label_places


def check_ticks(costs: list[float]) -> None:
    axis = log_axis(costs)
    ticks, labels = axis["tickvals"], axis["ticktext"]
    assert isinstance(ticks, list) and isinstance(labels, list)
    assert 2 <= len(ticks) <= 10
    assert len(set(labels)) == len(ticks)
    start, end = axis["range"]  # type: ignore[misc]
    assert 10**start <= min(costs) and max(costs) <= 10**end
    assert all(10**start <= tick <= 10**end for tick in ticks)


@pytest.mark.parametrize(
    "costs",
    [
        [1, 1.1],
        [53e3, 111e3],
        [5e3, 2e10],
        [7, 7],
        # Arms of attention ablations, whose costs differ by a hundredth of a per cent.
        [2427584, 2427864],
        [19218, 19454, 19227],
    ],
)
def test_ticks_are_round_and_neither_few_nor_many(costs: list[float]) -> None:
    check_ticks(costs)


def test_ticks_of_wide_and_of_narrow_ranges() -> None:
    assert round_ticks(1, 1000) == [1, 10, 100, 1000]
    assert round_ticks(2427590, 2427890) == [2427600 + 50 * step for step in range(6)]
    labels = ["19.25 k", "19.3 k", "19.35 k", "19.4 k", "19.45 k"]
    assert log_axis([19218, 19454])["ticktext"] == labels


@given(st.integers(1, 10**13), st.lists(st.integers(0, 10**4), min_size=1, max_size=5))
def test_any_costs_have_ticks(cost: int, more: list[int]) -> None:
    """Equal, nearly equal and far apart: `more` are differences in units and in multiples."""
    check_ticks([cost, *(cost + extra for extra in more)])
    check_ticks([cost, *(cost * (1 + extra) for extra in more)])


def test_labels_avoid_each_other() -> None:
    """Of two labels at almost the same place, one goes elsewhere."""
    first, second = label_places([0.5, 0.501], [0.5, 0.5], ["some name", "another name"])
    assert first != second


def test_ticks_around_a_power_of_ten_leave_no_side_bare() -> None:
    ticks = round_ticks(620_000, 1_440_000)
    assert ticks == [800_000, 1_000_000, 1_200_000, 1_400_000]
