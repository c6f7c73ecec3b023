"""The style of all figures: colours, fonts, sizes and axis titles."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe and Ito's palette, safe for colour blindness; its yellow is left out as too light."""

QUIET = "#9aa5ae"
FONT = {"family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 14}
WIDTH, HEIGHT = 960, 520
"""Pixels of a static figure; on a page the width follows the window."""

MANY = 1500
"""Above this number of points, a figure is drawn by the graphics card (WebGL)."""


def color(index: int) -> str:
    """The colour of the run or network with a number."""
    return COLORS[index % len(COLORS)]


def faded(hex_color: str, opacity: float) -> str:
    """A colour with an opacity, for areas."""
    red, green, blue = (int(hex_color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def plain(text: object) -> str:
    """A text for a figure as it stands: plotly would take `<b>` or a link in it as markup."""
    return escape(str(text), quote=False)


def scatter(count: int) -> type[go.Scatter] | type[go.Scattergl]:
    """The kind of trace for a figure with `count` points."""
    return go.Scattergl if count > MANY else go.Scatter


def figure(x: str, y: str, *, height: int = HEIGHT) -> go.Figure:
    """An empty figure with the titles of its axes, units included."""
    empty = go.Figure()
    empty.update_layout(
        template="plotly_white",
        font=FONT,
        height=height,
        margin={"l": 75, "r": 30, "t": 60, "b": 65},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"font": {"size": 13}},
        xaxis={"title": {"text": x}, "automargin": True},
        yaxis={"title": {"text": y}, "automargin": True},
    )
    return empty


def interval_bars(points: pd.DataFrame) -> dict[str, Any] | None:
    """Error bars from the columns mean, low and high; None if no point has an interval."""
    ends = points[["mean", "low", "high"]].to_numpy(dtype=float)
    if np.isnan(ends[:, 1:]).all():
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": np.nan_to_num(ends[:, 2] - ends[:, 0]),
        "arrayminus": np.nan_to_num(ends[:, 0] - ends[:, 1]),
        "thickness": 1,
    }


def add_band(
    figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series, hue: str, opacity: float
) -> None:
    """Fill the area between two lines over `x`."""
    figure.add_scatter(
        x=[*x, *x[::-1]],
        y=[*low, *high[::-1]],
        fill="toself",
        fillcolor=faded(hue, opacity),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )
