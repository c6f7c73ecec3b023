"""Ray Tune schedules the jobs; the only module that imports ray."""

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune import (
    Callback,
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    Trainable,
    TuneConfig,
    Tuner,
)

from searchspace import InputError
from studies.resources import Resources
from studies.worker import Worker
from trainers import Job

RETRIES = 2
"""How often a job is started again after its worker process was lost."""

CONNECT_SECONDS = 5

QUIET = {
    # Tune's own files and messages: the store is the truth of a run and progress is ours.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_SYNCER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True)
class Events:
    """What is called as jobs advance, with the job's key; all in the driver process."""

    epoch: Callable[[str, int], None]
    finished: Callable[[dict[str, Any]], None]
    failed: Callable[[str, str], None]


class JobTrainable(Trainable):
    """A worker as Ray Tune wants it; the actor is reused for job after job."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take the first job."""
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next job in the same process."""
        self.job_config = new_config
        self.worker: Worker | None = None
        return True

    def step(self) -> dict[str, Any]:
        """Train for one epoch; a job that raises ends alone and says why."""
        try:
            if self.worker is None:
                self.worker = Worker(self.job_config)
            return self.worker.step()
        except Exception as error:
            # The boundary of a process: whatever a job raises must not end the other jobs, and
            # raised again it would be trained again. A lost worker is another matter (RETRIES).
            text = str(error).strip().splitlines() or [""]
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            key = self.job_config["key"]
            return {"key": key, "epoch": 0, "done": True, "failed": kind + text[0]}


class Observer(Callback):
    """Hands Tune's events on; an error of the handlers stops the run."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.error: InputError | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its settings to restore them, which is never done: the store is the truth.
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Store a finished job at once: what is told here survives a kill."""
        if "failed" in result:
            self.events.failed(result["key"], result["failed"])
            return
        self.events.epoch(result["key"], result["epoch"])
        if "record" in result:
            try:
                self.events.finished(result["record"])
            except InputError as error:
                self.error = error
                raise

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tell of a job whose worker was lost more often than RETRIES."""
        self.events.failed(trial.config["key"], f"its worker was lost {RETRIES + 1} times")


def run_jobs(jobs: Sequence[Job], resources: Resources, events: Events) -> None:
    """Train all jobs, as many at a time as there is room for; returns when none is left."""
    _start_ray(resources)
    gpus = ray.cluster_resources().get("GPU", 0)
    if resources.gpus_per_trial > gpus:
        ray.shutdown()
        raise InputError(
            f"--gpus-per-trial {resources.gpus_per_trial:g} cannot be met: there are {gpus:g} GPUs"
        )
    scratch = Path(tempfile.mkdtemp(prefix="convfrontier-"))
    configs = [_config(job, resources) for job in jobs]
    observer = Observer(events)
    trainable = tune.with_resources(JobTrainable, {"cpu": 1, "gpu": resources.gpus_per_trial})
    tuner = Tuner(
        trainable,
        param_space=tune.grid_search(configs),
        tune_config=TuneConfig(reuse_actors=True, max_concurrent_trials=resources.workers),
        run_config=RunConfig(
            storage_path=str(scratch),
            verbose=0,
            failure_config=FailureConfig(max_failures=RETRIES),
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
            callbacks=[observer],
        ),
    )
    try:
        tuner.fit()
    except tune.TuneError:
        if observer.error is None:
            raise
        raise observer.error from None
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def _check_reachable(address: str) -> None:
    """Raise an InputError if nothing listens at HOST:PORT; ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"cannot reach a Ray cluster at {address!r}: {error}") from None


def _config(job: Job, resources: Resources) -> dict[str, Any]:
    root = resources.data_root
    return {
        "key": job.key,
        "job": job.to_json(),
        "gpu": resources.gpus_per_trial > 0,
        "data_root": str(root.resolve()) if root else None,
    }


def _start_ray(resources: Resources) -> None:
    os.environ.update(QUIET)
    for name in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if resources.address is None:
        settings |= {"include_dashboard": False, "num_cpus": resources.workers}
    else:
        _check_reachable(resources.address)
        import searchspace
        import studies
        import trainers

        # The nodes of a cluster run this code, whatever is installed there.
        settings["runtime_env"] = {"py_modules": [searchspace, studies, trainers]}
    try:
        ray.init(address=resources.address or "local", **settings)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot reach a Ray cluster at {resources.address!r}: {reason}") from None
