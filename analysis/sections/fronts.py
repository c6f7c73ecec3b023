"""The sections about accuracy and cost: fronts of each run and of all runs, published points."""

from collections.abc import Sequence

import pandas as pd

from analysis.data.runs import Run
from analysis.render.section import ReportTable, Section
from analysis.sections.front_figure import COSTS, RunPoints, cost_name, plot_front, printed_cost
from analysis.stats.accuracy import OWN_SPREAD
from analysis.stats.fronts import FRONT_COLUMNS, front_info
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

OTHER_PROTOCOL = (
    "Hollow marks are printed figures under another protocol (task, network or training) and in "
    "the papers' way of counting: compare the shape of the fronts, not their heights."
)


def published_table(ablation: Ablation) -> ReportTable:
    """The published points of a study."""
    rows = [
        {
            "dataset": point.task, "arm": point.arm, "source": point.source, "note": point.note,
            "ensemble": point.ensemble, "accuracy": point.accuracy, "macs": point.macs,
            "params": point.params, "size": point.size,
        }
        for point in ablation.study.published
    ]  # fmt: skip
    frame = pd.DataFrame(rows).astype({"macs": float, "params": float, "size": "Int64"})
    return ReportTable("published", "As printed in the papers", frame, PUBLISHED_COLUMNS)


def front_sections(run: Run, number: int) -> list[Section]:
    """The front of each task against each cost, alone and beside the papers' points."""
    sections = []
    for index, (task, suffix) in enumerate(run.task_suffixes()):
        points = run.points[run.points["task"] == task.label()]
        for cost in COSTS:
            name = f"front-{cost.removesuffix('_ms')}{suffix}"
            title = f"Accuracy and {cost_name(cost)}{run.on_task(task)}"
            series = RunPoints(run.name, number, front_info(points, cost), index)
            sections += _cost_sections(run, series, cost, name, title)
    return sections


def _cost_sections(run: Run, series: RunPoints, cost: str, name: str, title: str) -> list[Section]:
    if series.points.empty:
        return [Section(name, title, reason=_why_empty(run, cost))]
    labels = run.labels(series.points)
    frame = series.points.assign(run=run.folder.name, label=labels)[list(FRONT_COLUMNS)]
    first = frame.drop(columns="network").sort_values("on_front", ascending=False, kind="stable")
    heading = f"Networks by {cost_name(cost)}"
    table = ReportTable(name, heading, first, FRONT_COLUMNS, hidden=HIDDEN)
    published = run.ablation.study.published if run.is_ablation else ()
    printed = [point for point in published if printed_cost(point, cost)]
    same = run.is_ablation and run.ablation.design.is_paper_protocol
    figure = plot_front([series], cost, run.axis, printed if same else [])
    text = (*interval_note(frame), *limit_note(run))
    text += latency_note(run) if cost == "latency_ms" else ()
    lead = f"{int(frame['on_front'].sum())} of {len(frame)} points are on the front: none is at "
    lead += f"least as accurate for no more {cost_name(cost)}."
    # The main cost is drawn on the first screen.
    folded = cost == run.main_cost
    sections = [Section(name, title, text, figure, (table,), lead=lead, folded=folded)]
    if printed and not same:
        figure = plot_front([series], cost, run.axis, printed, same_protocol=False)
        title = f"{title}: beside the papers' points"
        lead = "Our points and the papers' printed ones, each with its own cost."
        text = (OTHER_PROTOCOL,)
        sections.append(Section(f"{name}-published", title, text, figure, lead=lead))
    return sections


def interval_note(points: pd.DataFrame) -> tuple[str, ...]:
    """Where the intervals of networks with one or two seeds come from, or why there are none."""
    few = points[points["n"] < OWN_SPREAD]
    if few.empty:
        return ()
    which = "All networks have" if len(few) == len(points) else f"{len(few)} networks have"
    seeds = f"{which} fewer than {OWN_SPREAD} seeds"
    if few["low"].isna().all():
        return (
            f"{seeds} and no interval: too few were trained again to know the spread of seeds.",
        )
    return (f"{seeds}; their intervals suppose the spread of all networks that have several.",)


def limit_note(run: Run) -> tuple[str, ...]:
    """How many ensembles a search's limits leave out, if any."""
    count = run.frame.attrs["over_limit"]
    if not count or run.search is None:
        return ()
    which = "The ensemble of one network is" if count == 1 else f"Ensembles of {count} networks are"
    return (f"{which} left out: all sizes together exceed {run.search.limits.label()}.",)


def latency_note(run: Run) -> tuple[str, ...]:
    """How and where latencies were measured, if any were."""
    where = run.frame.attrs.get("latency")
    return (f"Latency is the median of a batch: {where}.",) if where else ()


def _why_empty(run: Run, cost: str) -> str:
    if run.points.empty:
        return "No figure: no network has an accuracy yet."
    return f"No figure: {cost_name(cost)} of these networks was not measured."


def joint_front_sections(runs: Sequence[Run], names: Sequence[str]) -> list[Section]:
    """The fronts of all runs in one figure for each task and kind of accuracy."""
    groups: dict[tuple[str, str], list[RunPoints]] = {}
    for number, (run, name) in enumerate(zip(runs, names, strict=True)):
        for index, task in enumerate(run.tasks):
            points = run.points[run.points["task"] == task.label()]
            series = RunPoints(name, number, points, index)
            groups.setdefault((task.label(), run.axis), []).append(series)
    return [
        _joint_section(f"fronts-{index + 1}", label, axis, series, runs)
        for index, ((label, axis), series) in enumerate(groups.items())
    ]


def _joint_section(
    name: str, label: str, axis: str, group: Sequence[RunPoints], runs: Sequence[Run]
) -> Section:
    title, cost = f"Fronts on {label}", runs[group[0].number].main_cost
    series = [
        RunPoints(s.name, s.number, front_info(s.points, cost), s.task)
        for s in group
        if len(s.points)
    ]
    if not series:
        return Section(name, title, reason="No figure: no network has an accuracy yet.")
    fronts = [(s, s.points[s.points["on_front"]]) for s in series]
    frames = [front.assign(run=s.name, label=runs[s.number].labels(front)) for s, front in fronts]
    frame = pd.concat(frames, ignore_index=True)[list(FRONT_COLUMNS)].drop(columns="network")
    hidden = ("task", "view", "sd")
    table = ReportTable(name, "Networks on the fronts", frame, FRONT_COLUMNS, hidden=hidden)
    return Section(name, title, figure=plot_front(series, cost, axis), tables=(table,))
