"""Parallel coordinates of a search: its decisions, cost and accuracy, a line for each network."""

from math import log
from os.path import commonprefix
from typing import Any

import numpy as np
import pandas as pd

from analysis.data.runs import Run
from analysis.render.numbers import engineering
from analysis.render.section import Section
from analysis.stats.fronts import front_info
from analysis.stats.points import largest_view
from searchspace import Architecture

DECISIONS, LINES, FEWEST = 8, 400, 10
"""Decisions and networks that are drawn at most, and networks below which there is no figure."""
SPREAD = 0.08
"""The share of an axis over which networks with one label are spread."""
SHARED = 6
"""Letters that all labels begin with, above which they are left out."""
LEAD = "Each line is a network. Drag along axes to keep those within: the front and tables follow."


def coordinates_sections(run: Run, number: int) -> list[Section]:
    """The decisions of a search's networks beside cost and accuracy; none for other runs."""
    if run.search is None:
        return []
    networks = largest_view(front_info(run.points, run.main_cost))
    if len(networks) < FEWEST:
        reason = f"No figure: {len(networks)} networks have an accuracy, {FEWEST} are needed."
        return [Section("coordinates", "Decisions and what they give", reason=reason)]
    networks = networks.sort_values(["on_front", "mean"], ascending=False, kind="stable")
    if len(networks) > LINES:
        # The better half, and every so many of the others.
        rest = networks.iloc[LINES // 2 :]
        networks = pd.concat([networks.head(LINES // 2), rest.iloc[:: 2 * len(rest) // LINES + 1]])
    axes = [*_decisions(run, networks), *_measures(run, networks)]
    lines = [
        {"network": int(row["network"]), "front": bool(row["on_front"])}
        for row in networks.to_dict("records")
    ]
    data = {"run": number, "axes": axes, "lines": lines}
    return [Section("coordinates", "Decisions and what they give", lead=LEAD, coordinates=data)]


def _decisions(run: Run, networks: pd.DataFrame) -> list[dict[str, Any]]:
    """The decisions whose labels differ most in mean accuracy, each with its labels' places."""
    if run.search is None:
        return []
    space = run.search.space
    rows = space.rows(Architecture.from_json(run.architectures[arm]) for arm in networks["arm"])
    accuracies = networks["mean"].to_numpy(dtype=float)
    axes = []
    for name, column in space.encoding.columns.items():
        codes = rows[:, column]
        used = np.unique(codes)
        if len(used) < 2:
            continue
        labels = list(space.encoding.labels[name])
        prefix = len(commonprefix(labels))
        labels = [f"\u2026{label[prefix:]}" if prefix > SHARED else label for label in labels]
        means = pd.Series(accuracies).groupby(codes).transform("mean")
        places = {code: place / (len(used) - 1) for place, code in enumerate(used)}
        ticks = [
            {"at": places[code], "text": "not asked" if code < 0 else labels[code]} for code in used
        ]
        # Networks with one label are spread by accuracy, so that lines show how many there are.
        ranks = pd.Series(accuracies).groupby(codes).rank(pct=True).to_numpy()
        values = [
            round(places[code] + SPREAD * (rank - 0.5), 4)
            for code, rank in zip(codes, ranks, strict=True)
        ]
        axes.append((float(means.var()), {"title": name, "ticks": ticks, "values": values}))
    axes.sort(key=lambda pair: -pair[0])
    return [axis for _, axis in axes[:DECISIONS]]


def _measures(run: Run, networks: pd.DataFrame) -> list[dict[str, Any]]:
    """Cost on a logarithmic axis, and accuracy."""
    cost = networks[run.main_cost].astype(float)
    accuracy = networks["mean"].astype(float)
    title = run.main_cost.removesuffix("_ms").replace("macs", "MACs")
    columns = [
        (title, cost.map(log), cost.map(engineering)),
        ("accuracy, %", accuracy, accuracy.map("{:.1f}".format)),
    ]
    axes = []
    for name, values, texts in columns:
        low, high = values.min(), values.max()
        places = (values - low) / ((high - low) or 1.0)
        at = [int(np.argmin(values)), int(np.argmax(values))]
        ends = [{"at": float(places.iloc[i]), "text": texts.iloc[i]} for i in at]
        axes.append({"title": name, "ticks": ends, "values": places.round(4).tolist()})
    return axes
