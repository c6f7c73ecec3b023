"""A run as the report sees it: what was asked, its rows, and a point for each network."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.stats.comparisons import AT_SIZE, ENSEMBLE, as_ensembles
from analysis.stats.inference import CONFIDENCE
from studies import Ablation, load, load_curves, load_environments, read_experiment
from studies.rundir.store import RunStore
from studies.spec.search import Search
from trainers import Recipe, Task

POINT_COLUMNS = {
    "task": "name of the task with its settings",
    "arm": "name of the architecture within the study, in a search its key",
    "name": "what figures call the network, with its input size if it has several",
    "view": "input size in pixels, or ensemble",
    "size": "input size in pixels, missing for an ensemble of all sizes",
    "trial": "number of the first trial, missing in an ablation",
    "n": "number of seeds with an accuracy",
    "mean": "mean accuracy over seeds in per cent: test in an ablation, validation in a search",
    "sd": "standard deviation over seeds, percentage points",
    "low": "lower end of the 95% interval of the mean; missing where no network was replicated",
    "high": "upper end of that interval",
    "test_mean": "mean test accuracy over seeds in per cent; selects nothing",
    "params": "stored numbers of the deployed form",
    "macs": "multiply-accumulates of the deployed form for one image",
    "latency_ms": "measured milliseconds for one batch, missing where not measured",
    "network": "number of the architecture in the page",
}
"""Every column of `points_info` and what it means."""

POINT = ("task", "arm", "view")
"""What tells points apart."""
TOGETHER = "ensemble"
OWN_SPREAD = 3
"""From this number of seeds on, a network's interval comes from its own spread."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run directory, read."""

    folder: Path
    experiment: Ablation | Search
    frame: pd.DataFrame
    curves: pd.DataFrame
    environments: pd.DataFrame
    asked_in: dict[str, str]

    @property
    def ablation(self) -> Ablation | None:
        """The ablation, if the run holds one."""
        return self.experiment if isinstance(self.experiment, Ablation) else None

    @property
    def search(self) -> Search | None:
        """The search, if the run holds one."""
        return self.experiment if isinstance(self.experiment, Search) else None

    @property
    def name(self) -> str:
        """The study or search, as figures call it."""
        return self.experiment.name

    @property
    def question(self) -> str:
        """What the run is to answer."""
        return self.experiment.question

    @property
    def measure(self) -> str:
        """The column of the accuracy that points show."""
        return f"{self.experiment.reported_split}_accuracy"

    @property
    def axis(self) -> str:
        """What figures write at the accuracy axis."""
        return f"{self.measure.replace('_', ' ')}, %"

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the networks were trained on."""
        return self.experiment.tasks

    def recipe(self, arm: str) -> Recipe:
        """How a network was trained."""
        return self.experiment.recipe_of(arm)

    @cached_property
    def points(self) -> pd.DataFrame:
        """All networks with an accuracy, on all tasks."""
        return points_info(self.frame, self.measure)

    @cached_property
    def architectures(self) -> dict[str, Any]:
        """The JSON form of each arm's network, in order of appearance."""
        first = self.frame.drop_duplicates("arm")
        return dict(zip(first["arm"], first["architecture"], strict=True))


def read_run(folder: Path) -> Run:
    """A run directory; an InputError if it holds none."""
    store = RunStore(folder)
    experiment = read_experiment(store)
    frame = load(store)
    curves = load_curves(store, frame)
    return Run(folder, experiment, frame, curves, load_environments(store), store.environment())


def accuracy_rows(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows with an accuracy at a trained size or of an ensemble, `accuracy` in per cent.

    `view` is the input size as text, or "ensemble".
    """
    trained = frame[frame["trained"].astype(bool)]
    together = as_ensembles(trained)
    sizes = trained.assign(view=trained["size"].astype(str))
    rows = sizes if together.empty else pd.concat([sizes, together.assign(view=TOGETHER)])
    rows = rows[(rows["status"] == "finished") & rows[measure].notna()]
    return rows.assign(
        accuracy=100 * rows[measure].astype(float), test=100 * rows["test_accuracy"].astype(float)
    )


def points_info(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row for each network, task and trained input size, or ensemble, with an accuracy.

    Columns are documented in `POINT_COLUMNS`. The interval of a mean comes from Student's t and the
    network's own spread from three seeds on, else from the spread pooled over the networks.
    """
    rows = accuracy_rows(frame, measure)
    if rows.empty:
        return pd.DataFrame(columns=list(POINT_COLUMNS))
    points = rows.groupby(list(POINT), sort=False).agg(
        size=("size", "first"),
        trial=("trial", "min"),
        n=("accuracy", "size"),
        mean=("accuracy", "mean"),
        sd=("accuracy", "std"),
        test_mean=("test", "mean"),
        params=("params", "first"),
        macs=("macs", "first"),
        latency_ms=("latency_ms", "median"),
    )
    points = points.reset_index().astype({"macs": "int64", "size": "Int64"})
    numbers = {arm: i for i, arm in enumerate(frame["arm"].unique())}
    points["network"] = points["arm"].map(numbers)
    points["name"] = _names(points)
    half = _half_widths(points["n"].to_numpy(), points["sd"].to_numpy(dtype=float))
    points["low"], points["high"] = points["mean"] - half, points["mean"] + half
    return points[list(POINT_COLUMNS)]


def _names(points: pd.DataFrame) -> pd.Series:
    several = points.groupby(["task", "arm"])["view"].transform("nunique") > 1
    names = [
        str(arm) if pd.isna(trial) else f"trial {trial}"
        for arm, trial in zip(points["arm"], points["trial"], strict=True)
    ]
    return pd.Series(
        [
            name
            if not many
            else ENSEMBLE.format(name)
            if view == TOGETHER
            else AT_SIZE.format(name, view)
            for name, many, view in zip(names, several, points["view"], strict=True)
        ],
        index=points.index,
    )


def pooled_spread(n: NDArray[Any], sd: NDArray[np.float64]) -> tuple[float, int]:
    """The standard deviation within networks, in points, and its degrees of freedom."""
    many = n > 1
    freedom = int((n[many] - 1).sum())
    if not freedom:
        return float("nan"), 0
    return float(sqrt(((n[many] - 1) * sd[many] ** 2).sum() / freedom)), freedom


def _half_widths(n: NDArray[Any], sd: NDArray[np.float64]) -> NDArray[np.float64]:
    pooled, freedom = pooled_spread(n, sd)
    own = n >= OWN_SPREAD
    spread = np.where(own, sd, pooled)
    degrees = np.where(own, n - 1, max(freedom, 1))
    return np.asarray(stats.t.ppf((1 + CONFIDENCE) / 2, degrees) * spread / np.sqrt(n))
