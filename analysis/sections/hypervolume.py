"""The sections about hypervolume: against jobs and against training time."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis.data.runs import Run, distinct_names
from analysis.render import figures
from analysis.render.numbers import engineering
from analysis.render.section import ReportTable, Section
from analysis.sections.front_figure import cost_name
from analysis.stats.hypervolume import (
    HYPERVOLUME_COLUMNS,
    ORDERS,
    ReferenceBox,
    expected_hypervolume_info,
    hypervolume_info,
    search_trajectory,
)


def plot_hypervolume(info: pd.DataFrame, by: str) -> go.Figure:
    """Hypervolume against `jobs` or `seconds`; expectations are dashed, with a band."""
    titles = {"jobs": "jobs ended", "seconds": "training time spent on all jobs, s"}
    figure = figures.figure(titles[by], "hypervolume, share of the box")
    for number, (name, curve) in enumerate(info.groupby("run", sort=False)):
        if curve[by].isna().all():
            continue
        hue = figures.color(number)
        expected = curve["low"].notna().any()
        if expected:
            figures.add_band(figure, curve[by], curve["low"], curve["high"], hue, 0.15)
        figure.add_scatter(
            x=curve[by],
            y=curve["hypervolume"],
            mode="lines" if len(curve) > 1 else "markers",
            line={"color": hue, "width": 2.5, "dash": "dash" if expected else "solid",
                  "shape": "linear" if expected else "hv"},
            name=figures.plain(name),
        )  # fmt: skip
    figure.update_yaxes(rangemode="tozero")
    return figure


def hypervolume_sections(runs: Sequence[Run]) -> list[Section]:
    """Hypervolume of all searches of a report in one box, against jobs and against time."""
    searches = [run for run in runs if run.search]
    if not searches:
        return []
    title = "Hypervolume"
    runs = [run for run in searches if not run.points.empty]
    if not runs:
        return [Section("hypervolume", title, reason="No figure: no trial has an accuracy yet.")]
    cost = runs[0].main_cost
    box = reference_box(runs, cost)
    info, baseline = _all_info(runs, cost, box)
    text = (
        f"The part of the box between (lowest cost, 100 %) and (highest cost, chance) that the "
        f"networks found so far dominate; {cost_name(cost)} on a logarithmic scale from "
        f"{engineering(box.cheapest)} to {engineering(box.costliest)}, validation accuracy from "
        f"{box.worst:.3g} to 100 %; one box for all runs shown.",
        f"A trial is one job, and one more for each time that it was trained again. {baseline}",
    )
    table = ReportTable("hypervolume", title, info, HYPERVOLUME_COLUMNS)
    ends = info[info["low"].isna()].groupby("run", sort=False)["hypervolume"].last()
    reached = ", ".join(f"{value:.1%} by {name}" for name, value in ends.items())
    lead = f"Share of the box of accuracy and cost that the networks found dominate: {reached}."
    by_jobs, by_time = (plot_hypervolume(info, by) for by in ("jobs", "seconds"))
    return [
        Section("hypervolume-jobs", "Hypervolume and jobs", text, by_jobs, (table,), lead=lead),
        Section("hypervolume-time", "Hypervolume and time", (), by_time),
    ]


def reference_box(runs: Sequence[Run], cost: str) -> ReferenceBox:
    """One box for all runs: the cheapest and costliest network tried, chance and 100 %."""
    costs = pd.concat([run.frame[cost] for run in runs]).dropna().astype(float)
    worst = min(100 / task.classes for run in runs for task in run.tasks)
    # Beyond the costliest network, so that even this one counts.
    return ReferenceBox(float(costs.min()), 1.02 * float(costs.max()), worst)


def _all_info(runs: Sequence[Run], cost: str, box: ReferenceBox) -> tuple[pd.DataFrame, str]:
    """Each run in its own order, the expectation of random search, and how it was obtained."""
    names = distinct_names(runs)
    searches = [search_trajectory(run.frame, run.measure, cost, box) for run in runs]
    infos = [hypervolume_info(name, s) for name, s in zip(names, searches, strict=True)]
    random = [i for i, run in enumerate(runs) if _is_random(run)]
    if random:
        label = "expected of random search"
        text = (
            "Random search draws trials independently, so the mean over random orders of its own "
            f"jobs (n={ORDERS}) is its expected hypervolume; the band holds 90 % of the orders."
        )
    else:
        label = "its jobs in random order"
        text = (
            "No random search is among these runs. The dashed line is the mean over random orders "
            f"of the run's own jobs (n={ORDERS}; the band holds 90 %): it shows whether the "
            "search found better networks later than earlier, not what random search would have "
            "found. Give a run with the sampler random as another RUN for that."
        )
    for i in random or range(len(runs)):
        infos.append(expected_hypervolume_info(f"{names[i]}: {label}", searches[i]))
    return pd.concat(infos, ignore_index=True), text


def _is_random(run: Run) -> bool:
    return run.search is not None and run.search.sampler == "random"
