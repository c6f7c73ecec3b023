from analysis.sections.front_figure import RunPoints, plot_front
from analysis.stats.fronts import front_info
from studies import Published
from tests.support.points import points


def test_figure_shows_every_point_its_interval_and_a_line_through_sizes() -> None:
    info = front_info(points([100, 200, 300], [50, 60, 55], ["a", "a", "b"]), "macs")
    figure = plot_front([RunPoints("run", 0, info, 1)], "macs", "test accuracy, %")
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
        figure = plot_front([RunPoints("run", 0, info)], "macs", "%", printed, same_protocol=same)
        drawn = next(trace for trace in figure.data if (trace.name or "").startswith("paper"))
        assert drawn.marker.symbol == symbol
        assert ("other protocol" in drawn.name) != same
        low, high = figure.layout.xaxis.range
        assert 10**low < 100 < 5e8 < 10**high


def test_many_points_are_drawn_by_the_graphics_card() -> None:
    info = front_info(points(list(range(1, 2001)), [50.0] * 2000), "macs")
    figure = plot_front([RunPoints("run", 0, info)], "macs", "%")
    assert {trace.type for trace in figure.data if trace.mode == "markers"} == {"scattergl"}
