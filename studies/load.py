"""A run directory as a table."""

from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from searchspace import InputError
from studies.store import Record, Store
from studies.study import Arm, Plan, costs
from trainers import Job, Result

COLUMNS = {
    "key": "content hash of the job",
    "study": "name of the study",
    "arm": "name of the architecture within the study",
    "task": "name of the task with its settings",
    "seed": "seed of the job; arms are paired by it",
    "size": "input size in pixels, one row for each that the network serves",
    "trained": "whether the network is trained at this size, not interpolated between two",
    "status": "finished, diverged or out_of_memory; the last two have one row without accuracies",
    "validation_accuracy": "in [0, 1], last epoch",
    "validation_loss": "nats, last epoch",
    "test_accuracy": "in [0, 1], measured once at the end",
    "validation_images": "number of images behind validation_accuracy",
    "test_images": "number of images behind test_accuracy",
    "ensemble_validation_accuracy": "as validation_accuracy, of all sizes of the job together; "
    "missing where the network has no ensemble",
    "ensemble_test_accuracy": "as test_accuracy, of all sizes of the job together",
    "ensemble_macs": "multiply-accumulates of the deployed form for one image at all its sizes",
    "params": "stored numbers of the deployed form",
    "macs": "multiply-accumulates of the deployed form for one image",
    "training_params": "parameters of the training form",
    "training_macs": "multiply-accumulates of the training form for one image, forward",
    "epochs": "epochs trained",
    "seconds": "wall time spent in training passes, longer on a machine with other work",
    "epoch_seconds": "seconds for one epoch; missing unless the job finished",
    "peak_memory": "bytes: on a GPU the most that was allocated at once, on a CPU the most that "
    "the tensors of one training step hold; missing where it was not measured",
    "device": "device the job ran on",
    "finished_at": "UTC, ISO 8601",
    "architecture": "JSON form of the architecture",
}
"""Every column of `load` and what it means."""


def read_plan(run_dir: str | Path) -> Plan:
    """What was asked of a run directory; an InputError if it holds no run."""
    plan = Store(Path(run_dir)).plan()
    if plan is None:
        raise InputError(f"{run_dir} holds no run; `python -m studies.run` makes one")
    return plan


def load(run_dir: str | Path) -> pd.DataFrame:
    """All finished jobs of the study as last asked, a row for each job and input size.

    Columns are documented in `COLUMNS`. Records of jobs that the study no longer asks for (its
    design changed since) are left out; their number is in `frame.attrs["left_out"]`.
    """
    plan = read_plan(run_dir)
    store = Store(Path(run_dir))
    records = {record.key: record for record in store.records()}
    done = [(arm, records[job.key]) for arm, job in plan.jobs() if job.key in records]
    rows = [row for arm, record in done for row in _rows(plan, arm, record)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs["left_out"] = len(records) - len({record.key for _, record in done})
    return frame


def _rows(plan: Plan, arm: Arm, record: Record) -> list[dict[str, Any]]:
    job, result = record.job, record.result
    common = {
        "key": record.key,
        "study": plan.study,
        "arm": arm.name,
        "task": job.task.label(),
        "seed": job.seed,
        "status": result.status,
        "epochs": len(result.curve),
        "seconds": result.seconds,
        "epoch_seconds": _epoch_seconds(result),
        "peak_memory": nan if result.peak_memory is None else result.peak_memory,
        **_ensemble(job, result),
        "device": record.environment.get("device", ""),
        "finished_at": record.finished_at,
        "architecture": job.architecture.to_json(),
    }
    if not result.points:
        return [{**common, **_at_size(job, job.task.input_size), "trained": True}]
    return [
        {
            **common,
            **_at_size(job, point.size),
            "trained": point.trained,
            "validation_accuracy": point.validation_accuracy,
            "validation_loss": point.validation_loss,
            "test_accuracy": point.test_accuracy,
            "validation_images": point.validation_images,
            "test_images": point.test_images,
        }
        for point in result.points
    ]


def _epoch_seconds(result: Result) -> float:
    """Not a number for jobs that ended early: their last epoch is in the time, not in the curve."""
    return result.seconds / len(result.curve) if result.status == "finished" else nan


def _ensemble(job: Job, result: Result) -> dict[str, float]:
    found, resolutions = result.ensemble, job.architecture.resolutions
    if found is None or resolutions is None:
        return {}
    return {
        "ensemble_validation_accuracy": found.validation_accuracy,
        "ensemble_test_accuracy": found.test_accuracy,
        "ensemble_macs": sum(
            costs(job.architecture, job.task, s)[0].macs for s in resolutions.sizes
        ),
    }


def _at_size(job: Job, size: int) -> dict[str, int]:
    deployed, training = costs(job.architecture, job.task, size)
    return {
        "size": size,
        "params": deployed.params,
        "macs": deployed.macs,
        "training_params": training.params,
        "training_macs": training.macs,
    }
