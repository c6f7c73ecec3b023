"""The sections about the importance of a space's decisions."""

import pandas as pd
import plotly.graph_objects as go

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.section import ReportTable, Section
from analysis.stats.importance import (
    IMPORTANCE_COLUMNS,
    PAIRED,
    TREES,
    Importance,
    importance_info,
)
from analysis.stats.points import largest_view
from searchspace import Architecture

MIN_NETWORKS = 20
"""Networks below which importance is not estimated."""

MOST_NETWORKS = 5000
"""Of more networks so many are drawn: further ones change the shares by less than trees differ."""


def plot_importance(frame: pd.DataFrame, number: int, rows: int = 15) -> go.Figure:
    """Shares of variance as bars with their intervals, the largest on top."""
    bars = frame.head(rows)[::-1]
    height = 150 + 27 * len(bars)
    figure = figures.figure("share of the variance of predicted accuracy", "", height=height)
    figure.add_bar(
        x=bars["share"],
        y=bars["decision"].map(figures.plain),
        orientation="h",
        marker={"color": figures.color(number)},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (bars["high"] - bars["share"]).clip(lower=0),
            "arrayminus": (bars["share"] - bars["low"]).clip(lower=0),
            "color": "#333",
            "thickness": 1,
        },
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(ticksuffix="  ")
    return figure


def importance_sections(run: Run, number: int) -> list[Section]:
    """The variance of accuracy that each decision of a search's space, and each pair, explains."""
    if run.search is None:
        return []
    networks = largest_view(run.points)
    if len(networks) > MOST_NETWORKS:
        networks = networks.sample(MOST_NETWORKS, random_state=0).sort_index()
    n = len(networks)
    if n < MIN_NETWORKS:
        return [_no_figure(f"{n} networks have an accuracy, at least {MIN_NETWORKS} are needed.")]
    space = run.search.space
    codes = space.rows(Architecture.from_json(run.architectures[arm]) for arm in networks["arm"])
    accuracies = networks["mean"].to_numpy(dtype=float)
    if (codes == codes[0]).all() or (accuracies == accuracies[0]).all():
        return [_no_figure("all networks, or all accuracies, are the same.")]
    info = importance_info(codes, list(space.encoding.columns), accuracies)
    if info.explained <= 0:
        return [
            _no_figure(
                "regression trees predict networks that they have not seen no better than the "
                f"mean does (R² = {info.explained:.2f}, n={n}): shares would be noise."
            )
        ]
    return _figures(info, number, n, len(largest_view(run.points)))


def _no_figure(why: str) -> Section:
    return Section("importance", "Importance of decisions", reason=f"No figure: {why}")


def _figures(info: Importance, number: int, n: int, of: int) -> list[Section]:
    networks = f"{n} networks" + f" drawn from {of}" * (of > n)
    text = (
        f"Functional ANOVA of {TREES} regression trees on validation accuracy over {networks}; "
        f"on networks that they have not seen the trees explain R² = {info.explained:.2f} of it. "
        "Lines: 90 % of the trees, each fitted on its own bootstrap sample. The search chose the "
        "networks, so shares of rarely tried options are less certain.",
    )
    table = ReportTable("importance", "Decisions", info.singles, IMPORTANCE_COLUMNS)
    figure = plot_importance(info.singles, number)
    best = info.singles.iloc[0]
    lead = f"{best['decision']} explains most: {best['share']:.0%} of the variance of accuracy."
    title = "Importance of decisions"
    sections = [Section("importance", title, text, figure, (table,), lead=lead)]
    if len(info.pairs):
        table = ReportTable(
            "importance-pairs", "Pairs of decisions", info.pairs, IMPORTANCE_COLUMNS
        )
        text = (
            f"Pairs of the {PAIRED} most important decisions: the share that only the two together "
            "explain.",
        )
        figure = plot_importance(info.pairs, number)
        sections.append(
            Section("importance-pairs", "Interactions of decisions", text, figure, (table,))
        )
    return sections
