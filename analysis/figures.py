"""Figures of a study, each drawn from values computed elsewhere."""

from collections.abc import Sequence
from math import isnan

import plotly.graph_objects as go

from analysis.compare import ArmSummary, front

ARM_COLOR = "#1f6f8b"
FRONT_COLOR = "#c8553d"
FONT = "system-ui, sans-serif"


def plot_front(arms: Sequence[ArmSummary], configs: dict[str, str]) -> go.Figure:
    """Test accuracy (mean ± sd over seeds) against deployed MACs, with the non-dominated arms.

    `configs` gives the text shown on hover for each arm.
    """
    known = [arm for arm in arms if arm.n]
    best = front(known)
    smallest, largest = min(arm.macs for arm in known), max(arm.macs for arm in known)
    room = 0.35 * ((largest - smallest) or largest)
    figure = go.Figure()
    figure.add_scatter(
        # To the right of the last arm of the front, more MACs buy nothing.
        x=[*(arm.macs for arm in best), largest + room],
        y=[*(arm.mean for arm in best), best[-1].mean],
        mode="lines",
        line={"color": FRONT_COLOR, "shape": "hv", "dash": "dot"},
        name="best mean at this cost or less",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[arm.macs for arm in known],
        y=[arm.mean for arm in known],
        error_y={
            "type": "data",
            "color": ARM_COLOR,
            "array": [0 if isnan(arm.sd) else arm.sd for arm in known],
        },
        mode="markers+text",
        text=[arm.arm for arm in known],
        textposition="top right",
        marker={
            "size": 11,
            "color": [FRONT_COLOR if arm in best else ARM_COLOR for arm in known],
        },
        customdata=[
            [arm.n, arm.sd, arm.params, arm.training_macs, configs.get(arm.arm, "")]
            for arm in known
        ],
        hovertemplate="<b>%{text}</b><br>test accuracy %{y:.2f} ± %{customdata[1]:.2f} %"
        " (n=%{customdata[0]})<br>%{x:,} MACs deployed, %{customdata[3]:,} in training"
        "<br>%{customdata[2]:,} parameters<br>%{customdata[4]}<extra></extra>",
        name="mean ± sd over seeds",
    )
    figure.update_layout(
        template="plotly_white",
        font={"family": FONT, "size": 14},
        xaxis={
            "title": "MACs of the deployed form, one image",
            "range": [smallest - room / 3, largest + room],
            "tickformat": ".3s",
        },
        yaxis={"title": "test accuracy, %"},
        legend={"orientation": "h", "y": 1.08, "x": 0},
        margin={"l": 70, "r": 30, "t": 50, "b": 60},
        height=520,
    )
    return figure
