"""Outputs of the notebooks: tables as Markdown, figures that a notebook draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.data.runs import Run
from analysis.render import axes, figures
from analysis.render.numbers import engineering
from analysis.render.tables import TextTable
from analysis.sections.arm_tables import arm_table, differences_sentence
from analysis.sections.front_figure import COSTS
from analysis.sections.verdict_tables import verdict_counts, verdict_table
from analysis.stats.fronts import front_info
from studies import Published

PLOTLY = "application/vnd.plotly.v1+json"
SYMBOLS = ("circle", "square", "diamond", "triangle-up")


@dataclass(frozen=True)
class MarkdownOutput:
    """Markdown that a notebook renders; its text is the Markdown itself."""

    markdown: str

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


@dataclass(frozen=True, eq=False)
class FigureOutput:
    """A figure that a notebook draws; its text tells the number of points."""

    figure: go.Figure
    title: str

    def __repr__(self) -> str:
        points = sum(len(trace.x) for trace in self.figure.data if trace.x is not None)
        return f"{self.title} ({points} points)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {PLOTLY: self.figure.to_plotly_json(), "text/plain": repr(self)}


def arms_markdown(run: Run) -> MarkdownOutput:
    """The arms of an ablation beside the paper's printed accuracies, and a sentence on them."""
    same_protocol = run.ablation.design.is_paper_protocol
    table = arm_table(run.arms, same_protocol=same_protocol, compact=True)
    flat = replace(table, headings=tuple(text.replace("\n", " ") for text in table.headings))
    return MarkdownOutput(f"{flat.markdown()}\n{differences_sentence(run.arms)}")


def verdicts_markdown(run: Run) -> MarkdownOutput:
    """The verdicts on the paper's claims in this run."""
    table = verdict_table(run.verdicts, compact=True).markdown()
    return MarkdownOutput(f"{table}\n{verdict_counts(run.verdicts)}")


def front_markdown(run: Run, cost: str = "macs", rows: int = 15) -> MarkdownOutput:
    """The non-dominated networks by mean accuracy and a cost, cheapest first."""
    points = front_info(run.points, cost)
    front = points[points["on_front"]].head(rows).to_dict("records")
    headings = ("network", cost_title(cost), "n", "accuracy, %", "test, %")
    cells = tuple(
        (row["name"], engineering(row[cost]), str(row["n"]), f"{row['mean']:.2f}",
         f"{row['test_mean']:.2f}")
        for row in front
    )  # fmt: skip
    return MarkdownOutput(TextTable(headings, cells).markdown())


def plot_beside_paper(run: Run, dataset: str, title: str) -> FigureOutput:
    """Our arms by MACs, with intervals, and to the right the paper's points on `dataset`.

    An arm has one colour on both sides and a line through its input sizes. Points that are printed
    with MACs are drawn; if there are none, those of our arms, side by side.
    """
    ablation = run.ablation
    printed = [point for point in ablation.study.published if point.task == dataset]
    priced = any(point.macs for point in printed)
    names = [arm.name for arm in ablation.design.arms]
    printed = [point for point in printed if (point.macs if priced else point.arm in names)]
    arms = list(dict.fromkeys(names + [point.arm for point in printed]))
    figure = make_subplots(
        rows=1,
        cols=2,
        subplot_titles=("this run", f"the paper, {dataset.replace('_', ' ')}"),
        horizontal_spacing=0.1,
    )
    for number, arm in enumerate(arms):
        style = {
            "color": figures.color(number),
            "symbol": SYMBOLS[number // len(figures.COLORS) % len(SYMBOLS)],
            "size": 10,
        }
        rows = run.points[(run.points["arm"] == arm) & run.points["size"].notna()]
        if len(rows):
            figure.add_trace(_run_trace(arm, rows, style), row=1, col=1)
        arm_points = [point for point in printed if point.arm == arm]
        if arm_points:
            trace = _printed_trace(arm, arm_points, style, priced=priced, named=rows.empty)
            figure.add_trace(trace, row=1, col=2)
    costs = run.points.loc[run.points["size"].notna(), "macs"].astype(float).tolist()
    figure.update_xaxes(**axes.log_axis(costs), title_text="MACs (log scale)", row=1, col=1)
    if priced:
        counts = [float(point.macs or 0) for point in printed]
        figure.update_xaxes(
            **axes.log_axis(counts), title_text="printed MACs (log scale)", row=1, col=2
        )
    figure.update_yaxes(title_text=run.axis, row=1, col=1)
    figure.update_layout(
        template="plotly_white", font=figures.FONT, width=1150, height=520,
        margin={"l": 75, "r": 20, "t": 40, "b": 65},
        legend={"orientation": "h", "y": -0.18},
    )  # fmt: skip
    return FigureOutput(figure, title)


def _run_trace(arm: str, points: pd.DataFrame, style: dict[str, Any]) -> go.Scatter:
    ordered = points.sort_values("macs")
    return go.Scatter(
        x=ordered["macs"].tolist(),
        y=ordered["mean"].tolist(),
        error_y=figures.interval_bars(ordered),
        mode="lines+markers",
        marker=style,
        line={"width": 1},
        name=arm,
        legendgroup=arm,
    )


def _printed_trace(
    arm: str, points: Sequence[Published], style: dict[str, Any], *, priced: bool, named: bool
) -> go.Scatter:
    ordered = sorted(points, key=lambda point: point.macs or 0.0)
    return go.Scatter(
        x=[point.macs for point in ordered] if priced else [arm] * len(ordered),
        y=[point.accuracy for point in ordered],
        mode="lines+markers",
        marker={**style, "symbol": f"{style['symbol']}-open", "line": {"width": 2}},
        line={"width": 1},
        name=arm,
        legendgroup=arm,
        showlegend=named,
    )


def cost_title(cost: str) -> str:
    """The name and unit of a cost, without its scale."""
    return COSTS[cost].split(" of ")[0].split(" stored")[0]
