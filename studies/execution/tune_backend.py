"""Runs a job queue with Ray Tune: a searcher, a scheduler and a trainable around it."""

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
"""How releases of Ray introduce the possible causes of the end of a process."""
GRACE_SECONDS = 10.0
"""From the time limit of a job that hangs to the end of its process."""


class _EndRun(BaseException):
    """Ends Tune's loop at once; after an Exception Tune would let the running jobs go on."""

    def __init__(self, error: InputError) -> None:
        super().__init__(str(error))
        self.error = error


def _ending(call: Callable[[], T]) -> T:
    """What the queue returns; its InputError, for example of a full disk, ends the run."""
    try:
        return call()
    except InputError as error:
        raise _EndRun(error) from error


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
            # A C thread ends the process if even the interpreter hangs.
            faulthandler.dump_traceback_later(
                self.worker.left + GRACE_SECONDS, exit=True, file=self.nowhere
            )
        report = self.worker.step()
        faulthandler.cancel_dump_traceback_later()
        return {REPORT: report, "done": bool(report.record or report.failed)}


class TuneSearcher(Searcher):
    """Gives Tune the queue's next item whenever there is room for a job.

    A Tune trial runs a job from its start or a checkpoint. It ends when the job ends, is paused or
    loses its worker; then the job continues in another Tune trial.
    """

    def __init__(self, queue: JobQueue, slots: Callable[[], int]) -> None:
        super().__init__()
        self.queue, self.slots = queue, slots
        self.job_keys: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its settings to restore them, which is never done.
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next item; None while there is nothing to start; `FINISHED` at the end."""
        self.queue.slots = self.slots()
        if len(self.queue.running) >= self.queue.slots:
            return None
        item = _ending(self.queue.next_item)
        if item is not None:
            self.job_keys[trial_id] = item.job.key
            return {ITEM: item}
        return Searcher.FINISHED if self.queue.done else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: `TuneScheduler` reports to the queue."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the run directory holds the state of a run."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: the run directory holds the state of a run."""


class TuneScheduler(FIFOScheduler):
    """Passes the reports of workers to the queue and its decisions to Tune."""

    def __init__(self, searcher: TuneSearcher) -> None:
        self.searcher, self.queue = searcher, searcher.queue

    def __getstate__(self) -> dict[str, Any]:
        # As for the searcher.
        return {}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Continue the Tune trial, or stop it."""
        decision = self._report(trial, result)
        return TrialScheduler.CONTINUE if decision == "continue" else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Store the result at once, so that it survives a kill."""
        if self.searcher.job_keys[trial.trial_id] in self.queue.running:
            self._report(trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Report a lost worker."""
        why = last_words(_raised(trial))
        _ending(lambda: self.queue.worker_lost(self.searcher.job_keys[trial.trial_id], why))

    def _report(self, trial: Any, result: dict[str, Any]) -> Decision:
        report: StepReport = result[REPORT]
        key = self.searcher.job_keys[trial.trial_id]
        return _ending(lambda: self.queue.report(key, report))


def _raised(trial: Any) -> BaseException | None:
    """The error that ended the worker of a trial, from the file that Tune has written."""
    file = trial.pickled_error_file
    if file is None or not Path(file).exists():
        return None
    error: BaseException = cloudpickle.loads(Path(file).read_bytes())
    return error


def last_words(error: BaseException | None) -> str:
    """Why a worker was lost, in a line: its error, or how Ray saw its process end."""
    lines = [line.strip() for line in str(error or "").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    # Ray says how a process ended, then lists possible causes.
    detail = last.partition("Worker exit detail: ")[2] or last
    for guesses in GUESSES:
        detail = detail.partition(guesses)[0]
    return detail.rstrip(".")


def run_in_tune(queue: JobQueue, slots: Callable[[], int], scratch: Path) -> None:
    """Train until the queue is done, with at most `slots()` jobs at once."""
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
    except _EndRun as end:
        raise end.error from None
