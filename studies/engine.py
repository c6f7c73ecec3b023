"""Ray Tune schedules the jobs; the only module that imports ray."""

import faulthandler
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray import tune
from ray.tune import (
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    Trainable,
    TuneConfig,
    Tuner,
)
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from searchspace import InputError
from studies import extensions
from studies.agenda import Agenda, Answer
from studies.resources import Resources
from studies.worker import Order, Report, Seat

T = TypeVar("T")

ORDER, REPORT = "order", "report"
LOOK_SECONDS = 2.0
"""Between looks at how large the cluster is."""

CONNECT_SECONDS = 5
GRACE_SECONDS = 10.0
"""Beyond its time limit, until the process of a job that does not answer is ended."""

QUIET = {
    # Tune's own files and messages: the store is the truth of a run and progress is ours.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_SYNCER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "0",
}


class JobTrainable(Trainable):
    """A seat for orders as Ray Tune wants it; the actor is reused for job after job."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take the first job."""
        self.nowhere = open(os.devnull, "w")
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next job in the same process."""
        order: Order = new_config[ORDER]
        self.seat = Seat(order)
        return True

    def step(self) -> dict[str, Any]:
        """Train for one epoch."""
        if self.seat.left is not None:
            # Ends the process if not even the interpreter answers; a thread of C waits for it.
            faulthandler.dump_traceback_later(
                self.seat.left + GRACE_SECONDS, exit=True, file=self.nowhere
            )
        report = self.seat.step()
        faulthandler.cancel_dump_traceback_later()
        return {REPORT: report, "done": bool(report.record or report.failed)}


class AgendaSearcher(Searcher):
    """Gives Tune the agenda's next order whenever there is room for a job.

    Each Tune trial is one leg of a job: a job that waits, or whose worker was lost, ends its leg
    and goes on from its checkpoint in another.
    """

    def __init__(self, agenda: Agenda, room: "Room") -> None:
        super().__init__()
        self.agenda, self.room = agenda, room
        self.legs: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its settings to restore them, which is never done: the store is the truth.
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next order, None while there is nothing to start, or that all is over."""
        self.agenda.slots = self.room.slots()
        if len(self.agenda.running) >= self.agenda.slots:
            return None
        order = self.agenda.next()
        if order is not None:
            self.legs[trial_id] = order.job.key
            return {ORDER: order}
        return Searcher.FINISHED if self.agenda.over else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: `Legs` tells the agenda."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the store is the truth of a run."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the store is the truth of a run."""


class Legs(FIFOScheduler):
    """Passes what workers tell to the agenda and its answer to Tune."""

    def __init__(self, searcher: AgendaSearcher) -> None:
        self.searcher, self.agenda = searcher, searcher.agenda
        self.error: InputError | None = None

    def __getstate__(self) -> dict[str, Any]:
        # As for the searcher.
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Go on, or end this leg."""
        answer = self._told(trial, result)
        return TrialScheduler.CONTINUE if answer == "continue" else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Store a finished job at once: what is told here survives a kill."""
        if self.searcher.legs[trial.trial_id] in self.agenda.running:
            self._told(trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """The worker is gone."""
        why = last_words(trial.get_pickled_error())
        self._guarded(lambda: self.agenda.lost(self.searcher.legs[trial.trial_id], why))

    def _told(self, trial: Any, result: dict[str, Any]) -> Answer:
        report: Report = result[REPORT]
        key = self.searcher.legs[trial.trial_id]
        return self._guarded(lambda: self.agenda.report(key, report))

    def _guarded(self, tell: Callable[[], T]) -> T:
        """Remember a sentence for the user, which Tune would wrap."""
        try:
            return tell()
        except InputError as error:
            self.error = error
            raise


def last_words(error: BaseException | None) -> str:
    """Why a worker was lost, in a line: what it raised, or what Ray saw of its end."""
    lines = [line.strip() for line in str(error or "").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    # Of a process that was ended, Ray tells what it saw, then what may be behind it.
    seen = last.partition("Worker exit detail: ")[2] or last
    return seen.partition(" There are some potential root causes")[0]


class Room:
    """How many jobs there is room for on the machines that are there now."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.looked = -inf
        self.found = 1

    def slots(self) -> int:
        """At most `workers`; nodes may come and go."""
        if time.monotonic() - self.looked >= LOOK_SECONDS:
            self.looked = time.monotonic()
            there = ray.cluster_resources()
            fit = there.get("CPU", 0.0)
            if self.resources.gpus_per_trial:
                fit = min(fit, there.get("GPU", 0.0) // self.resources.gpus_per_trial)
            # A cluster may have no room yet; what waits there makes it grow.
            self.found = max(1, int(fit))
        return min(self.found, self.resources.workers or self.found)


def run_agenda(agenda: Agenda) -> None:
    """Train until nothing is left, or until interrupted."""
    resources = agenda.resources
    _start_ray(resources)
    scratch = Path(tempfile.mkdtemp(prefix="convfrontier-"))
    try:
        _check_gpus(resources)
        _tune(agenda, Room(resources), scratch)
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def _tune(agenda: Agenda, room: Room, scratch: Path) -> None:
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(room.slots())
    searcher = AgendaSearcher(agenda, room)
    legs = Legs(searcher)
    need = {"cpu": 1, "gpu": agenda.resources.gpus_per_trial}
    tuner = Tuner(
        tune.with_resources(JobTrainable, need),
        tune_config=TuneConfig(
            search_alg=searcher, scheduler=legs, reuse_actors=True, num_samples=-1
        ),
        run_config=RunConfig(
            storage_path=str(scratch),
            verbose=0,
            failure_config=FailureConfig(max_failures=0),
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    try:
        tuner.fit()
    except (tune.TuneError, InputError):
        if legs.error is None:
            raise
        raise legs.error from None


def _check_gpus(resources: Resources) -> None:
    gpus = ray.cluster_resources().get("GPU", 0)
    if resources.gpus_per_trial > gpus:
        raise InputError(
            f"--gpus-per-trial {resources.gpus_per_trial:g} cannot be met: there are {gpus:g} GPUs"
        )


def _check_reachable(address: str) -> None:
    """Raise an InputError if nothing listens at HOST:PORT; ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"cannot reach a Ray cluster at {address!r}: {error}") from None


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
    for module in extensions.modules():
        # Workers need not have it, nor know where it is.
        ray.cloudpickle.register_pickle_by_value(module)
    try:
        ray.init(address=resources.address or "local", **settings)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot reach a Ray cluster at {resources.address!r}: {reason}") from None
