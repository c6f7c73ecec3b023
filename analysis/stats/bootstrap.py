"""How sure a front is: bootstrap over seeds, and the surfaces that replicates attain."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from analysis.data.runs import POINT, Run, accuracy_rows, pooled_spread
from analysis.render import figures
from analysis.render.parts import Part, Table
from analysis.sections.fronts import COSTS, cost_name
from studies.samplers.pareto import non_dominated

DRAWS, LARGE = 1000, 1000
"""Bootstrap draws; a fifth of them for more networks than `LARGE`."""
REACH = 4.0
"""A network further than this many standard errors below a cheaper one is not drawn at all."""
SETS = 100
FREEDOM = 3
"""Fewer free deviations between seeds than this say nothing of chance."""
SHOWN = 0.005
"""Networks less probable than this are left out of the figure."""
LEVELS = (10, 50, 90)

SURE_COLUMNS = {
    "name": "what figures call the network",
    "cost": "column of the cost that the front is by",
    "probability": "share of bootstrap draws over seeds in which the network is on the front",
    "n": "number of seeds behind its mean",
    "mean": "mean accuracy in per cent",
    "at_cost": "the network's cost",
}
ATTAINED_COLUMNS = {
    "level": "share of the replicates, in per cent, that reach this accuracy at this cost or less",
    "at_cost": "cost",
    "accuracy": "per cent",
}


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Mean accuracies (draws, points) in per cent; `how` says what was drawn, for a reader."""

    means: NDArray[np.float64]
    how: str


def bootstrap(
    values: pd.DataFrame, pool: pd.DataFrame | None = None, seed: int = 0
) -> Bootstrap | None:
    """Draw seeds with replacement; `values` has a row for each point and a column for each seed.

    If all points have all seeds, these are drawn for all of them at once, so that what seeds share
    stays shared. Else deviations are drawn from those of all replicated points of `pool`, by
    default of `values`. Deviations are scaled by sqrt(n / (n - 1)), as they are from the mean of
    the same n values. None with fewer than `FREEDOM` deviations that are free.
    """
    deviations, n = deviations_of(values)
    others, counts = deviations_of(values if pool is None else pool)
    if (counts - 1).clip(min=0).sum() < FREEDOM:
        return None
    generator = np.random.default_rng(seed)
    draws = DRAWS if len(n) <= LARGE else DRAWS // 5
    means = np.nanmean(values.to_numpy(dtype=float), axis=1)
    if (n == values.shape[1]).all():
        picked = generator.integers(values.shape[1], size=(draws, values.shape[1]))
        moved = deviations[:, picked].mean(axis=2).T
        return Bootstrap(means + moved, f"the {values.shape[1]} seeds, for all networks at once")
    free = others[counts > 1]
    moved = np.empty((draws, len(n)))
    for count in np.unique(n):
        where = np.flatnonzero(n == count)
        picks = generator.choice(free[~np.isnan(free)], (draws, len(where), count))
        moved[:, where] = picks.mean(axis=2)
    how = f"deviations between seeds, pooled over the {(counts > 1).sum()} replicated points"
    return Bootstrap(means + moved, how)


