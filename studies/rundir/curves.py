"""Learning curves and surroundings of a run, read from its records without building the jobs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from studies.rundir.frames import load
from studies.rundir.store import PROVISIONAL, RESULTS

CURVE_COLUMNS = {
    "key": "content hash of the job",
    "arm": "name of the architecture within the study, in a search its key",
    "trial": "number of the trial, missing in an ablation",
    "task": "name of the task with its settings",
    "seed": "seed of the job",
    "epoch": "passes over the training images, from 1",
    "train_loss": "nats, mean over the pass",
    "validation_accuracy": "in [0, 1], after the pass",
    "validation_loss": "nats, after the pass",
}
"""Every column of `load_curves` and what it means."""

ABOUT_JOB = ("key", "arm", "trial", "task", "seed")


def load_curves(run_dir: str | Path, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row for each epoch of each job in `rows`, by default all that `studies.load` gives."""
    jobs = (load(run_dir) if rows is None else rows).reindex(columns=list(ABOUT_JOB))
    epochs = pd.DataFrame(
        [
            {"key": record["key"], **epoch}
            for record in _records(Path(run_dir))
            for epoch in record["result"]["curve"]
        ],
        columns=["key", *list(CURVE_COLUMNS)[len(ABOUT_JOB) :]],
    )
    merged = jobs.drop_duplicates("key").merge(epochs, on="key")
    return merged[list(CURVE_COLUMNS)]


def load_environments(run_dir: str | Path) -> pd.DataFrame:
    """The distinct places where jobs ran: versions, device, and how many `jobs`."""
    places = pd.DataFrame([record["environment"] for record in _records(Path(run_dir))])
    if places.columns.empty:
        return pd.DataFrame({"jobs": [len(places)] if len(places) else []})
    counted = places.groupby(list(places), dropna=False, sort=False).size()
    return counted.rename("jobs").reset_index()


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    """The record of each job, as `RunStore.records` takes it, as plain values.

    `load` has reported any damage before.
    """
    path = folder / RESULTS
    if not path.exists():
        return
    found: dict[str, dict[str, Any]] = {}
    with open(path, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                record = json.loads(line)
                earlier = found.get(record["key"])
                if earlier is None or earlier["result"]["status"] in PROVISIONAL:
                    found[record["key"]] = record
    yield from found.values()
