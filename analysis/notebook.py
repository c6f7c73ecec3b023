"""What the notebooks of `analysis/notebooks` show: tables as Markdown, figures as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.tables import Cells, engineering, markdown_table, summary_cells
from analysis.sections.fronts import COSTS, front_info
from analysis.sections.verdict_text import verdict_cells
from analysis.stats.comparisons import arms_info, reading
from analysis.stats.verdicts import reading as verdicts_reading
from analysis.stats.verdicts import verdicts_info
from searchspace import InputError
from studies import Ablation, Published

PLOTLY = "application/vnd.plotly.v1+json"
SYMBOLS = ("circle", "square", "diamond", "triangle-up")


@dataclass(frozen=True)
class Shown:
    """Markdown, and what a notebook calls the thing where it cannot draw it."""

    markdown: str

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure that a notebook draws; its text is its data, so that a change of either shows."""

    figure: go.Figure
    title: str

    def __repr__(self) -> str:
        points = sum(len(trace.x) for trace in self.figure.data if trace.x is not None)
        return f"{self.title} ({points} points)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {PLOTLY: self.figure.to_plotly_json(), "text/plain": repr(self)}


def show_arms(run: Run) -> Shown:
    """The arms of an ablation beside the paper's printed accuracies, and a sentence on them."""
    ablation = ablation_of(run)
    arms = arms_info(run.frame, ablation)
    cells = summary_cells(arms, same_protocol=ablation.design.is_paper_protocol, compact=True)
    flat = tuple(heading.replace("\n", " ") for heading in cells.headings)
    table = Cells(flat, cells.rows, cells.text_columns, cells.last_number)
    return Shown(f"{markdown_table(table)}\n{reading(arms)}")


def show_verdicts(run: Run) -> Shown:
    """How the paper's claims end in this run."""
    found = verdicts_info(run.frame, ablation_of(run))
    return Shown(f"{markdown_table(verdict_cells(found, compact=True))}\n{verdicts_reading(found)}")


def show_front(run: Run, cost: str = "macs", rows: int = 15) -> Shown:
    """The networks that no other beats in mean accuracy without costing more, cheapest first."""
    points = front_info(run.points, cost)
    best = points[points["on_front"]].head(rows).to_dict("records")
    names = ("network", cost_text(cost), "n", "accuracy, %", "test, %")
    return Shown(
        markdown_table(
            Cells(
                names,
                tuple(
                    (row["name"], engineering(row[cost]), str(row["n"]), f"{row['mean']:.2f}",
                     f"{row['test_mean']:.2f}")
                    for row in best
                ),
            )
        )
    )  # fmt: skip


def ablation_of(run: Run) -> Ablation:
    """The ablation that the run holds; an InputError if it holds a search."""
    if run.ablation is None:
        raise InputError(f"{run.folder} holds a search; its networks are no arms of a study")
    return run.ablation


def plot_beside(run: Run, dataset: str, title: str) -> Drawn:
    """Our arms by MACs, with intervals, and to the right the paper's points on `dataset`.

    An arm has one colour on both sides and a line through its input sizes. Points that are printed
    with MACs are drawn; if there are none, those of our arms, side by side.
    """
    ablation = ablation_of(run)
    printed = [point for point in ablation.study.published if point.task == dataset]
    priced = any(point.macs for point in printed)
    names = [arm.name for arm in ablation.design.arms]
    printed = [point for point in printed if (point.macs if priced else point.arm in names)]
    arms = list(dict.fromkeys(names + [point.arm for point in printed]))
    drawn = make_subplots(
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
        ours = run.points[(run.points["arm"] == arm) & run.points["size"].notna()]
        if len(ours):
            drawn.add_trace(_ours(arm, ours, style), row=1, col=1)
        theirs = [point for point in printed if point.arm == arm]
        if theirs:
            trace = _theirs(arm, theirs, style, priced=priced, named=ours.empty)
            drawn.add_trace(trace, row=1, col=2)
    costs = run.points.loc[run.points["size"].notna(), "macs"].astype(float).tolist()
    drawn.update_xaxes(**figures.log_axis(costs), title_text="MACs (log scale)", row=1, col=1)
    if priced:
        counts = [float(point.macs or 0) for point in printed]
        drawn.update_xaxes(
            **figures.log_axis(counts), title_text="printed MACs (log scale)", row=1, col=2
        )
    drawn.update_yaxes(title_text=run.axis, row=1, col=1)
    drawn.update_layout(
        template="plotly_white", font=figures.FONT, width=1150, height=520,
        margin={"l": 75, "r": 20, "t": 40, "b": 65},
        legend={"orientation": "h", "y": -0.18},
    )  # fmt: skip
    return Drawn(drawn, title)


def _ours(arm: str, points: pd.DataFrame, style: dict[str, Any]) -> go.Scatter:
    ordered = points.sort_values("macs")
    half = (ordered["high"] - ordered["mean"]).fillna(0.0).tolist()
    return go.Scatter(
        x=ordered["macs"].tolist(),
        y=ordered["mean"].tolist(),
        error_y={"type": "data", "array": half, "thickness": 1},
        mode="lines+markers",
        marker=style,
        line={"width": 1},
        name=arm,
        legendgroup=arm,
    )


def _theirs(
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


def cost_text(cost: str) -> str:
    """A cost in words, without its scale."""
    return COSTS[cost].split(" of ")[0].split(" stored")[0]
