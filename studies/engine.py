"""Ray Tune schedules the jobs; the only module that imports ray."""

import logging
import os
import shutil
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
"""How often a job is started again after its worker was lost or raised."""

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
        """Start the first job."""
        self.worker = Worker(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Start the next job in the same process."""
        self.worker = Worker(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train for one epoch."""
        return self.worker.step()


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
        self.events.epoch(result["key"], result["epoch"])
        if "record" in result:
            try:
                self.events.finished(result["record"])
            except InputError as error:
                self.error = error
                raise

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tell of a job that failed for good."""
        error = trial.get_pickled_error()
        cause = getattr(error, "cause", None) or error
        lines = str(cause).strip().splitlines()
        self.events.failed(trial.config["key"], lines[-1] if lines else type(cause).__name__)


def run_jobs(jobs: Sequence[Job], resources: Resources, events: Events) -> None:
    """Train all jobs, as many at a time as there is room for; returns when none is left."""
    _start_ray(resources)
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
    except ray.tune.error.TuneError:
        raise observer.error or InputError("") from None
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


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
