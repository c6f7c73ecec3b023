"""Trains work items inside a worker process, an epoch at a time."""

import errno
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Literal

from searchspace import InputError
from searchspace.errors import StorageError, first_line, with_kind
from studies.execution.data_cache import loaded
from studies.execution.environment import environment
from studies.execution.resources import Resources
from studies.rundir.jsonl import writing
from studies.rundir.record import Record, record_now
from trainers import Epoch, Job, Result, Training
from trainers.loop import Checkpoints, start_training
from trainers.processes import Processes, Shared, place
from trainers.runtime.out_of_memory import is_out_of_memory
from trainers.runtime.ranks import ALONE, LostProcess
from trainers.tasks import Splits
from trainers.weights import save_weights

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class StepReport:
    """What a worker reports after a step.

    `epochs` are those trained since the last report, or restored from a checkpoint; `record` is
    there if the job has ended. `so_far` is the record as it would be if the job were stopped here,
    for jobs that may be stopped. `failed` is the message of an error, `cause` what raised
    it: the job itself, the reading of its data, or a disk that cannot be written to. `host` and
    `pid` are the machine and process that trained.
    """

    epochs: tuple[Epoch, ...]
    record: Record | None = None
    so_far: Record | None = None
    failed: str = ""
    cause: Literal["job", "data", "disk"] = "job"
    host: str = ""
    pid: int = 0


@dataclass(frozen=True)
class WorkItem:
    """A job for a worker, where it runs, and where its checkpoints are kept.

    A checkpoint is always written at the epochs `pauses`, where the job may be paused; `watched`
    jobs may be stopped after any epoch. Processes of the same `run` share their data. Trained
    weights are written into the folder `weights`, if there is one.
    """

    job: Job
    checkpoints: Path
    resources: Resources
    watched: bool = False
    pauses: tuple[int, ...] = ()
    run: str = ""
    weights: Path | None = None


class Worker:
    """Trains one work item, an epoch at a time, with `others` if its resources say so.

    `others` may go from worker to worker; whoever made them ends them.
    """

    def __init__(self, item: WorkItem, others: Processes | None = None) -> None:
        self.item = item
        self.others = others or Processes(item.resources.processes)
        self.together = False
        self.checkpoints: Checkpoints | None = None
        self.reported = 0
        self.spent = 0.0

    def step(self) -> StepReport:
        """Train for an epoch; an error of the job is reported, so that other jobs go on.

        A LostProcess is raised: it is no error of the job, which can go on from its state.
        """
        try:
            with self._limited():
                report = self._step()
        except LostProcess:
            self.leave()
            raise
        except Exception as error:
            # The boundary between the jobs and us: a job that raised would be trained again.
            report = StepReport((), failed=_sentence(error), cause=_cause(error))
        if report.record or report.failed:
            self.leave(cleanly=report.record is not None)
        return replace(report, host=socket.gethostname(), pid=os.getpid())

    def leave(self, *, cleanly: bool = False) -> None:
        """Train with the other processes no longer; before a clean end they are killed."""
        if self.together:
            self.together = False
            self.others.end(cleanly=cleanly)

    @property
    def left(self) -> float | None:
        """Seconds until the time limit, which counts the time spent in steps."""
        limit = self.item.resources.time_limit
        return None if limit is None else max(limit - self.spent, 0.001)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Raise in a step that goes on beyond the time limit."""
        if self.left is None:
            yield
            return

        def over(number: int, frame: FrameType | None) -> None:
            raise _OverTime(over_time(limit))

        limit = self.item.resources.time_limit or 0.0
        began = time.monotonic()
        before = signal.signal(signal.SIGALRM, over)
        signal.setitimer(signal.ITIMER_REAL, self.left)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
            self.spent += time.monotonic() - began

    def _step(self) -> StepReport:
        if self.checkpoints is None:
            training = self._start()
            if isinstance(training, Result):
                return StepReport((), self._record(training))
            folder = self.item.checkpoints / self.item.job.key
            seconds = self.item.resources.checkpoint_seconds
            self.checkpoints = Checkpoints(training, folder, seconds)
            if self.checkpoints.load(pass_over_bad=True) and training.curve:
                # The epochs of the checkpoint are reported before any is trained.
                return self._report(training)
        training = self.checkpoints.training
        if not training.done:
            training.epoch(self.checkpoints.save_if_due)
            if len(training.curve) in self.item.pauses:
                self.checkpoints.save()
            else:
                self.checkpoints.save_if_due()
        return self._report(training)

    def _start(self) -> Training | Result:
        item = self.item
        device = item.resources.device
        # One process per core: threads within a process would compete with its neighbours.
        threads = 1 if device == "cpu" else None
        shared = Shared(item.job, partial(_load, item), None, device, threads=threads)
        ranks = ALONE
        if self.others.count > 1:
            ranks = self.others.begin(shared)
            self.together = True
        return start_training(item.job, load=shared.load, device=str(place(shared, 0)), ranks=ranks)

    def _report(self, training: Training) -> StepReport:
        epochs = tuple(training.curve[self.reported :])
        self.reported = len(training.curve)
        if training.done:
            result = training.result()
            self._keep_weights(training, result)
            return StepReport(epochs, self._record(result))
        so_far = self._record(_truncated(training)) if self.item.watched else None
        return StepReport(epochs, so_far=so_far)

    def _keep_weights(self, training: Training, result: Result) -> None:
        """Write the weights of a finished job; a StorageError if there is no room for them."""
        if self.item.weights is None or result.status != "finished":
            return
        with writing(self.item.weights):
            self.item.weights.mkdir(parents=True, exist_ok=True)
            save_weights(training.network, self.item.weights / f"{self.item.job.key}.safetensors")

    def _record(self, result: Result) -> Record:
        device = self.checkpoints.training.device if self.checkpoints else None
        values = environment(device)
        if result.processes > 1:
            synced = self.item.job.recipe.sync_norms
            note = "" if synced else " (batch norms: statistics of one process)"
            values["processes of a job"] = f"{result.processes}{note}"
        return record_now(self.item.job, result, values)


class _OverTime(InputError):
    """A job ran longer than its time limit."""


class _DataError(InputError):
    """The data of a task cannot be read."""


def over_time(limit: float) -> str:
    """Why a job failed that ran longer than `limit` seconds."""
    return f"it ran longer than its time limit of {limit:g} s"


def _load(item: WorkItem) -> Splits:
    """The data of a job; a _DataError says why it cannot be read."""
    try:
        data = loaded(item.job.task, item.resources.data_root, item.run)
    except Exception as error:
        # Whatever a reader raises; too little memory is a result of the job.
        if isinstance(error, _OverTime) or is_out_of_memory(error):
            raise
        raise _DataError(_sentence(error)) from error
    return data.with_threads(item.resources.threads)


def _sentence(error: Exception) -> str:
    """The first line of an error, with the class of one that is not meant for users."""
    return first_line(error) if isinstance(error, InputError) else with_kind(error)


def _cause(error: Exception) -> Literal["job", "data", "disk"]:
    if isinstance(error, _DataError):
        return "data"
    no_room = isinstance(error, OSError) and error.errno in NO_ROOM
    return "disk" if no_room or isinstance(error, StorageError) else "job"


def _truncated(training: Training) -> Result:
    """The result of a training that the scheduler stops after the epochs so far."""
    curve = tuple(training.curve)
    reason = f"ended by the scheduler after epoch {len(curve)}"
    pieces = training.learner.accumulation
    return Result(
        "truncated",
        (),
        curve,
        training.seconds,
        reason,
        accumulation=pieces,
        processes=training.ranks.count,
    )
