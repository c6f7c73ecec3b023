"""The queue of jobs: which job is trained next, and what becomes of its result.

A queue does not know where jobs run. A backend (Ray, or this process) takes work items with
`next_item`, passes on the report of every step, and says when a worker was lost.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from searchspace import InputError
from searchspace.errors import StorageError
from studies.execution.environment import environment
from studies.execution.kept_weights import KeptWeights
from studies.execution.resources import Resources
from studies.execution.worker import StepReport, WorkItem
from studies.rundir.record import Cause, Record, record_now
from studies.rundir.store import RunStore
from trainers import Epoch, Job, Result

RETRIES = 2
"""How often a job goes on after its worker was lost."""

ALIKE = 3
"""After so many equal failures of the machine the run stops: the other jobs would fail alike."""

Decision = Literal["continue", "pause", "stop"]


@dataclass(frozen=True)
class RunCallbacks:
    """What is called as jobs advance: with the job and its name, or its key.

    `epoch` is called with the number of the last epoch, `epochs` with those that were added,
    `placed` with the host and the process that train a job, after its first step there.
    """

    started: Callable[[Job, str], None] = lambda job, name: None
    epoch: Callable[[str, int], None] = lambda key, epoch: None
    ended: Callable[[str, Result], None] = lambda key, result: None
    note: Callable[[str], None] = lambda text: None
    epochs: Callable[[str, tuple[Epoch, ...]], None] = lambda key, epochs: None
    placed: Callable[[str, str, int], None] = lambda key, host, pid: None


class JobQueue(ABC):
    """The jobs of a run. All methods are called in the same thread."""

    watched = False
    slots = 1
    """How many jobs may run at once; the backend keeps it up to date."""
    pauses: tuple[int, ...] = ()
    run = ""
    """The name of the backend's run, whose processes share their data."""

    def __init__(self, store: RunStore, resources: Resources, callbacks: RunCallbacks) -> None:
        self.store, self.resources, self.callbacks = store, resources, callbacks
        self.running: dict[str, Job] = {}
        self.interrupted: list[Job] = []
        self.losses: dict[str, int] = {}
        self.places: dict[str, tuple[str, int]] = {}
        self.failures: dict[str, str] = {}
        self.weights = KeptWeights(store, resources.keep_weights)
        self.stopped_by: int | None = None
        """The number of the signal that stopped the run."""

    @abstractmethod
    def next_job(self) -> Job | None:
        """Take the next job that is not running; None if there is none for now."""

    @abstractmethod
    def jobs_left(self) -> int:
        """About how many jobs have not started yet."""

    @abstractmethod
    def job_name(self, job: Job) -> str:
        """What messages call a job."""

    @abstractmethod
    def job_ended(self, job: Job, result: Result) -> None:
        """Called when a job has ended and its record is in the store."""

    def decide(self, job: Job, report: StepReport) -> Decision:
        """Whether a job that has not ended continues, pauses or stops."""
        return "continue"

    def next_item(self) -> WorkItem | None:
        """The item to start now; None if there is none, for now or for good (`done`)."""
        job = self.interrupted.pop(0) if self.interrupted else self.next_job()
        if job is None:
            return None
        if job.key in self.running:
            raise RuntimeError(f"job {job.key} is running already")
        self.running[job.key] = job
        self.callbacks.started(job, self.job_name(job))
        folder = self.store.checkpoints.resolve()
        place = (self.watched, self.pauses, self.run, self.weights.folder)
        return WorkItem(job, folder, self.resources, *place)

    @property
    def done(self) -> bool:
        """Whether no job runs or is left; valid after `next_item` gave None."""
        return not self.running and not self.interrupted

    def report(self, key: str, report: StepReport) -> Decision:
        """Take the report of a step; a job that pauses or stops is no longer running."""
        job = self.running[key]
        if report.failed:
            if report.cause == "disk":
                raise StorageError(f"{report.failed}; the same command continues")
            self._fail(key, report.failed, "machine" if report.cause == "data" else "job")
            return "stop"
        place = (report.host, report.pid)
        if report.host and self.places.get(key) != place:
            self.places[key] = place
            self.callbacks.placed(key, *place)
        if report.epochs:
            self.callbacks.epoch(key, report.epochs[-1].epoch)
            self.callbacks.epochs(key, report.epochs)
        decision = self.decide(job, report)
        if report.record is not None:
            self._end(job, report.record)
            if report.record.result.status == "finished":
                self.weights.job_finished(report.record)
            shutil.rmtree(self.store.checkpoints / key, ignore_errors=True)
            return "stop"
        if decision != "continue":
            if report.so_far is None:
                raise RuntimeError(f"job {key} cannot {decision}: it is not watched")
            self._end(job, report.so_far)
        return decision

    def worker_lost(self, key: str, why: str = "") -> None:
        """Queue the job of a lost worker again, or fail it after too many losses."""
        self.losses[key] = self.losses.get(key, 0) + 1
        if self.losses[key] > RETRIES:
            times = f"its worker was lost {RETRIES + 1} times"
            self._fail(key, f"{times}: {why}" if why else times, "machine")
        else:
            self.interrupted.append(self.running.pop(key))

    def job_hung(self, key: str) -> None:
        """Fail a job whose process hung and was ended from outside."""
        limit = self.resources.time_limit
        self._fail(key, f"its process hung beyond its time limit of {limit:g} s", "machine")

    def _fail(self, key: str, reason: str, cause: Cause) -> None:
        """Record a failed job; an InputError ends the run if the machine fails all jobs alike."""
        self.failures[key] = reason
        self._end(self.running[key], _failed(self.running[key], reason, cause))
        if cause == "machine" and list(self.failures.values()).count(reason) == ALIKE:
            raise InputError(
                f"{reason} (so {ALIKE} jobs failed, and the run was stopped; the same command "
                "continues)"
            )

    def _end(self, job: Job, record: Record) -> None:
        # Stored first: whoever hears of a result finds it on disk.
        self.store.append(record)
        del self.running[job.key]
        self.places.pop(job.key, None)
        self.callbacks.ended(job.key, record.result)
        self.job_ended(job, record.result)


def _failed(job: Job, reason: str, cause: Cause) -> Record:
    return record_now(job, Result("failed", (), (), 0.0, reason), environment(), cause)


class AblationQueue(JobQueue):
    """The jobs of an ablation, which are known from the start."""

    def __init__(
        self,
        jobs: dict[str, Job],
        names: dict[str, str],
        store: RunStore,
        resources: Resources,
        callbacks: RunCallbacks,
    ) -> None:
        super().__init__(store, resources, callbacks)
        self.waiting = list(jobs.values())
        self.names = names

    def next_job(self) -> Job | None:
        """Take the next job in order."""
        return self.waiting.pop(0) if self.waiting else None

    def jobs_left(self) -> int:
        """The number of jobs that have not started."""
        return len(self.waiting)

    def job_name(self, job: Job) -> str:
        """The arm and the seed."""
        return self.names[job.key]

    def job_ended(self, job: Job, result: Result) -> None:
        """Do nothing: no job depends on another."""
