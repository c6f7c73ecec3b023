"""The sections about how certain a front is: probabilities by bootstrap, attainment surfaces."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.data.runs import Run
from analysis.render import axes, figures
from analysis.render.section import ReportTable, Section
from analysis.sections.front_figure import COSTS, cost_name
from analysis.stats.fronts import (
    ATTAINMENT_COLUMNS,
    PROBABILITY_COLUMNS,
    attainment_info,
    front_probability_info,
)

LEAST_SHOWN = 0.005
"""Networks less probable than this are left out of the figure."""
LIKELY, NAMED = 0.5, 4
NONE_LIKELY = "No network is on the front in most draws over seeds."


def plot_front_probability(info: pd.DataFrame, number: int, rows: int = 20) -> go.Figure:
    """The most probable members of the front as bars, cheapest at the bottom."""
    probable = info[info["probability"] >= LEAST_SHOWN]
    bars = probable.head(rows).sort_values("at_cost")
    height = 140 + 26 * max(len(bars), 2)
    figure = figures.figure("probability of being on the front", "", height=height)
    figure.add_bar(
        x=bars["probability"],
        y=bars["name"].map(figures.plain),
        orientation="h",
        width=0.7,
        marker={"color": figures.color(number)},
        text=[f"{value:.2f}" for value in bars["probability"]],
        customdata=np.column_stack([bars["network"], bars["n"], bars["at_cost"]]),
        hovertemplate="<b>%{y}</b>: %{x:.3f} (n=%{customdata[1]}, %{customdata[2]:.4s})"
        "<extra></extra>",
        meta={"run": number},
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1.08])
    figure.update_yaxes(type="category", ticksuffix="  ")
    return figure


def plot_attainment(info: pd.DataFrame, cost: str, axis: str, number: int) -> go.Figure:
    """The accuracies that few, half and most new trainings attain, the space between filled."""
    figure = figures.figure(COSTS[cost], axis)
    hue = figures.color(number)
    end = info["at_cost"].max() * 1.05
    for i, (level, surface) in enumerate(info.groupby("level")):
        figure.add_scatter(
            x=[*surface["at_cost"], end],
            y=[*surface["accuracy"], surface["accuracy"].iloc[-1]],
            mode="lines",
            line={"color": hue, "shape": "hv", "width": 2.5 if level == 50 else 1},
            fill=None if i == 0 else "tonexty",
            fillcolor=figures.faded(hue, 0.15),
            name=f"reached by {level:.0f} % of new trainings",
        )
    figure.update_xaxes(axes.log_axis([*info["at_cost"], end]))
    return figure


def uncertainty_sections(run: Run, number: int) -> list[Section]:
    """Probabilities of being on the front and attainment surfaces, for each task, by main cost."""
    return [
        section
        for task, suffix in run.task_suffixes()
        for section in _task_sections(
            run, number, run.points[run.points["task"] == task.label()], suffix
        )
    ]


def _task_sections(run: Run, number: int, points: pd.DataFrame, suffix: str) -> list[Section]:
    cost = run.main_cost
    titles = "Probability of being on the front", "Attainment surfaces"
    names = f"front-probability{suffix}", f"attainment{suffix}"
    info, drawn = front_probability_info(run.frame, run.measure, points, cost)
    attainment = None
    if len(info):
        attainment = attainment_info(run.frame, run.measure, points, cost)
    if attainment is None:
        reason = (
            "No figure: too few networks were trained with several seeds to say how much chance "
            "there is in a network's place."
        )
        return [Section(names[0], f"{titles[0]}; {titles[1].lower()}", reason=reason)]
    text = f"Accuracy against {cost_name(cost)}; {len(info)} contenders; drawn: {drawn}."
    table = ReportTable(names[0], titles[0], info[list(PROBABILITY_COLUMNS)], PROBABILITY_COLUMNS)
    figure = plot_front_probability(info, number)
    likely = info[info["probability"] >= LIKELY].head(NAMED)
    listed = ", ".join(
        f"{name} ({share:.0%})"
        for name, share in zip(likely["name"], likely["probability"], strict=True)
    )
    lead = f"On the front in most draws over seeds: {listed}." if listed else NONE_LIKELY
    probability = Section(names[0], titles[0], (text,), figure, (table,), lead=lead)
    surface, source = attainment
    text = f"What new trainings of the best network at a cost or less attain, {source}."
    table = ReportTable(names[1], titles[1], surface, ATTAINMENT_COLUMNS)
    figure = plot_attainment(surface, cost, run.axis, number)
    lead = (
        "What one new training may reach at a cost or less: nine in ten reach the lowest line, one "
        "in ten the highest."
    )
    return [probability, Section(names[1], titles[1], (text,), figure, (table,), lead=lead)]
