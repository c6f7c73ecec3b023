"""How much of the trade-off a search had found after so many trials, or so much training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.parts import Part, Table
from analysis.render.tables import engineering
from analysis.sections.fronts import cost_name
from analysis.stats.bootstrap import main_cost
from studies.samplers.pareto import non_dominated

ORDERS = 50
"""Random orders of the trials that an expectation is a mean over."""
STOPS = 60
"""Numbers of trials at which hypervolumes are computed."""

VOLUME_COLUMNS = {
    "run": "the run directory's name, and what was done to its order",
    "trials": "trials ended by then, whatever their end",
    "seconds": "training time spent by then, summed over trials; missing for a random order",
    "hypervolume": "share of the box between the reference and the ideal point, in [0, 1]",
    "low": "5% quantile over random orders, missing for the run's own order",
    "high": "95% quantile over random orders",
}


@dataclass(frozen=True)
class Box:
    """The reference point (`costliest`, `worst`) and the ideal one; accuracies in per cent.

    Costs count by their logarithm.
    """

    cheapest: float
    costliest: float
    worst: float
    best: float = 100.0

    def unit(
        self, costs: NDArray[np.float64], accuracies: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Costs and errors as shares of the box, both to be low."""
        low, high = np.log(self.cheapest), np.log(self.costliest)
        cost = (np.log(costs) - low) / ((high - low) or 1.0)
        error = (self.best - accuracies) / (self.best - self.worst)
        return np.column_stack([cost, error])


@dataclass(frozen=True, eq=False)
class Trials:
    """The points of a search in the order in which trials ended.

    `ended[i]` is the number of trials that had ended with point i, `seconds[t]` the training time
    of the first t + 1 trials.
    """

    points: NDArray[np.float64]
    ended: NDArray[np.int64]
    seconds: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many trials there are."""
        return len(self.seconds)

    def shuffled(self, generator: np.random.Generator) -> "Trials":
        """The same trials in a random order; training times stay with their places."""
        place = generator.permutation(self.count)
        ended = place[self.ended - 1] + 1
        order = np.argsort(ended, kind="stable")
        return Trials(self.points[order], ended[order], self.seconds)


def box_of(runs: Sequence[Run], cost: str) -> Box:
    """One box for all runs: the cheapest and costliest network tried, chance and 100 %."""
    costs = pd.concat([run.frame[cost] for run in runs]).dropna().astype(float)
    worst = min(100 / task.classes for run in runs for task in run.tasks)
    # Beyond the costliest network, so that even this one counts.
    return Box(float(costs.min()), 1.02 * float(costs.max()), worst)


def trials_of(run: Run, cost: str, box: Box) -> Trials:
    """The trials of a search, every run of a network being one."""
    rows = run.frame[run.frame["trained"].astype(bool)]
    ends = rows.groupby("key").agg(at=("finished_at", "first"), seconds=("seconds", "first"))
    ends = ends.sort_values("at", kind="stable")
    number = pd.Series(np.arange(1, len(ends) + 1), index=ends.index)
    known = rows[(rows["status"] == "finished") & rows[run.measure].notna() & rows[cost].notna()]
    ended = known["key"].map(number).to_numpy(dtype=np.int64)
    points = box.unit(
        known[cost].to_numpy(dtype=float), 100 * known[run.measure].to_numpy(dtype=float)
    )
    order = np.argsort(ended, kind="stable")
    return Trials(points[order], ended[order], ends["seconds"].to_numpy(dtype=float).cumsum())


def stops(count: int) -> NDArray[np.int64]:
    """Numbers of trials, closer together at the beginning."""
    return np.unique(np.geomspace(1, count, STOPS).round().astype(np.int64))


def volumes(trials: Trials, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The hypervolume after each of these numbers of trials."""
    from moocore import hypervolume

    front, first, found = np.empty((0, 2)), 0, []
    for stop in at:
        last = int(np.searchsorted(trials.ended, stop, side="right"))
        if last > first:
            # Only the front is carried on: the whole costs no more than its new points.
            joined = np.vstack([front, trials.points[first:last]])
            front = joined[non_dominated(joined, keep_equal=False)]
            first = last
        found.append(float(hypervolume(front, ref=[1.0, 1.0])) if len(front) else 0.0)
    return np.array(found)


def volume_info(name: str, trials: Trials) -> pd.DataFrame:
    """The hypervolume of a run in its own order."""
    at = stops(trials.count)
    return pd.DataFrame(
        {
            "run": name,
            "trials": at,
            "seconds": trials.seconds[at - 1],
            "hypervolume": volumes(trials, at),
            "low": np.nan,
            "high": np.nan,
        }
    )


