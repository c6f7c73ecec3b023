"""What is to be trained next, and what becomes of it; whoever runs the jobs asks and tells.

Nothing here knows where jobs run: an executor (Ray's, or the one in this process) takes a job with
`next`, passes on every report, and says when a worker was lost.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from studies.execution.environment import environment
from studies.execution.resources import Resources
from studies.execution.worker import StepReport, WorkItem
from studies.rundir.record import Record, record_now
from studies.rundir.store import RunStore
from trainers import Job, Result

RETRIES = 2
"""How often a job goes on after its worker was lost."""

Decision = Literal["continue", "pause", "stop"]


@dataclass(frozen=True)
class RunCallbacks:
    """What is called as jobs advance, for whoever watches."""

    started: Callable[[Job, str], None] = lambda job, name: None
    epoch: Callable[[str, int], None] = lambda key, epoch: None
    ended: Callable[[str, Result], None] = lambda key, result: None
    note: Callable[[str], None] = lambda text: None


class JobQueue(ABC):
    """The jobs of a run. All methods are called in one process and one thread."""

    watched = False
    slots = 1
    """How many jobs may run at once, as far as is known."""
    pauses: tuple[int, ...] = ()
    run = ""
    """Of whoever runs the jobs: its processes share their data."""

    def __init__(self, store: RunStore, resources: Resources, events: RunCallbacks) -> None:
        self.store, self.resources, self.events = store, resources, events
        self.running: dict[str, Job] = {}
        self.again: list[Job] = []
        self.losses: dict[str, int] = {}
        self.failures: dict[str, str] = {}

    @abstractmethod
    def fresh(self) -> Job | None:
        """A job that is not running and is to be trained now; None if there is none now."""

    @abstractmethod
    def to_do(self) -> int:
        """About how many jobs are yet to start."""

    @abstractmethod
    def name(self, job: Job) -> str:
        """What a job is called to the user."""

    @abstractmethod
    def ended(self, job: Job, result: Result) -> None:
        """A job's record is in the store."""

    def decide(self, job: Job, report: StepReport) -> Decision:
        """What a job that is not over is to do."""
        return "continue"

    def next(self) -> WorkItem | None:
        """The job to start now; None if there is none, for now or for good (`over`)."""
        job = self.again.pop(0) if self.again else self.fresh()
        if job is None:
            return None
        assert job.key not in self.running
        self.running[job.key] = job
        self.events.started(job, self.name(job))
        folder = self.store.checkpoints.resolve()
        return WorkItem(job, folder, self.resources, self.watched, self.pauses, self.run)

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing is left; to be asked after `next` gave None."""
        return not self.running and not self.again

    def report(self, key: str, report: StepReport) -> Decision:
        """Take what a worker told; a job that pauses or stops is no longer running."""
        job = self.running[key]
        if report.failed:
            self._fail(key, report.failed)
            return "stop"
        if report.epochs:
            self.events.epoch(key, report.epochs[-1].epoch)
        answer = self.decide(job, report)
        if report.record is not None:
            self._end(job, report.record)
            shutil.rmtree(self.store.checkpoints / key, ignore_errors=True)
            return "stop"
        if answer != "continue":
            assert report.so_far is not None
            self._end(job, report.so_far)
        return answer

    def lost(self, key: str, why: str = "") -> None:
        """A worker is gone: the job goes on elsewhere, unless that happened too often."""
        self.losses[key] = self.losses.get(key, 0) + 1
        if self.losses[key] > RETRIES:
            times = f"its worker was lost {RETRIES + 1} times"
            self._fail(key, f"{times}: {why}" if why else times)
        else:
            self.again.append(self.running.pop(key))

    def _fail(self, key: str, reason: str) -> None:
        self.failures[key] = reason
        self._end(self.running[key], _failed(self.running[key], reason))

    def _end(self, job: Job, record: Record) -> None:
        # Stored first: what is told after is on disk.
        self.store.append(record)
        del self.running[job.key]
        self.events.ended(job.key, record.result)
        self.ended(job, record.result)


def _failed(job: Job, reason: str) -> Record:
    return record_now(job, Result("failed", (), (), 0.0, reason), environment())


class AblationQueue(JobQueue):
    """Jobs known from the start: those of an ablation."""

    def __init__(
        self,
        jobs: dict[str, Job],
        names: dict[str, str],
        store: RunStore,
        resources: Resources,
        events: RunCallbacks,
    ) -> None:
        super().__init__(store, resources, events)
        self.left = list(jobs.values())
        self.names = names

    def fresh(self) -> Job | None:
        """The next one."""
        return self.left.pop(0) if self.left else None

    def to_do(self) -> int:
        """Those that are left."""
        return len(self.left)

    def name(self, job: Job) -> str:
        """As the study calls its arm, and the seed."""
        return self.names[job.key]

    def ended(self, job: Job, result: Result) -> None:
        """Nothing follows."""
