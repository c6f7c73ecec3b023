"""A run directory as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from searchspace import Architecture, InputError
from searchspace.schema import to_json
from studies.rundir.jsonl import uncollected
from studies.rundir.latencies import measured
from studies.rundir.pricing import Price, prices_of
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.tuning import arm_tunings, with_tuned
from studies.spec.ablation import Ablation
from studies.spec.experiment import Experiment
from studies.spec.latency import LatencyMethod
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
    "test_top5_accuracy": "share of test images whose class is among the five with the largest "
    "logits; missing for tasks of five classes or fewer and in older records",
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
    "latency_ms": "measured milliseconds of a batch, by default of one image; else missing",
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


def open_run(run: str | Path | RunStore) -> RunStore:
    """The store of a run directory; one that is open already keeps what it has read."""
    return run if isinstance(run, RunStore) else RunStore(Path(run))


def read_experiment(run: str | Path | RunStore) -> Ablation | Search:
    """What was asked of a run directory; an InputError if it holds no run.

    An ablation has the recipes that its tuning has chosen so far.
    """
    store = open_run(run)
    experiment = store.experiment()
    if experiment is None:
        raise InputError(f"{store.folder} holds no run; `python -m studies.run` makes one")
    if isinstance(experiment, Ablation) and experiment.design.tune is not None:
        return with_tuned(experiment, arm_tunings(experiment, store.records()))
    return experiment


@dataclass(frozen=True)
class RunJob:
    """A job that a run asks for, with the name of its arm and the number of its trial."""

    key: str
    arm: str
    trial: int | None


def run_jobs(experiment: Experiment, store: RunStore) -> list[RunJob]:
    """The jobs that a run asks for, in order, each once: those of arms, then those of trials."""
    jobs = {job.key: RunJob(job.key, arm, None) for arm, job in experiment.arm_jobs()}
    for trial in store.trials() if isinstance(experiment, Search) else ():
        for key in trial.jobs:
            jobs.setdefault(key, RunJob(key, trial.architecture.key, trial.number))
    return list(jobs.values())


def load(run: str | Path | RunStore) -> pd.DataFrame:
    """All jobs that ended of the run as last asked, a row for each job and input size.

    Columns are documented in `COLUMNS`. Records of jobs that a study no longer asks for (its
    design has changed) are left out; their number is in `frame.attrs["left_out"]`. How and where
    latencies were measured is in `frame.attrs["latency"]`.
    """
    store = open_run(run)
    experiment = read_experiment(store)
    return store.tables.table("frame", lambda: frame_of(store, experiment))


def frame_of(store: RunStore, experiment: Ablation | Search) -> pd.DataFrame:
    """As `load`, of what an experiment asks for that may not yet be written down in the run."""
    return _frame(store, experiment, run_jobs(experiment, store))


def load_untuned(run: str | Path | RunStore) -> pd.DataFrame:
    """As `load`, of the arms of an ablation with their own recipes in place of tuned ones."""
    store = open_run(run)
    experiment = read_experiment(store)
    if not isinstance(experiment, Ablation):
        raise InputError(f"{store.folder} holds a search, which has no arms to tune")
    most = experiment.design.max_seeds
    jobs = [RunJob(job.key, arm.name, None) for arm, job in experiment.untuned_jobs(most)]
    return _frame(store, experiment, jobs)


def _frame(store: RunStore, experiment: Ablation | Search, jobs: Sequence[RunJob]) -> pd.DataFrame:
    """The rows of these jobs that ended; `left_out` counts the records that nothing asks for."""
    records = {record.key: record for record in store.records()}
    latencies = measured(store.latencies, latency_method(experiment))
    ended = [(run_job, records[run_job.key]) for run_job in jobs if run_job.key in records]
    price = prices_of(experiment, [record for _, record in ended])
    forms: dict[int, Any] = {}
    where: set[str] = set()

    def latency(row: dict[str, Any], record: Record) -> float | None:
        # Without any the keys need not be computed, of which there may be thousands.
        if not latencies:
            return None
        place = record.job.architecture.key, row["size"], record.job.task.classes
        found = latencies.get(place)
        if found is None:
            return None
        where.add(found[1])
        return found[0]

    with uncollected():
        rows = [
            {"study": experiment.name, "latency_ms": latency(row, record), **row}
            for run_job, record in ended
            for row in _rows(run_job, record, price, forms)
        ]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = {"latency_ms": float, "test_top5_accuracy": float}
    frame = frame.astype({"trial": "Int64", **numbers})
    frame.attrs["left_out"] = len(records.keys() - _asked(experiment) - {r.key for _, r in ended})
    frame.attrs["latency"] = "; ".join(sorted(where))
    return frame


def latency_method(experiment: Ablation | Search) -> LatencyMethod:
    """How the latencies of a run are measured."""
    source = experiment if isinstance(experiment, Search) else experiment.design
    return source.latency_method


def _asked(experiment: Ablation | Search) -> set[str]:
    """The keys of all jobs of an ablation that tunes, also of those that are no rows of `load`."""
    if not isinstance(experiment, Ablation) or experiment.design.tune is None:
        return set()
    tuning = [job for t in arm_tunings(experiment, ()) for c in t.candidates for job in c.jobs]
    most = experiment.design.max_seeds
    arms = [job for _, job in (*experiment.jobs(most), *experiment.untuned_jobs(most))]
    return {job.key for job in (*tuning, *arms)}


def _rows(
    run_job: RunJob, record: Record, price: Price, forms: dict[int, Any]
) -> list[dict[str, Any]]:
    job, result = record.job, record.result
    common = {
        "key": record.key,
        "arm": run_job.arm,
        "trial": run_job.trial,
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
        "architecture": _form(job.architecture, forms),
    }
    if not result.points:
        size = job.training_sizes[0]
        return [{**common, **_at_size(job, size, price), "trained": True}]
    return [
        {
            **common,
            **_at_size(job, point.size, price),
            "trained": point.trained,
            "validation_accuracy": point.validation_accuracy,
            "validation_loss": point.validation_loss,
            "test_accuracy": point.test_accuracy,
            "test_top5_accuracy": point.test_top5_accuracy,
            "validation_images": point.validation_images,
            "test_images": point.test_images,
            "test_right": point.test_right,
        }
        for point in result.points
    ]


def _form(architecture: Architecture, forms: dict[int, Any]) -> dict[str, Any]:
    """The JSON form of an architecture; what is one object in many of them has one form."""

    def part(value: Any) -> Any:
        if id(value) not in forms:
            forms[id(value)] = to_json(value)
        return forms[id(value)]

    choices = {slot: part(choice) for slot, choice in architecture.choices.items()}
    form = {"backbone": part(architecture.backbone), "choices": choices}
    if architecture.resolutions is not None:
        form["resolutions"] = part(architecture.resolutions)
    return form


def _epoch_seconds(result: Result) -> float:
    """Not a number for jobs that broke off: their last epoch is in the time, not in the curve."""
    complete = result.status in ("finished", "truncated") and result.curve
    return result.seconds / len(result.curve) if complete else nan


def _ensemble(job: Job, result: Result, price: Price) -> dict[str, float]:
    ensemble, resolutions = result.ensemble, job.architecture.resolutions
    if ensemble is None or resolutions is None:
        return {}
    by_size = [price(job, size) for size in resolutions.sizes]
    return {
        "ensemble_validation_accuracy": ensemble.validation_accuracy,
        "ensemble_test_accuracy": ensemble.test_accuracy,
        "ensemble_macs": sum(deployed.macs for deployed, _ in by_size),
        "ensemble_training_macs": sum(training.macs for _, training in by_size),
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