def deviations_of(values: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Each value less its row's mean, times sqrt(n / (n - 1)), and the numbers n of values."""
    matrix = values.to_numpy(dtype=float)
    n = (~np.isnan(matrix)).sum(axis=1)
    scale = np.sqrt(n / np.maximum(n - 1, 1))[:, None]
    return (matrix - np.nanmean(matrix, axis=1)[:, None]) * scale, n


def seeds_of(run: Run, points: pd.DataFrame) -> pd.DataFrame:
    """Accuracies in per cent, a row for each point and a column for each seed."""
    rows = accuracy_rows(run.frame, run.measure)
    table = rows.pivot_table(index=list(POINT), columns="seed", values="accuracy")
    return table.reindex(pd.MultiIndex.from_frame(points[list(POINT)])).set_axis(points.index)


def contenders(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The points that could be on the front, given the spread between seeds."""
    known = points[points[cost].notna()].sort_values(cost, kind="stable")
    spread, _ = pooled_spread(known["n"].to_numpy(), known["sd"].to_numpy(dtype=float))
    if known.empty or np.isnan(spread):
        return known
    margin = REACH * spread / np.sqrt(known["n"].to_numpy(dtype=float))
    mean = known["mean"].to_numpy(dtype=float)
    sure = np.maximum.accumulate(mean - margin)
    return known[mean + margin >= sure]


def front_probabilities(
    means: NDArray[np.float64], costs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """For each point, the share of draws, the rows of `means`, in which none dominates it."""
    draws, count = means.shape
    objectives = np.column_stack([np.tile(costs, draws), -means.ravel()])
    kept = non_dominated(objectives, sets=np.repeat(np.arange(draws), count))
    share: NDArray[np.float64] = kept.reshape(draws, count).mean(axis=0)
    return share


def sure_info(run: Run, points: pd.DataFrame, cost: str) -> tuple[pd.DataFrame, str]:
    """Contenders with their probability of being on the front, and what was drawn; may be empty."""
    known = contenders(points, cost)
    every = seeds_of(run, points)
    drawn = bootstrap(every.loc[known.index], every) if len(known) else None
    if drawn is None:
        return pd.DataFrame(columns=list(SURE_COLUMNS)), ""
    costs = known[cost].to_numpy(dtype=float)
    info = known.assign(
        cost=cost, at_cost=costs, probability=front_probabilities(drawn.means, costs)
    )
    return info.sort_values("probability", ascending=False, kind="stable"), drawn.how


def plot_sure(info: pd.DataFrame, number: int, rows: int = 20) -> go.Figure:
    """The most probable members of the front as bars, cheapest at the bottom."""
    probable = info[info["probability"] >= SHOWN]
    shown = probable.head(rows).sort_values("at_cost")
    figure = figures.figure(
        "probability of being on the front", "", height=140 + 26 * max(len(shown), 2)
    )
    figure.add_bar(
        x=shown["probability"],
        y=shown["name"].astype(str),
        orientation="h",
        width=0.7,
        marker={"color": figures.color(number)},
        text=[f"{value:.2f}" for value in shown["probability"]],
        customdata=np.column_stack([shown["network"], shown["n"], shown["at_cost"]]),
        hovertemplate="<b>%{y}</b>: %{x:.3f} (n=%{customdata[1]}, %{customdata[2]:.4s})"
        "<extra></extra>",
        meta={"run": number},
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, 1.08])
    figure.update_yaxes(type="category", ticksuffix="  ")
    return figure


def attainment_info(
    costs: NDArray[np.float64], means: NDArray[np.float64], levels: tuple[int, ...] = LEVELS
) -> pd.DataFrame:
    """Accuracies (replicates, points) to the accuracy that a share of replicates attains.

    Columns are documented in `ATTAINED_COLUMNS` (Grunert da Fonseca et al., 2001).
    """
    from moocore import eaf

    sets, count = means.shape
    data = np.column_stack(
        [np.tile(costs, sets), -means.ravel(), np.repeat(np.arange(sets), count)]
    )
    data = data[~np.isnan(data).any(axis=1)]
    fronts = data[non_dominated(data[:, :2], keep_equal=False, sets=data[:, 2].astype(int))]
    surface = eaf(fronts[:, :2], sets=fronts[:, 2], percentiles=list(levels))
    return pd.DataFrame(
        {"level": surface[:, 2], "at_cost": surface[:, 0], "accuracy": -surface[:, 1]}
    ).sort_values(["level", "at_cost"], ignore_index=True)


def plot_attainment(info: pd.DataFrame, cost: str, axis: str, number: int) -> go.Figure:
    """The best, middle and worst attainment surface, the space between them filled."""
    figure = figures.figure(COSTS[cost], axis)
    hue = figures.color(number)
    ends = info["at_cost"].max() * 1.05
    for i, (level, part) in enumerate(info.groupby("level")):
        figure.add_scatter(
            x=[*part["at_cost"], ends],
            y=[*part["accuracy"], part["accuracy"].iloc[-1]],
            mode="lines",
            line={"color": hue, "shape": "hv", "width": 2.5 if level == 50 else 1},
            fill=None if i == 0 else "tonexty",
            fillcolor=figures.faded(hue, 0.15),
            name=f"reached by {level:.0f} % of replicates",
        )
    figure.update_xaxes(figures.log_axis([*info["at_cost"], ends]))
    return figure


def uncertainty_parts(run: Run, number: int) -> list[Part]:
    """Probabilities of being on the front and attainment surfaces, for each task, by MACs."""
    cost = main_cost(run)
    parts = []
    for index, task in enumerate(run.tasks):
        points = run.points[run.points["task"] == task.label()]
        suffix = "" if len(run.tasks) == 1 else f"-{task.kind}-{index + 1}"
        parts += _parts(run, number, points, cost, suffix)
    return parts


def main_cost(run: Run) -> str:
    """The cost that a run is about: the first that a search is given, MACs in an ablation."""
    wanted = run.search.objectives if run.search else ("macs",)
    columns = {"macs": "macs", "params": "params", "latency": "latency_ms"}
    return next(columns[name] for name in [*wanted, "macs"] if name in columns)


def _parts(run: Run, number: int, points: pd.DataFrame, cost: str, suffix: str) -> list[Part]:
    titles = "Who is on the front?", "What replicates attain"
    names = f"front-probability{suffix}", f"attainment{suffix}"
    info, how = sure_info(run, points, cost)
    if info.empty:
        reason = (
            "No figure: too few networks were trained with several seeds to say how much chance "
            "there is in a network's place."
        )
        return [Part(names[0], f"{titles[0]} {titles[1]}", reason=reason)]
    table = Table(names[0], titles[0], info[list(SURE_COLUMNS)], SURE_COLUMNS)
    text = f"Accuracy against {cost_name(cost)}; {len(info)} contenders; drawn: {how}."
    sure = Part(names[0], titles[0], (text,), plot_sure(info, number), (table,))
    surface, what = _surface(run, points, cost)
    attained = Table(names[1], titles[1], surface, ATTAINED_COLUMNS)
    drawn = plot_attainment(surface, cost, run.axis, number)
    return [sure, Part(names[1], titles[1], (what,), drawn, (attained,))]


def _surface(run: Run, points: pd.DataFrame, cost: str) -> tuple[pd.DataFrame, str]:
    known = contenders(points, cost)
    every = seeds_of(run, points)
    values = every.loc[known.index]
    costs = known[cost].to_numpy(dtype=float)
    if values.notna().to_numpy().all():
        said = f"Empirical attainment surfaces: a replicate is one of the {values.shape[1]} seeds."
        return attainment_info(costs, values.to_numpy().T), said
    drawn = bootstrap(values, every)
    assert drawn is not None
    said = f"Attainment surfaces; a replicate is one of {SETS} bootstrap draws of {drawn.how}."
    return attainment_info(costs, drawn.means[:SETS]), said
