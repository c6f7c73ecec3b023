"""What runs inside a worker process: one job after another, an epoch at a time."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from searchspace import InputError
from searchspace.schema import to_json
from studies.execution.data_cache import loaded
from studies.execution.environment import environment
from studies.execution.resources import Resources
from trainers import Epoch, Job, Result, Training
from trainers.checkpoint import load_checkpoint, save_checkpoint
from trainers.runtime.allocator import keep_freed_memory
from trainers.runtime.out_of_memory import is_out_of_memory


@dataclass(frozen=True)
class Report:
    """What a worker tells after a step; `record`, in JSON form, if the job has ended.

    `epochs` are those trained since the last report, or found in a checkpoint; `so_far` is the
    record as it would be if the job were to end here, for jobs that may be ended. `failed` says
    what the job raised.
    """

    epochs: tuple[Epoch, ...]
    record: dict[str, Any] | None = None
    so_far: dict[str, Any] | None = None
    failed: str = ""


@dataclass(frozen=True)
class Order:
    """What a worker is to do: a job, where it runs, and where its state is kept.

    At the epochs `pauses` the state is saved whatever the time, for the job may have to wait there;
    `watched` jobs may be ended after any epoch. Processes of the same `run` share their data.
    """

    job: Job
    checkpoints: Path
    resources: Resources
    watched: bool = False
    pauses: tuple[int, ...] = ()
    run: str = ""


class Seat:
    """A place in a process where an order is carried out."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.worker: Worker | None = None
        self.spent = 0.0

    def step(self) -> Report:
        """A step of the worker; what a job raises is told, for it must not end the others."""
        try:
            with self._limited():
                if self.worker is None:
                    self.worker = Worker(self.order)
                return self.worker.step()
        except Exception as error:
            # The boundary between the jobs and us: raised again it would be trained again.
            text = (str(error).strip().splitlines() or [""])[0]
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            return Report((), failed=kind + text)

    @property
    def left(self) -> float | None:
        """Seconds until the job's time limit, of the time spent in steps."""
        limit = self.order.resources.time_limit
        return None if limit is None else max(limit - self.spent, 0.001)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Raise in a step that goes on beyond the time limit."""
        if self.left is None:
            yield
            return

        def over(number: int, frame: FrameType | None) -> None:
            raise InputError(f"it ran longer than its time limit of {limit:g} s")

        limit = self.order.resources.time_limit
        began = time.monotonic()
        before = signal.signal(signal.SIGALRM, over)
        signal.setitimer(signal.ITIMER_REAL, self.left)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
            self.spent += time.monotonic() - began


class Worker:
    """A job in progress."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.folder = order.checkpoints / order.job.key
        self.saved = time.monotonic()
        self.reported = 0
        self.training = self._training()
        self.found = self.training is not None and self._found(self.training)

    def _training(self) -> Training | None:
        """The job from its start; None if it does not fit into memory."""
        resources = self.order.resources
        device = "cuda" if resources.gpus_per_trial else "cpu"
        if device == "cpu":
            # One worker per core: threads within a worker would compete with its neighbours.
            torch.set_num_threads(1)
            keep_freed_memory()
        try:
            job = self.order.job
            data = loaded(job.task, resources.data_root, self.order.run)
            return Training(job, data=data, device=device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None

    def _found(self, training: Training) -> bool:
        """Go on from a checkpoint, if there is one that can be used; the job starts anew if not."""
        try:
            return load_checkpoint(training, self.folder)
        except InputError:
            return False

    def step(self) -> Report:
        """Train for an epoch, or tell what was found in a checkpoint."""
        training = self.training
        if training is None:
            reason = "the network and its data do not fit in memory"
            return Report((), self._record(Result("out_of_memory", (), (), 0.0, reason)))
        if not training.done and not (self.found and training.curve):
            training.epoch(self._after_step)
            if len(training.curve) in self.order.pauses or self._due():
                self._save()
        self.found = False
        epochs = tuple(training.curve[self.reported :])
        self.reported = len(training.curve)
        if training.done:
            return Report(epochs, self._record(training.result()))
        return Report(epochs, so_far=self._so_far() if self.order.watched else None)

    def _after_step(self) -> None:
        if self._due():
            self._save()

    def _due(self) -> bool:
        return time.monotonic() - self.saved >= self.order.resources.checkpoint_seconds

    def _save(self) -> None:
        assert self.training is not None
        save_checkpoint(self.training, self.folder)
        self.saved = time.monotonic()

    def _so_far(self) -> dict[str, Any]:
        training = self.training
        assert training is not None
        curve, pieces = tuple(training.curve), training.learner.accumulation
        reason = f"ended by the scheduler after epoch {len(curve)}"
        truncated = Result("truncated", (), curve, training.seconds, reason, accumulation=pieces)
        return self._record(truncated)

    def _record(self, result: Result) -> dict[str, Any]:
        device = self.training.device if self.training else None
        return finished_record(self.order.job, result, environment(device))


def finished_record(job: Job, result: Result, where: dict[str, str]) -> dict[str, Any]:
    """The JSON form of a record of now."""
    return {
        "key": job.key,
        "job": job.to_json(),
        "result": to_json(result),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": where,
    }


def failed_record(job: Job, reason: str, curve: Sequence[Epoch] = ()) -> dict[str, Any]:
    """The record of a job that failed for good."""
    return finished_record(job, Result("failed", (), tuple(curve), 0.0, reason), environment())
