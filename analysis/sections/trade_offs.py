"""The parts of a report about accuracy and cost: fronts, tables, and the papers' points beside."""

import pandas as pd

from analysis.data.runs import Run
from analysis.render.parts import Part, Table
from analysis.sections.fronts import (
    COSTS,
    FRONT_COLUMNS,
    Series,
    cost_name,
    front_info,
    plot_front,
    published_info,
)
from studies import Ablation

HIDDEN = ("task", "view", "run", "sd")
"""Columns that a page leaves out."""

PUBLISHED_COLUMNS = {
    "dataset": "the paper's dataset, by our name",
    "arm": "the arm of the study that it is compared with, or another network",
    "accuracy": "printed top-1 accuracy, per cent",
    "macs": "printed multiply-accumulates in the paper's own way of counting",
    "params": "printed parameters in the paper's own way of counting",
    "size": "input size in pixels, where the network has several",
    "ensemble": "whether it is of all sizes together",
    "source": "where it is printed",
    "note": "how the paper's way differs from ours",
}


def published_table(ablation: Ablation) -> Table:
    """All printed figures of a study."""
    rows = [
        {
            "dataset": point.task, "arm": point.arm, "source": point.source, "note": point.note,
            "ensemble": point.ensemble, "accuracy": point.accuracy, "macs": point.macs,
            "params": point.params, "size": point.size,
        }
        for point in ablation.study.published
    ]  # fmt: skip
    frame = pd.DataFrame(rows).astype({"macs": float, "params": float, "size": "Int64"})
    return Table("published", "As printed in the papers", frame, PUBLISHED_COLUMNS)


def front_parts(run: Run, number: int) -> list[Part]:
    """The front of each task against each cost, and beside the papers' points."""
    parts = []
    for index, task in enumerate(run.tasks):
        suffix = "" if len(run.tasks) == 1 else f"-{task.kind}-{index + 1}"
        points = run.points[run.points["task"] == task.label()]
        for cost in COSTS:
            name = f"front-{cost.removesuffix('_ms')}{suffix}"
            title = f"Accuracy and {cost_name(cost)} on {task.label()}"
            series = Series(run.name, number, front_info(points, cost), index)
            parts += _cost_parts(run, series, cost, name, title)
    return parts


def _cost_parts(run: Run, series: Series, cost: str, name: str, title: str) -> list[Part]:
    if series.points.empty:
        return [Part(name, title, reason=_why_empty(run, cost))]
    frame = series.points.assign(run=run.folder.name)[list(FRONT_COLUMNS)]
    first = frame.drop(columns="network").sort_values("on_front", ascending=False, kind="stable")
    table = Table(name, f"Networks by {cost_name(cost)}", first, FRONT_COLUMNS, hidden=HIDDEN)
    ablation = run.ablation
    printed = published_info(ablation, cost) if ablation else []
    same = ablation is not None and ablation.design.is_paper_protocol
    figure = plot_front([series], cost, run.axis, printed if same else [])
    parts = [Part(name, title, figure=figure, tables=(table,))]
    if printed and not same:
        beside = plot_front([series], cost, run.axis, printed, same_protocol=False)
        parts.append(
            Part(f"{name}-published", f"{title}: beside the papers' points", (OTHER,), beside)
        )
    return parts


OTHER = (
    "Hollow marks are printed figures under another protocol (task, network or training) and in "
    "the papers' way of counting: compare the shape of the fronts, not their heights."
)


def _why_empty(run: Run, cost: str) -> str:
    if run.points.empty:
        return "No figure: no network has an accuracy yet."
    return f"No figure: {cost_name(cost)} of these networks was not measured."
