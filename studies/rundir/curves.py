"""Learning curves and environments of a run's jobs, as tables."""

from pathlib import Path

import pandas as pd

from studies.rundir.frames import load, open_run
from studies.rundir.store import RunStore

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

JOB_COLUMNS = ("key", "arm", "trial", "task", "seed")


def load_curves(run: str | Path | RunStore, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row for each epoch of each job in `rows`, by default all that `studies.load` gives."""
    store = open_run(run)
    jobs = (load(store) if rows is None else rows).reindex(columns=list(JOB_COLUMNS))
    epochs = store.tables.table("epochs", lambda: _epochs(store))
    merged = jobs.drop_duplicates("key").merge(epochs, on="key")
    return merged[list(CURVE_COLUMNS)]


def _epochs(store: RunStore) -> pd.DataFrame:
    """The epochs of all records."""
    return pd.DataFrame(
        [
            {"key": record.key, **vars(epoch)}
            for record in store.records()
            for epoch in record.result.curve
        ],
        columns=["key", *list(CURVE_COLUMNS)[len(JOB_COLUMNS) :]],
    )


def load_environments(run: str | Path | RunStore) -> pd.DataFrame:
    """The distinct environments of jobs: versions, device, and the number of `jobs`."""
    store = open_run(run)
    return store.tables.table("environments", lambda: _environments(store))


def _environments(store: RunStore) -> pd.DataFrame:
    environments = pd.DataFrame([record.environment for record in store.records()])
    if environments.columns.empty:
        return pd.DataFrame({"jobs": [len(environments)] if len(environments) else []})
    counted = environments.groupby(list(environments), dropna=False, sort=False).size()
    return counted.rename("jobs").reset_index()
