"""A point for each network: mean accuracy over seeds with its interval, and costs."""

from math import nan
from typing import Any

import numpy as np
import pandas as pd

from analysis.stats.accuracy import LogitMeans, logits, percent

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
    "low": "lower end of the 95% interval of the mean; missing where too few were replicated",
    "high": "upper end of that interval",
    "shrunken": "the mean drawn towards those of the other networks, by as much as their scatter "
    "is chance; missing where too few were replicated",
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


def ensemble_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each job that has an ensemble, with the ensemble's accuracies and MACs."""
    rows = rows[rows["ensemble_macs"].notna()].drop_duplicates(["arm", "task", "seed"])
    return rows.assign(
        size=nan,
        macs=rows["ensemble_macs"],
        training_macs=rows["ensemble_training_macs"],
        validation_accuracy=rows["ensemble_validation_accuracy"],
        test_accuracy=rows["ensemble_test_accuracy"],
        test_top5_accuracy=nan,
        latency_ms=nan,
    )


def accuracy_rows(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows with an accuracy at a trained size or of an ensemble, `accuracy` in per cent.

    `measure` names the column of accuracies, `logit` is the accuracy on that scale. `view` is the
    input size as text, or "ensemble".
    """
    trained = frame[frame["trained"].astype(bool)]
    ensembles = ensemble_rows(trained)
    rows = trained.assign(view=trained["size"].astype(str))
    if not ensembles.empty:
        rows = pd.concat([rows, ensembles.assign(view=ENSEMBLE_VIEW)])
    rows = rows[(rows["status"] == "finished") & rows[measure].notna()]
    accuracy = 100 * rows[measure].astype(float)
    images = rows[measure.replace("accuracy", "images")].to_numpy(dtype=float)
    return rows.assign(
        accuracy=accuracy,
        logit=logits(accuracy, images),
        test=100 * rows["test_accuracy"].astype(float),
    )


def points_info(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row for each network, task and trained input size, or ensemble, with an accuracy.

    Columns are documented in `POINT_COLUMNS`. The interval of a mean comes from Student's t on the
    logit scale and the network's own spread from three seeds on, else from the spread pooled over
    the networks of the task.
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
    points[["low", "high", "shrunken"]] = nan
    for _, group in points.groupby("task", sort=False):
        _estimate(points, group.index, logits_by_seed(rows, group))
    return points[list(POINT_COLUMNS)]


def largest_view(points: pd.DataFrame) -> pd.DataFrame:
    """One row for each network: its accuracy at its largest input size."""
    single = points[points["size"].notna()]
    return single.sort_values("size", ascending=False, kind="stable").drop_duplicates("arm")


def _estimate(points: pd.DataFrame, index: pd.Index, values: pd.DataFrame) -> None:
    """Set intervals and shrunken means of the points of one task."""
    means = LogitMeans.of(values)
    low, high = means.intervals()
    mean = points.loc[index, "mean"].to_numpy(dtype=float)
    # With few images and an accuracy near 100 % the mean of logits is less than that of accuracies.
    points.loc[index, "low"] = np.minimum(low, mean)
    points.loc[index, "high"] = np.maximum(high, mean)
    shrunken = means.shrunken()
    if shrunken is not None:
        points.loc[index, "shrunken"] = percent(shrunken.centre)


def logits_by_seed(rows: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Logits of `accuracy_rows`, a row for each of the points and a column for each seed."""
    table = rows.pivot_table(index=list(POINT_KEYS), columns="seed", values="logit")
    return table.reindex(pd.MultiIndex.from_frame(points[list(POINT_KEYS)])).set_axis(points.index)


def _names(points: pd.DataFrame) -> pd.Series:
    several = points.groupby(["task", "arm"])["view"].transform("nunique") > 1
    columns = zip(points["arm"], points["trial"], points["view"], several, strict=True)
    return pd.Series([_name(*values) for values in columns], index=points.index)


def _name(arm: Any, trial: Any, view: str, several: bool) -> str:
    name = str(arm) if pd.isna(trial) else f"trial {trial}"
    if not several:
        return name
    return ENSEMBLE.format(name) if view == ENSEMBLE_VIEW else AT_SIZE.format(name, view)
