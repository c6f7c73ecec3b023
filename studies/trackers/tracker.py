"""What a tracker is, and how several are told of a run without harming it."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from searchspace.errors import first_line, with_kind
from searchspace.schema import to_json
from trainers import Epoch, Job, Result

LOG = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds that the end of a run waits for slow trackers."""


@dataclass(frozen=True)
class TrackedJob:
    """A job with what a tracker names it by; `arm` is the arm of a study, or the trial."""

    job: Job
    name: str
    arm: str

    @property
    def key(self) -> str:
        """The content hash of the job."""
        return self.job.key

    def params(self) -> dict[str, Any]:
        """Architecture, task and recipe as flat values by names with dots."""
        recipe = {f"recipe.{name}": value for name, value in vars(self.job.recipe).items()}
        return {
            "arm": self.arm,
            "seed": self.job.seed,
            "task": self.job.task.label(),
            "architecture": self.job.architecture.label(),
            "backbone": self.job.architecture.backbone.label(),
            "key": self.key,
            **{name: _flat(value) for name, value in recipe.items()},
        }


def _flat(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(to_json(value))


def epoch_metrics(epoch: Epoch) -> dict[str, float]:
    """The numbers of an epoch by name."""
    return {
        "train_loss": epoch.train_loss,
        "validation_accuracy": epoch.validation_accuracy,
        "validation_loss": epoch.validation_loss,
    }


def final_metrics(result: Result) -> dict[str, float]:
    """The last numbers of a job by name; those at smaller input sizes have the size behind them."""
    numbers = {"seconds": result.seconds}
    for place, point in enumerate(result.points):
        end = "" if place == 0 else f"_at_{point.size}"
        numbers[f"final_validation_accuracy{end}"] = point.validation_accuracy
        numbers[f"final_test_accuracy{end}"] = point.test_accuracy
    return numbers


class Tracker(ABC):
    """Takes what jobs report. A method may raise whatever it likes: see `Trackers`."""

    name = "tracker"

    @abstractmethod
    def started(self, job: TrackedJob) -> None:
        """A job starts, or goes on."""

    @abstractmethod
    def epochs(self, job: TrackedJob, epochs: Sequence[Epoch]) -> None:
        """A job has trained further epochs, or restored them from a checkpoint."""

    @abstractmethod
    def ended(self, job: TrackedJob, result: Result) -> None:
        """A job ended, whatever its status."""

    def placed(self, job: TrackedJob, host: str, pid: int) -> None:
        """A process of a host trains a job."""
        return

    def note(self, text: str) -> None:
        """The run says something."""
        return

    def close(self) -> None:
        """All jobs have ended, or the run was stopped."""
        return

    def report(self, page: Path) -> None:
        """The page about the run is written; called after `close`."""
        return


Call = Callable[[Tracker], None]


class Trackers:
    """Tells several trackers; one that fails is dropped with one warning, and the run goes on.

    Those `behind` are told in threads of their own, so that none waits for a slow server.
    """

    def __init__(self, direct: Sequence[Tracker] = (), behind: Sequence[Tracker] = ()) -> None:
        self.direct = [_Guarded(tracker) for tracker in direct]
        self.behind = [_Behind(tracker) for tracker in behind]

    def tell(self, call: Call) -> None:
        """Call each tracker that works."""
        for guarded in self.direct:
            guarded.tell(call)
        for thread in self.behind:
            thread.calls.put(call)

    def wait(self, seconds: float = PATIENCE) -> None:
        """Wait until all have been told, or warn of those that take longer."""
        for thread in self.behind:
            if not thread.told(seconds):
                LOG.warning("%s takes too long and misses the end of the run", thread.tracker.name)


class _Guarded:
    """A tracker that is told nothing more once it has failed."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker, self.failed = tracker, False

    def tell(self, call: Call) -> None:
        if self.failed:
            return
        try:
            call(self.tracker)
        # Whatever a library or a server of others raises must not end the training.
        except Exception as error:
            self.failed = True
            text = first_line(error) if isinstance(error, OSError) else with_kind(error)
            LOG.warning(
                "%s failed (%s) and is told nothing more; the run goes on", self.tracker.name, text
            )


class _Behind(_Guarded):
    """A tracker that is told in a thread, which ends with the process."""

    def __init__(self, tracker: Tracker) -> None:
        super().__init__(tracker)
        self.calls: SimpleQueue[Call] = SimpleQueue()
        self.thread = Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while True:
            self.tell(self.calls.get())

    def told(self, seconds: float) -> bool:
        """Whether all calls so far have been made within so many seconds."""
        if self.failed:
            return True
        done = Event()
        self.calls.put(lambda tracker: done.set())
        end = time.monotonic() + seconds
        while not (finished := done.wait(0.1)) and not self.failed and time.monotonic() < end:
            pass
        return finished or self.failed
