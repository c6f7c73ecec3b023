"""The sections about training: learning curves and early stopping."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.section import ReportTable, Section
from analysis.stats.fronts import front_info
from analysis.stats.training import (
    EARLY_STOPPING_COLUMNS,
    LEARNING_COLUMNS,
    early_stopping_info,
    learning_info,
)

STATUS_COLORS = {
    "finished": figures.COLORS[0],
    "truncated": figures.COLORS[5],
    "diverged": figures.COLORS[1],
    "out_of_memory": figures.COLORS[3],
    "failed": figures.COLORS[6],
}
LATE, FLAT = 0.1, 0.5
"""The last share of the epochs, and points of accuracy below which a curve is flat there."""
OWN_CURVES = 10
"""Trials of a front that get a curve of their own."""


def plot_learning(info: pd.DataFrame) -> go.Figure:
    """A line for each group, with a band where it has several jobs."""
    figure = figures.figure("epoch", "validation accuracy, %")
    several = info["group"].nunique() > 1
    for number, (group, curve) in enumerate(info.groupby("group", sort=False)):
        hue = figures.color(number)
        if curve["jobs"].max() > 1:
            figures.add_band(figure, curve["epoch"], curve["low"], curve["high"], hue, 0.12)
        dash = ("solid", "dash", "dot")[number // len(figures.COLORS) % 3]
        figure.add_scatter(
            x=curve["epoch"],
            y=curve["mean"],
            mode="lines" if len(curve) > 1 else "markers",
            line={"color": hue, "width": 2, "dash": dash},
            name=figures.plain(group),
            showlegend=several,
            hovertemplate="%{fullData.name}, epoch %{x}: %{y:.2f} %<extra></extra>",
        )
    return figure


def learning_sections(run: Run) -> list[Section]:
    """Learning curves of the arms on each task, or of a search's trials."""
    title = "Learning curves"
    empty = "No figure: no job has finished an epoch."
    if run.curves.empty:
        return [Section("learning", title, reason=empty)]
    if run.search:
        return [_learning_section("learning", title, _search_info(run))]
    sections = []
    for task, suffix in run.task_suffixes():
        curves = run.curves[run.curves["task"] == task.label()]
        name, full_title = f"learning{suffix}", f"{title}{run.on_task(task)}"
        if curves.empty:
            sections.append(Section(name, full_title, reason=empty))
        else:
            info = learning_info(curves, curves["arm"])
            sections.append(_learning_section(name, full_title, info))
    return sections


def _learning_section(name: str, title: str, info: pd.DataFrame) -> Section:
    table = ReportTable(name, title, info, LEARNING_COLUMNS)
    text = ("Mean over jobs; bands hold 80 % of them.",)
    return Section(name, title, text, plot_learning(info), (table,), lead=rising_sentence(info))


def rising_sentence(info: pd.DataFrame) -> str:
    """Whether means still rise at the end, so that longer training may change the order."""
    rises = {}
    for group, curve in info.groupby("group", sort=False):
        ordered = curve.sort_values("epoch")
        last = ordered["epoch"].max()
        before = ordered[ordered["epoch"] <= last - max(1, round(LATE * last))]
        if len(before):
            rises[str(group)] = float(ordered["mean"].iloc[-1] - before["mean"].iloc[-1])
    if not rises:
        return "Validation accuracy after each epoch."
    name = max(rises, key=lambda group: rises[group])
    late = f"over the last {LATE:.0%} of the epochs"
    if rises[name] < FLAT:
        return f"Curves are flat at the end: no mean rises by {FLAT:g} points {late}."
    return (
        f"Curves still rise at the end, that of {name} by {rises[name]:.1f} points {late}: longer "
        "training may change the order."
    )


def _search_info(run: Run) -> pd.DataFrame:
    """Curves of all trials together, then of each trial of the front."""
    all_trials = pd.Series("all trials", index=run.curves.index)
    front = front_info(run.points, run.main_cost)
    trials = front[front["on_front"]].drop_duplicates("arm").head(OWN_CURVES)
    names = dict(zip(trials["arm"], "trial " + trials["trial"].astype(str), strict=True))
    each = learning_info(run.curves, run.curves["arm"].map(names))
    return pd.concat([learning_info(run.curves, all_trials), each], ignore_index=True)


def plot_early_stopping(info: pd.DataFrame) -> go.Figure:
    """Jobs by epochs trained and status."""
    figure = figures.figure("epochs trained", "jobs (log scale)")
    for status, rows in info.groupby("status", sort=False):
        figure.add_bar(
            x=rows["epochs"],
            y=rows["jobs"],
            name=str(status).replace("_", " "),
            marker={"color": STATUS_COLORS[str(status)]},
            customdata=np.round(rows["best"].to_numpy(dtype=float), 2),
            hovertemplate="%{y} jobs after %{x} epochs, best %{customdata} %",
        )
    figure.update_layout(barmode="group", showlegend=True)
    figure.update_yaxes(type="log", dtick=1, range=[-0.3, np.log10(info["jobs"].max()) + 0.2])
    return figure


def early_stopping_sections(run: Run) -> list[Section]:
    """The epochs at which jobs were stopped, and the training that this saved."""
    jobs = run.frame.drop_duplicates("key")
    stopped = jobs[jobs["status"] == "truncated"]
    if stopped.empty:
        return []
    trained, planned = int(jobs["epochs"].sum()), int(jobs["epochs_planned"].sum())
    text = (
        f"{len(stopped)} of {len(jobs)} jobs were stopped early; {trained:,} of {planned:,} epochs "
        f"({trained / planned:.0%}) were trained. A job that was stopped is never on a front.",
    )
    name, info = "early-stopping", early_stopping_info(run.frame, run.curves)
    table = ReportTable(name, "Where training ended", info, EARLY_STOPPING_COLUMNS)
    return [Section(name, "Early stopping", text, plot_early_stopping(info), (table,))]