def expected_info(name: str, trials: Trials, seed: int = 0) -> pd.DataFrame:
    """The mean over random orders of the same trials, and its 5% and 95% quantiles."""
    generator = np.random.default_rng(seed)
    at = stops(trials.count)
    found = np.array([volumes(trials.shuffled(generator), at) for _ in range(ORDERS)])
    low, high = np.quantile(found, (0.05, 0.95), axis=0)
    return pd.DataFrame(
        {
            "run": name, "trials": at, "seconds": np.nan,
            "hypervolume": found.mean(axis=0), "low": low, "high": high,
        }
    )  # fmt: skip


def plot_volume(info: pd.DataFrame, by: str) -> go.Figure:
    """Hypervolume against `trials` or `seconds`; expectations are dashed, with a band."""
    units = {"trials": "trials ended", "seconds": "training time spent on all trials, s"}
    figure = figures.figure(units[by], "hypervolume, share of the box")
    for number, (name, part) in enumerate(info.groupby("run", sort=False)):
        if part[by].isna().all():
            continue
        hue = figures.color(number)
        expected = part["low"].notna().any()
        if expected:
            figure.add_scatter(
                x=[*part[by], *part[by][::-1]],
                y=[*part["low"], *part["high"][::-1]],
                fill="toself", fillcolor=figures.faded(hue, 0.15), line={"width": 0},
                mode="lines", hoverinfo="skip", showlegend=False,
            )  # fmt: skip
        figure.add_scatter(
            x=part[by],
            y=part["hypervolume"],
            mode="lines" if len(part) > 1 else "markers",
            line={"color": hue, "width": 2.5, "dash": "dash" if expected else "solid",
                  "shape": "linear" if expected else "hv"},
            name=str(name),
        )  # fmt: skip
    figure.update_yaxes(rangemode="tozero")
    return figure


def hypervolume_parts(runs: Sequence[Run]) -> list[Part]:
    """Hypervolume of all searches of a report in one box, against trials and against time."""
    searches = [run for run in runs if run.search]
    if not searches:
        return []
    title = "Hypervolume"
    known = [run for run in searches if not run.points.empty]
    if not known:
        return [Part("hypervolume", title, reason="No figure: no trial has an accuracy yet.")]
    cost = main_cost(known[0])
    box = box_of(known, cost)
    info, said = _all_info(known, cost, box)
    text = (
        f"The part of the box between (lowest cost, 100 %) and (highest cost, chance) that the "
        f"networks found so far dominate; {cost_name(cost)} on a logarithmic scale from "
        f"{engineering(box.cheapest)} to {engineering(box.costliest)}, validation accuracy from "
        f"{box.worst:.3g} to 100 %; one box for all runs shown.",
        said,
    )
    table = Table("hypervolume", title, info, VOLUME_COLUMNS)
    return [
        Part("hypervolume-trials", "Hypervolume and trials", text, plot_volume(info, "trials"),
             (table,)),
        Part("hypervolume-time", "Hypervolume and time", (), plot_volume(info, "seconds")),
    ]  # fmt: skip


def _all_info(runs: Sequence[Run], cost: str, box: Box) -> tuple[pd.DataFrame, str]:
    parts = []
    trials = [trials_of(run, cost, box) for run in runs]
    names = distinct_names(runs)
    for name, one in zip(names, trials, strict=True):
        parts.append(volume_info(name, one))
    random = [i for i, run in enumerate(runs) if _is_random(run)]
    for i in random:
        parts.append(expected_info(f"{names[i]}: expected of random search", trials[i]))
    if random:
        said = (
            "Random search draws trials independently, so the mean over random orders of its own "
            f"trials (n={ORDERS}) is its expected hypervolume; the band holds 90 % of the orders."
        )
        return pd.concat(parts, ignore_index=True), said
    for name, one in zip(names, trials, strict=True):
        parts.append(expected_info(f"{name}: its trials in random order", one))
    said = (
        "No random search is among these runs. The dashed line is the mean over random orders of "
        f"the run's own trials (n={ORDERS}; the band holds 90 %): it shows whether the search "
        "found better networks later than earlier, not what random search would have found. "
        "Give a run with the sampler random as another RUN for that."
    )
    return pd.concat(parts, ignore_index=True), said


def _is_random(run: Run) -> bool:
    return run.search is not None and run.search.sampler == "random"


def distinct_names(runs: Sequence[Run]) -> list[str]:
    """The runs' directory names, with their parents' where they coincide."""
    names = [run.folder.resolve().name for run in runs]
    if len(set(names)) == len(names):
        return names
    return [str(run.folder) for run in runs]
