"""A run directory as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from searchspace import InputError
from studies.rundir.latencies import measured
from studies.rundir.pricing import Price, prices
from studies.rundir.store import Record, RunStore
from studies.rundir.trial_log import TrialLog
from studies.spec.ablation import Ablation, largest_size
from studies.spec.search import Search
from trainers import Job, Result

COLUMNS = {
    "key": "content hash of the job",
    "study": "name of the study",
    "arm": "name of the architecture within the study; in a search, its key",
    "trial": "number of the search's trial, the first of those that share the job; else missing",
    "task": "name of the task with its settings",
    "seed": "seed of the job; arms are paired by it",
    "size": "input size in pixels, one row for each that the network serves",
    "trained": "whether the network is trained at this size, not only tested",
    "status": "finished, diverged, out_of_memory, truncated (stopped early) or failed; "
    "all but finished have one row without accuracies",
    "reason": "why a job did not finish, else empty",
    "validation_accuracy": "in [0, 1], last epoch",
    "validation_loss": "nats, last epoch",
    "test_accuracy": "in [0, 1], measured once at the end",
    "validation_images": "number of images behind validation_accuracy",
    "test_images": "number of images behind test_accuracy",
    "test_right": "which test images are right, a bit each as base64 (trainers.unpack_flags)",
    "ensemble_validation_accuracy": "as validation_accuracy, of all sizes of the job together; "
    "missing where the network has no ensemble",
    "ensemble_test_accuracy": "as test_accuracy, of all sizes of the job together",
    "ensemble_macs": "multiply-accumulates of the deployed form for one image at all its sizes",
    "ensemble_training_macs": "the same of the training form: what one image costs in training",
    "params": "stored numbers of the deployed form",
    "macs": "multiply-accumulates of the deployed form for one image",
    "training_params": "parameters of the training form",
    "training_macs": "multiply-accumulates of the training form for one image, forward",
    "latency_ms": "measured milliseconds for one image (`latency.json` says where), else missing",
    "epochs": "epochs trained",
    "epochs_planned": "epochs that the recipe asks for",
    "seconds": "wall time spent in training passes, longer on a machine with other work",
    "epoch_seconds": "seconds for one epoch; missing for jobs that broke off in one",
    "peak_memory": "bytes: on a GPU the most that was allocated at once, on a CPU the most that "
    "the tensors of one training step hold; missing where it was not measured",
    "device": "device the job ran on",
    "finished_at": "UTC, ISO 8601",
    "architecture": "JSON form of the architecture",
}
"""Every column of `load` and what it means."""


def read_plan(run_dir: str | Path) -> Ablation | Search:
    """What was asked of a run directory; an InputError if it holds no run."""
    plan = RunStore(Path(run_dir)).plan()
    if plan is None:
        raise InputError(f"{run_dir} holds no run; `python -m studies.run` makes one")
    return plan


@dataclass(frozen=True)
class Asked:
    """A job of a run, by what it is called there."""

    key: str
    arm: str
    trial: int | None


def asked_jobs(
    plan: Ablation | Search, store: RunStore, records: Mapping[str, Record]
) -> list[Asked]:
    """The jobs that a run asks for, in order, each once."""
    if isinstance(plan, Ablation):
        return [Asked(job.key, arm.name, None) for arm, job in plan.jobs()]
    found: dict[str, Asked] = {}
    results = {key: record.result for key, record in records.items()}
    log = TrialLog(store.events())
    for trial in (log.trial(number, results) for number in range(len(log))):
        arm = trial.architecture.key
        for key in trial.jobs:
            found.setdefault(key, Asked(key, arm, trial.number))
    return list(found.values())


def load(run_dir: str | Path) -> pd.DataFrame:
    """All jobs that ended of the run as last asked, a row for each job and input size.

    Columns are documented in `COLUMNS`. Records of jobs that a study no longer asks for (its
    design changed since) are left out; their number is in `frame.attrs["left_out"]`.
    """
    plan = read_plan(run_dir)
    store = RunStore(Path(run_dir))
    records = {record.key: record for record in store.records()}
    latencies = measured(store.latencies)
    done = [
        (asked, records[asked.key])
        for asked in asked_jobs(plan, store, records)
        if asked.key in records
    ]
    price = prices(plan, len(done))
    name = plan.study if isinstance(plan, Ablation) else plan.name

    def latency(row: dict[str, Any], record: Record) -> float | None:
        # Without any the keys need not be computed, of which there may be thousands.
        return latencies.get(_place(row, record)) if latencies else None

    rows = [
        {"study": name, "latency_ms": latency(row, record), **row}
        for asked, record in done
        for row in _rows(asked, record, price)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame = frame.astype({"trial": "Int64", "latency_ms": float})
    frame.attrs["left_out"] = len(records) - len({record.key for _, record in done})
    return frame


def _place(row: dict[str, Any], record: Record) -> tuple[str, int]:
    return record.job.architecture.key, row["size"]


def _rows(asked: Asked, record: Record, price: Price) -> list[dict[str, Any]]:
    job, result = record.job, record.result
    common = {
        "key": record.key,
        "arm": asked.arm,
        "trial": asked.trial,
        "task": job.task.label(),
        "seed": job.seed,
        "status": result.status,
        "reason": result.reason,
        "epochs": len(result.curve),
        "epochs_planned": job.recipe.epochs,
        "seconds": result.seconds,
        "epoch_seconds": _epoch_seconds(result),
        "peak_memory": nan if result.peak_memory is None else result.peak_memory,
        **_ensemble(job, result, price),
        "device": record.environment.get("device", ""),
        "finished_at": record.finished_at,
        "architecture": job.architecture.to_json(),
    }
    if not result.points:
        size = largest_size(job.architecture, job.task)
        return [{**common, **_at_size(job, size, price), "trained": True}]
    return [
        {
            **common,
            **_at_size(job, point.size, price),
            "trained": point.trained,
            "validation_accuracy": point.validation_accuracy,
            "validation_loss": point.validation_loss,
            "test_accuracy": point.test_accuracy,
            "validation_images": point.validation_images,
            "test_images": point.test_images,
            "test_right": point.test_right,
        }
        for point in result.points
    ]


def _epoch_seconds(result: Result) -> float:
    """Not a number for jobs that broke off: their last epoch is in the time, not in the curve."""
    whole = result.status in ("finished", "truncated") and result.curve
    return result.seconds / len(result.curve) if whole else nan


def _ensemble(job: Job, result: Result, price: Price) -> dict[str, float]:
    found, resolutions = result.ensemble, job.architecture.resolutions
    if found is None or resolutions is None:
        return {}
    each = [price(job, size) for size in resolutions.sizes]
    return {
        "ensemble_validation_accuracy": found.validation_accuracy,
        "ensemble_test_accuracy": found.test_accuracy,
        "ensemble_macs": sum(deployed.macs for deployed, _ in each),
        "ensemble_training_macs": sum(training.macs for _, training in each),
    }


def _at_size(job: Job, size: int, price: Price) -> dict[str, int]:
    deployed, training = price(job, size)
    return {
        "size": size,
        "params": deployed.params,
        "macs": deployed.macs,
        "training_params": training.params,
        "training_macs": training.macs,
    }
