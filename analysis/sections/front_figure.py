"""The figure of accuracy against a cost, with the front and the papers' points."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.render import axes, figures, labels
from studies import Published

COSTS = {
    "macs": "MACs of the deployed form, one image (log scale)",
    "params": "parameters stored by the deployed form (log scale)",
    "latency_ms": "measured latency of a batch, ms (log scale)",
}
"""Columns of costs and their axis titles."""

NAMED = 16
"""Up to this number of networks, each is named in the figure."""


@dataclass(frozen=True, eq=False)
class RunPoints:
    """The points of one run in a figure; `number` is the index of the run in the report.

    `task` is the index of the points' task in the run.
    """

    name: str
    number: int
    points: pd.DataFrame
    task: int = 0


def printed_cost(point: Published, cost: str) -> float | None:
    """The printed cost of a point in a column of costs, None if there is none."""
    return {"macs": point.macs, "params": point.params}.get(cost)


def plot_front(
    runs: Sequence[RunPoints],
    cost: str,
    axis: str,
    published: Sequence[Published] = (),
    *,
    same_protocol: bool = True,
) -> go.Figure:
    """Mean accuracy with its interval against a cost, the front of each run as a line.

    Points are what `front_info` gives. Printed points are drawn as diamonds, hollow where the
    protocol differs.
    """
    figure = figures.figure(COSTS[cost], axis)
    count = sum(len(run.points) for run in runs)
    costs = [float(value) for run in runs for value in run.points[cost]]
    costs += [value for point in published if (value := printed_cost(point, cost))]
    for run in runs:
        _draw(figure, run, cost, count, alone=len(runs) == 1)
    for number, (group, points) in enumerate(_by_dataset(published).items()):
        _draw_published(figure, number, group, points, cost, same_protocol)
    # Beside printed points our own lie close together: no room for names.
    if len(runs) == 1 and count <= NAMED and (same_protocol or not published):
        _name_points(figure, runs[0].points, cost)
    figure.update_xaxes(axes.log_axis(costs))
    return figure


def _draw(figure: go.Figure, run: RunPoints, cost: str, count: int, *, alone: bool) -> None:
    points, hue = run.points, figures.color(run.number)
    trace = figures.scatter(count)
    best, rest = points[points["on_front"]], points[~points["on_front"]]
    _connect_sizes(figure, points, cost, hue, trace)
    prefix = "" if alone else f"{figures.plain(run.name)}: "
    for group, name, size in ((rest, "other networks", 7), (best, "front", 11)):
        if group.empty:
            continue
        faint = size == 7
        marker = {"size": size, "color": figures.QUIET if faint and alone else hue}
        marker |= {"opacity": 0.35 if faint and len(points) > NAMED else 1.0}
        bars = figures.interval_bars(group)
        if bars is not None:
            bars["color"] = marker["color"]
        figure.add_trace(
            trace(
                x=group[cost].to_numpy(dtype=float),
                y=group["mean"].to_numpy(dtype=float),
                mode="markers",
                marker=marker,
                error_y=None if faint and len(points) > 10 * NAMED else bars,
                customdata=np.column_stack(
                    [group["network"], group["n"], group["name"].map(figures.plain)]
                ),
                hovertemplate="<b>%{customdata[2]}</b><br>%{y:.2f} % (n=%{customdata[1]})"
                "<br>%{x:.4s}<extra></extra>",
                name=prefix + name,
                meta={"run": run.number, "task": run.task},
            )
        )
    _draw_steps(figure, best, points, cost, hue, prefix)


def _connect_sizes(
    figure: go.Figure, points: pd.DataFrame, cost: str, hue: str, trace: type[go.Scatter]
) -> None:
    """A line through the input sizes of each network that has several."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    several = points[points["arm"].duplicated(keep=False)]
    for _, sizes in several.groupby("arm", sort=False):
        ordered = sizes[sizes["size"].notna()].sort_values("size")
        xs += [*ordered[cost].astype(float), None]
        ys += [*ordered["mean"].astype(float), None]
    if xs:
        figure.add_trace(
            trace(
                x=xs, y=ys, mode="lines", line={"color": hue, "width": 1}, opacity=0.5,
                hoverinfo="skip", name="one network at several input sizes",
            )
        )  # fmt: skip


def _draw_steps(
    figure: go.Figure, best: pd.DataFrame, points: pd.DataFrame, cost: str, hue: str, prefix: str
) -> None:
    """The best accuracy at a cost or less, as steps."""
    if best.empty:
        return
    # To the right of the last network of the front, more cost buys nothing.
    end = float(points[cost].max()) * 1.05
    figure.add_scatter(
        x=[*best[cost].astype(float), end],
        y=[*best["mean"].astype(float), float(best["mean"].iloc[-1])],
        mode="lines",
        line={"color": hue, "shape": "hv", "dash": "dot", "width": 1.5},
        hoverinfo="skip",
        name=prefix + "best mean at this cost or less",
    )


def _name_points(figure: go.Figure, points: pd.DataFrame, cost: str) -> None:
    names = points["name"].astype(str).tolist()
    xs = [log10(value) for value in points[cost].astype(float)]
    ys = points["mean"].astype(float).tolist()
    figure.add_scatter(
        x=points[cost].to_numpy(dtype=float),
        y=ys,
        mode="markers+text",
        # Not seen, but it keeps the text away from the point.
        marker={"size": 12, "opacity": 0},
        text=[figures.plain(name) for name in names],
        textposition=labels.label_places(labels.shares(xs), labels.shares(ys), names),
        textfont={"size": 12},
        hoverinfo="skip",
        showlegend=False,
    )


def _by_dataset(published: Sequence[Published]) -> dict[str, list[Published]]:
    groups: dict[str, list[Published]] = {}
    for point in published:
        groups.setdefault(point.task, []).append(point)
    return groups


def _draw_published(
    figure: go.Figure,
    number: int,
    dataset: str,
    points: Sequence[Published],
    cost: str,
    same_protocol: bool,
) -> None:
    ordered = sorted(points, key=lambda point: printed_cost(point, cost) or 0)
    symbol = ("diamond", "square", "triangle-up")[number % 3]
    figure.add_scatter(
        x=[printed_cost(point, cost) for point in ordered],
        y=[point.accuracy for point in ordered],
        mode="markers",
        marker={
            "symbol": symbol if same_protocol else f"{symbol}-open",
            "size": 11,
            "color": figures.COLORS[-1],
            "line": {"width": 1.5},
        },
        customdata=[
            [
                figures.plain(point.arm),
                figures.plain(point.source),
                f"<br>{figures.plain(point.note)}" if point.note else "",
            ]
            for point in ordered
        ],
        hovertemplate="<b>%{customdata[0]}</b>, as printed<br>%{y:.2f} %, %{x:.4s}"
        "<br>%{customdata[1]}%{customdata[2]}<extra></extra>",
        name=f"paper, {figures.plain(dataset.replace('_', ' '))}"
        f"{'' if same_protocol else ' (other protocol)'}",
    )


def cost_name(cost: str) -> str:
    """A cost in words."""
    return {"macs": "MACs", "params": "parameters", "latency_ms": "latency"}[cost]
