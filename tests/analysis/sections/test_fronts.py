import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.data.runs import POINT_COLUMNS
from analysis.render.figures import label_places, log_axis, round_ticks
from analysis.sections.fronts import Series, front_info, plot_front
from studies import Published


def points(costs: list[float], means: list[float], arms: list[str] | None = None) -> pd.DataFrame:
    """What `points_info` gives for networks with these costs and accuracies."""
    names = arms or [f"arm {i}" for i in range(len(costs))]
    frame = pd.DataFrame({"arm": names, "name": names, "macs": costs, "mean": means})
    frame = frame.assign(n=2, sd=1.0, low=frame["mean"] - 1, high=frame["mean"] + 1, size=8)
    frame = frame.assign(network=range(len(frame)), latency_ms=np.nan)
    return frame.reindex(columns=list(POINT_COLUMNS))


def test_front_holds_what_no_other_dominates_and_ties() -> None:
    info = front_info(points([3, 1, 2, 2, 4], [70, 50, 60, 60, 69]), "macs")
    assert info["macs"].tolist() == [1, 2, 2, 3, 4]
    assert info["on_front"].tolist() == [True, True, True, True, False]


def test_networks_without_the_cost_are_left_out() -> None:
    assert front_info(points([1, 2], [50, 60]), "latency_ms").empty


def test_figure_shows_every_point_its_interval_and_a_line_through_sizes() -> None:
    info = front_info(points([100, 200, 300], [50, 60, 55], ["a", "a", "b"]), "macs")
    figure = plot_front([Series("run", 0, info, 1)], "macs", "test accuracy, %")
    markers = [trace for trace in figure.data if trace.mode == "markers"]
    assert {trace.name: len(trace.x) for trace in markers} == {"front": 2, "other networks": 1}
    assert list(markers[1].error_y.array) == [1, 1]
    assert markers[0].meta == {"run": 0, "task": 1}
    assert markers[0].customdata[0][0] == 2
    lines = [trace for trace in figure.data if trace.name == "one network at several input sizes"]
    assert list(lines[0].x) == [100, 200, None]
    assert figure.layout.xaxis.type == "log"


def test_printed_points_are_hollow_where_the_protocol_differs() -> None:
    info = front_info(points([100], [50]), "macs")
    printed = [Published("cifar100", "static", 71.9, "Table 1", macs=5e8)]
    for same, symbol in ((True, "diamond"), (False, "diamond-open")):
        figure = plot_front([Series("run", 0, info)], "macs", "%", printed, same_protocol=same)
        drawn = next(trace for trace in figure.data if (trace.name or "").startswith("paper"))
        assert drawn.marker.symbol == symbol
        assert ("other protocol" in drawn.name) != same
        low, high = figure.layout.xaxis.range
        assert 10**low < 100 < 5e8 < 10**high


def test_many_points_are_drawn_by_the_graphics_card() -> None:
    info = front_info(points(list(range(1, 2001)), [50.0] * 2000), "macs")
    figure = plot_front([Series("run", 0, info)], "macs", "%")
    assert {trace.type for trace in figure.data if trace.mode == "markers"} == {"scattergl"}


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
