"""A job queue in Ray Tune's terms: what proposes trials, what judges them and what trains."""

import faulthandler
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ray import cloudpickle, tune
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
from studies.execution.job_queue import Decision, JobQueue
from studies.execution.worker import StepReport, Worker, WorkItem

T = TypeVar("T")

ITEM, REPORT = "item", "report"
GUESSES = " There are some potential root causes", " Some common causes include"
"""What Ray of one release and another says before what may be behind the end of a process."""
GRACE_SECONDS = 10.0
"""Beyond its time limit, until the process of a job that does not answer is ended."""


class JobTrainable(Trainable):
    """A worker as a Trainable of Ray Tune; the actor is reused for job after job."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take the first job."""
        self.nowhere = open(os.devnull, "w")
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next job in the same process."""
        item: WorkItem = new_config[ITEM]
        self.worker = Worker(item)
        return True

    def step(self) -> dict[str, Any]:
        """Train for one epoch."""
        if self.worker.left is not None:
            # Ends the process if not even the interpreter answers; a thread of C waits for it.
            faulthandler.dump_traceback_later(
                self.worker.left + GRACE_SECONDS, exit=True, file=self.nowhere
            )
        report = self.worker.step()
        faulthandler.cancel_dump_traceback_later()
        return {REPORT: report, "done": bool(report.record or report.failed)}


class TuneSearcher(Searcher):
    """Gives Tune the queue's next item whenever there is room for a job.

    Each Tune trial is one leg of a job: a job that waits, or whose worker was lost, ends its leg
    and goes on from its checkpoint in another.
    """

    def __init__(self, queue: JobQueue, slots: Callable[[], int]) -> None:
        super().__init__()
        self.queue, self.slots = queue, slots
        self.legs: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its settings to restore them, which is never done: the store is the truth.
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next item, None while there is nothing to start, or that all is over."""
        self.queue.slots = self.slots()
        if len(self.queue.running) >= self.queue.slots:
            return None
        item = self.queue.next()
        if item is not None:
            self.legs[trial_id] = item.job.key
            return {ITEM: item}
        return Searcher.FINISHED if self.queue.over else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: `TuneScheduler` tells the queue."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the store is the truth of a run."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the store is the truth of a run."""


class TuneScheduler(FIFOScheduler):
    """Passes what workers tell to the queue and its answer to Tune."""

    def __init__(self, searcher: TuneSearcher) -> None:
        self.searcher, self.queue = searcher, searcher.queue
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
        if self.searcher.legs[trial.trial_id] in self.queue.running:
            self._told(trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """The worker is gone."""
        why = last_words(_raised(trial))
        self._guarded(lambda: self.queue.lost(self.searcher.legs[trial.trial_id], why))

    def _told(self, trial: Any, result: dict[str, Any]) -> Decision:
        report: StepReport = result[REPORT]
        key = self.searcher.legs[trial.trial_id]
        return self._guarded(lambda: self.queue.report(key, report))

    def _guarded(self, tell: Callable[[], T]) -> T:
        """Remember a sentence for the user, which Tune would wrap."""
        try:
            return tell()
        except InputError as error:
            self.error = error
            raise


def _raised(trial: Any) -> BaseException | None:
    """What ended a trial's worker, which Tune has written beside its files here."""
    file = trial.pickled_error_file
    if file is None or not Path(file).exists():
        return None
    found: BaseException = cloudpickle.loads(Path(file).read_bytes())
    return found


def last_words(error: BaseException | None) -> str:
    """Why a worker was lost, in a line: what it raised, or what Ray saw of its end."""
    lines = [line.strip() for line in str(error or "").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    # Of a process that was ended, Ray tells what it saw, then what may be behind it.
    seen = last.partition("Worker exit detail: ")[2] or last
    for guesses in GUESSES:
        seen = seen.partition(guesses)[0]
    return seen.rstrip(".")


def run_in_tune(queue: JobQueue, slots: Callable[[], int], scratch: Path) -> None:
    """Train until nothing is left, as many jobs at once as there are `slots`."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots())
    searcher = TuneSearcher(queue, slots)
    scheduler = TuneScheduler(searcher)
    need = {"cpu": 1, "gpu": queue.resources.gpus_per_trial}
    tuner = Tuner(
        tune.with_resources(JobTrainable, need),
        tune_config=TuneConfig(
            search_alg=searcher, scheduler=scheduler, reuse_actors=True, num_samples=-1
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
        if scheduler.error is None:
            raise
        raise scheduler.error from None
