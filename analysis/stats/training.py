"""How training went: learning curves, the epochs at which jobs ended, and failures."""

import pandas as pd

LEARNING_COLUMNS = {
    "group": "the arm; in a search all trials, or a trial of the front",
    "epoch": "passes over the training images",
    "mean": "mean validation accuracy in per cent",
    "low": "10% quantile over jobs",
    "high": "90% quantile over jobs",
    "jobs": "number of jobs that reached the epoch",
}
EARLY_STOPPING_COLUMNS = {
    "epochs": "epochs trained",
    "status": "how the job ended",
    "jobs": "number of jobs",
    "best": "best validation accuracy in per cent after that epoch; missing if none was reached",
}
FAILURE_COLUMNS = {
    "status": "how jobs ended that gave no accuracy",
    "reason": "why, as the job said",
    "jobs": "number of jobs",
    "which": "the first of them: arm or trial, and seed",
}
NAMED_JOBS = 5
"""Jobs of a failure that are named."""


def learning_info(curves: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Mean and quantiles of validation accuracy by group and epoch; `groups` names each row's.

    Columns are documented in `LEARNING_COLUMNS`; rows without a group are left out.
    """
    grouped = curves.assign(group=groups, percent=100 * curves["validation_accuracy"].astype(float))
    by_epoch = grouped.dropna(subset=["group"]).groupby(["group", "epoch"], sort=False)["percent"]
    info = by_epoch.agg(mean="mean", jobs="size")
    info["low"], info["high"] = by_epoch.quantile(0.1), by_epoch.quantile(0.9)
    return info.reset_index()[list(LEARNING_COLUMNS)]


def early_stopping_info(frame: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Jobs by status and epochs trained; columns are documented in `EARLY_STOPPING_COLUMNS`."""
    jobs = frame.drop_duplicates("key")
    last = curves.sort_values("epoch").drop_duplicates("key", keep="last").set_index("key")
    percent = 100 * jobs["key"].map(last["validation_accuracy"]).astype(float)
    grouped = jobs.assign(best=percent).groupby(["epochs", "status"])
    return grouped.agg(jobs=("key", "size"), best=("best", "max")).reset_index()


def failures_info(frame: pd.DataFrame) -> pd.DataFrame:
    """Jobs without an accuracy by status and reason, most frequent first."""
    jobs = frame.drop_duplicates("key")
    failed = jobs[~jobs["status"].isin(["finished", "truncated"])]
    rows = [
        {
            "status": status,
            "reason": reason or "not said",
            "jobs": len(group),
            "which": _job_names(group),
        }
        for (status, reason), group in failed.groupby(["status", "reason"], sort=False)
    ]
    info = pd.DataFrame(rows, columns=list(FAILURE_COLUMNS))
    return info.sort_values("jobs", ascending=False, kind="stable", ignore_index=True)


def _job_names(jobs: pd.DataFrame) -> str:
    first = jobs.head(NAMED_JOBS)
    names = [
        f"{arm if pd.isna(trial) else f'trial {trial}'} seed {seed}"
        for arm, trial, seed in zip(first["arm"], first["trial"], first["seed"], strict=True)
    ]
    return ", ".join(names) + (", …" if len(jobs) > NAMED_JOBS else "")
