"""The section on the distribution of errors of a space, with and without each operator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.section import ReportTable, Section
from analysis.stats.error_distribution import (
    DISTRIBUTION_COLUMNS,
    MIN_GROUP,
    ErrorDistribution,
    OperatorEffect,
    effects_frame,
    error_distribution,
    operator_effects,
)
from analysis.stats.inference import CONFIDENCE
from analysis.stats.points import largest_view

NAME, TITLE = "error-distribution", "Distribution of errors"
MIN_NETWORKS = 20
DRAWN = 3
"""Operators that the figure shows, the most distant ones."""
RESOLUTIONS = "several resolutions"


def plot_distributions(whole: ErrorDistribution, effects: list[OperatorEffect]) -> go.Figure:
    """The whole space with its band, and with (full) and without (dashed) each operator."""
    figure = figures.figure("validation error, %", "share of networks with at most this error")
    _add_band(figure, whole)
    _add_line(figure, whole, "all networks", figures.QUIET, dash="solid")
    for i, effect in enumerate(effects):
        hue = figures.color(i)
        _add_line(figure, effect.having, f"with {effect.operator}", hue, dash="solid")
        _add_line(figure, effect.lacking, f"without {effect.operator}", hue, dash="dash")
    figure.update_yaxes(range=[0, 1.02])
    return figure


def _add_band(figure: go.Figure, whole: ErrorDistribution) -> None:
    figure.add_scatter(
        x=[*whole.errors, *whole.errors[::-1]],
        y=[*whole.low, *whole.high[::-1]],
        fill="toself",
        fillcolor=figures.faded(figures.QUIET, 0.2),
        line={"width": 0, "shape": "hv"},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )


def _add_line(
    figure: go.Figure, line: ErrorDistribution, name: str, hue: str, *, dash: str
) -> None:
    figure.add_scatter(
        x=line.errors,
        y=line.share,
        mode="lines",
        name=f"{figures.plain(name)} (n={len(line.errors)})",
        line={"color": hue, "width": 2, "dash": dash, "shape": "hv"},
    )


def error_distribution_sections(run: Run) -> list[Section]:
    """The distribution of errors over the space of a random search; none for other runs."""
    search = run.search
    if search is None or search.sampler != "random":
        return []
    if search.scheduler != "none":
        return [_no_figure("networks that were stopped early have no final error.")]
    networks = largest_view(run.points)
    n = len(networks)
    if n < MIN_NETWORKS:
        return [_no_figure(f"{n} networks have an accuracy, at least {MIN_NETWORKS} are needed.")]
    errors = 100 - networks["mean"].to_numpy(dtype=float)
    operators = [_operators(run.architectures[arm]) for arm in networks["arm"]]
    effects = operator_effects(operators, errors, networks["macs"].to_numpy(dtype=float))
    figure = plot_distributions(error_distribution(errors), effects[:DRAWN])
    frame = effects_frame(effects)
    table = ReportTable(NAME, "With and without each operator", frame, DISTRIBUTION_COLUMNS)
    tables = (table,) if effects else ()
    return [Section(NAME, TITLE, _text(effects, n), figure, tables)]


def _operators(form: Mapping[str, Any]) -> set[str]:
    """The kinds of choices in the JSON form of an architecture."""
    kinds = {choice["kind"] for choice in form["choices"].values()}
    return kinds | ({RESOLUTIONS} if form.get("resolutions") else set())


def _text(effects: list[OperatorEffect], n: int) -> tuple[str, ...]:
    about = (
        f"Validation errors of {n} networks that were drawn uniformly from the space within its "
        f"limits. The band covers the space's whole distribution with {CONFIDENCE:.0%} "
        "(Kolmogorov-Smirnov). Full lines: networks with an operator in one or more places; "
        "dashed: networks that have it nowhere. They may differ in cost."
    )
    if not effects:
        return (
            about,
            f"No operator has {MIN_GROUP} networks that have it and {MIN_GROUP} that have not.",
        )
    told = [
        f"with {effect.operator} the median error is "
        f"{_median(effect.having):.1f} %, without it {_median(effect.lacking):.1f} %"
        for effect in effects
        if effect.significant
    ]
    if not told:
        return (about, "No operator changes the distribution significantly (Holm).")
    return (about, f"Significantly different (Holm): {'; '.join(told)}.")


def _median(distribution: ErrorDistribution) -> float:
    return float(np.median(distribution.errors))


def _no_figure(why: str) -> Section:
    return Section(NAME, TITLE, reason=f"No figure: {why}")
