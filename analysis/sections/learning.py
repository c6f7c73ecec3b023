"""How networks learned, and where training was cut."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.parts import Part, Table
from analysis.sections.fronts import front_info
from analysis.stats.bootstrap import main_cost

LEARNING_COLUMNS = {
    "group": "the arm; in a search all trials, or a trial of the front",
    "epoch": "passes over the training images",
    "mean": "mean validation accuracy in per cent",
    "low": "10% quantile over jobs",
    "high": "90% quantile over jobs",
    "jobs": "number of jobs that reached the epoch",
}
CUT_COLUMNS = {
    "epochs": "epochs trained",
    "status": "how the job ended",
    "jobs": "number of jobs",
    "best": "best validation accuracy in per cent after that epoch; missing if none was reached",
}
STATUS_COLORS = {
    "finished": figures.COLORS[0],
    "truncated": figures.COLORS[5],
    "diverged": figures.COLORS[1],
    "out_of_memory": figures.COLORS[3],
    "failed": figures.COLORS[6],
}
MOST = 10
"""Trials of a front that get a curve of their own."""


def learning_info(curves: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Mean and quantiles of validation accuracy by group and epoch; `groups` names each row's.

    Columns are documented in `LEARNING_COLUMNS`; rows without a group are left out.
    """
    known = curves.assign(group=groups, percent=100 * curves["validation_accuracy"].astype(float))
    by_epoch = known.dropna(subset=["group"]).groupby(["group", "epoch"], sort=False)["percent"]
    info = by_epoch.agg(mean="mean", jobs="size")
    info["low"], info["high"] = by_epoch.quantile(0.1), by_epoch.quantile(0.9)
    return info.reset_index()[list(LEARNING_COLUMNS)]


def plot_learning(info: pd.DataFrame) -> go.Figure:
    """A line for each group, with a band where it has several jobs."""
    figure = figures.figure("epoch", "validation accuracy, %")
    several = info["group"].nunique() > 1
    for number, (group, part) in enumerate(info.groupby("group", sort=False)):
        hue = figures.color(number)
        if part["jobs"].max() > 1:
            figure.add_scatter(
                x=[*part["epoch"], *part["epoch"][::-1]],
                y=[*part["low"], *part["high"][::-1]],
                fill="toself", fillcolor=figures.faded(hue, 0.12), line={"width": 0},
                mode="lines", hoverinfo="skip", showlegend=False,
            )  # fmt: skip
        dash = ("solid", "dash", "dot")[number // len(figures.COLORS) % 3]
        figure.add_scatter(
            x=part["epoch"],
            y=part["mean"],
            mode="lines" if len(part) > 1 else "markers",
            line={"color": hue, "width": 2, "dash": dash},
            name=str(group),
            showlegend=several,
            hovertemplate=f"{group}, epoch %{{x}}: %{{y:.2f}} %<extra></extra>",
        )
    return figure


def learning_parts(run: Run) -> list[Part]:
    """Learning curves of the arms on each task, or of a search's trials."""
    title = "Learning curves"
    if run.curves.empty:
        return [Part("learning", title, reason="No figure: no job has finished an epoch.")]
    if run.ablation is None:
        return [_learning_part("learning", title, _search_info(run))]
    parts = []
    for index, task in enumerate(run.tasks):
        here = run.curves[run.curves["task"] == task.label()]
        suffix = "" if len(run.tasks) == 1 else f"-{task.kind}-{index + 1}"
        name, full = f"learning{suffix}", f"{title} on {task.label()}"
        if here.empty:
            parts.append(Part(name, full, reason="No figure: no job has finished an epoch."))
        else:
            parts.append(_learning_part(name, full, learning_info(here, here["arm"])))
    return parts


def _learning_part(name: str, title: str, info: pd.DataFrame) -> Part:
    table = Table(name, title, info, LEARNING_COLUMNS)
    return Part(
        name, title, ("Mean over jobs; bands hold 80 % of them.",), plot_learning(info), (table,)
    )


def _search_info(run: Run) -> pd.DataFrame:
    """All trials together, then those of the front one by one."""
    every = pd.Series("all trials", index=run.curves.index)
    best = front_info(run.points, main_cost(run))
    names = best[best["on_front"]].drop_duplicates("arm").head(MOST)
    named = dict(zip(names["arm"], "trial " + names["trial"].astype(str), strict=True))
    alone = learning_info(run.curves, run.curves["arm"].map(named))
    return pd.concat([learning_info(run.curves, every), alone], ignore_index=True)


def cut_info(frame: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """How many jobs ended after how many epochs, and how; columns are in `CUT_COLUMNS`."""
    jobs = frame.drop_duplicates("key")
    last = curves.sort_values("epoch").drop_duplicates("key", keep="last").set_index("key")
    percent = 100 * jobs["key"].map(last["validation_accuracy"]).astype(float)
    grouped = jobs.assign(best=percent).groupby(["epochs", "status"])
    return grouped.agg(jobs=("key", "size"), best=("best", "max")).reset_index()


def plot_cut(info: pd.DataFrame) -> go.Figure:
    """Jobs by the epochs that they were trained, by how they ended."""
    figure = figures.figure("epochs trained", "jobs (log scale)")
    for status, part in info.groupby("status", sort=False):
        figure.add_bar(
            x=part["epochs"],
            y=part["jobs"],
            name=str(status).replace("_", " "),
            marker={"color": STATUS_COLORS[str(status)]},
            customdata=np.round(part["best"].to_numpy(dtype=float), 2),
            hovertemplate="%{y} jobs after %{x} epochs, best %{customdata} %",
        )
    figure.update_layout(barmode="group", showlegend=True)
    figure.update_yaxes(type="log", dtick=1, range=[-0.3, np.log10(info["jobs"].max()) + 0.2])
    return figure


def cut_parts(run: Run) -> list[Part]:
    """Where early stopping cut, and the training that it saved."""
    jobs = run.frame.drop_duplicates("key")
    cut = jobs[jobs["status"] == "truncated"]
    if cut.empty:
        return []
    trained, planned = int(jobs["epochs"].sum()), int(jobs["epochs_planned"].sum())
    text = (
        f"{len(cut)} of {len(jobs)} jobs were stopped early; {trained:,} of {planned:,} epochs "
        f"({trained / planned:.0%}) were trained. A job that was stopped is never on a front.",
    )
    info = cut_info(run.frame, run.curves)
    table = Table("early-stopping", "Where training ended", info, CUT_COLUMNS)
    return [Part("early-stopping", "Where early stopping cut", text, plot_cut(info), (table,))]
