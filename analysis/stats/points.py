"""A point for each network: mean accuracy over seeds with its interval, and costs."""

from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.inference import CONFIDENCE
from studies.intervals import t_half_width

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

POINT_KEYS = ("task", "arm", "view")
"""The columns that identify a point."""
ENSEMBLE_VIEW = "ensemble"
AT_SIZE = "{} at {} px"
ENSEMBLE = "{}, ensemble"
"""Names of the points of an arm that has several sizes."""
OWN_SPREAD = 3
"""From this number of seeds on, a network's interval comes from its own spread."""


def ensemble_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each job that has an ensemble, with the ensemble's accuracies and MACs."""
    rows = rows[rows["ensemble_macs"].notna()].drop_duplicates(["arm", "task", "seed"])
    return rows.assign(
        size=nan,
        macs=rows["ensemble_macs"],
        training_macs=rows["ensemble_training_macs"],
        validation_accuracy=rows["ensemble_validation_accuracy"],
        test_accuracy=rows["ensemble_test_accuracy"],
        latency_ms=nan,
    )


def accuracy_rows(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows with an accuracy at a trained size or of an ensemble, `accuracy` in per cent.

    `measure` names the column of accuracies. `view` is the input size as text, or "ensemble".
    """
    trained = frame[frame["trained"].astype(bool)]
    ensembles = ensemble_rows(trained)
    rows = trained.assign(view=trained["size"].astype(str))
    if not ensembles.empty:
        rows = pd.concat([rows, ensembles.assign(view=ENSEMBLE_VIEW)])
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
    points = rows.groupby(list(POINT_KEYS), sort=False).agg(
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


def accuracies_by_seed(frame: pd.DataFrame, measure: str, points: pd.DataFrame) -> pd.DataFrame:
    """Accuracies in per cent, a row for each of the points and a column for each seed."""
    rows = accuracy_rows(frame, measure)
    table = rows.pivot_table(index=list(POINT_KEYS), columns="seed", values="accuracy")
    return table.reindex(pd.MultiIndex.from_frame(points[list(POINT_KEYS)])).set_axis(points.index)


def pooled_spread(n: NDArray[Any], sd: NDArray[np.float64]) -> tuple[float, int]:
    """The standard deviation within networks, in points, and its degrees of freedom."""
    many = n > 1
    degrees = int((n[many] - 1).sum())
    if not degrees:
        return nan, 0
    return float(sqrt(((n[many] - 1) * sd[many] ** 2).sum() / degrees)), degrees


def _names(points: pd.DataFrame) -> pd.Series:
    several = points.groupby(["task", "arm"])["view"].transform("nunique") > 1
    columns = zip(points["arm"], points["trial"], points["view"], several, strict=True)
    return pd.Series([_name(*values) for values in columns], index=points.index)


def _name(arm: Any, trial: Any, view: str, several: bool) -> str:
    name = str(arm) if pd.isna(trial) else f"trial {trial}"
    if not several:
        return name
    return ENSEMBLE.format(name) if view == ENSEMBLE_VIEW else AT_SIZE.format(name, view)


def _half_widths(n: NDArray[Any], sd: NDArray[np.float64]) -> NDArray[np.float64]:
    pooled, degrees = pooled_spread(n, sd)
    own = n >= OWN_SPREAD
    spread = np.where(own, sd, pooled)
    return t_half_width(spread, n, CONFIDENCE, np.where(own, n - 1, max(degrees, 1)))
