"""Runs a job queue with Ray Tune: a searcher, a scheduler and a trainable around it."""

import faulthandler
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray import cloudpickle, tune
from ray.tune import (
    Callback,
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
from trainers.processes import Processes

T = TypeVar("T")

ITEM, REPORT, LEFT = "item", "report", "left"
GUESSES = " There are some potential root causes", " Some common causes include"
"""How releases of Ray introduce the possible causes of the end of a process."""
GRACE_SECONDS = 10.0
"""From the time limit of a job that hangs until its process ends itself, and again as long until it
is ended from outside."""
LONGEST_STEP = 0.5
"""Seconds that a step of the driver counts at most: it may be busy while reports wait for it."""


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
        item: WorkItem = config[ITEM]
        # Their start takes seconds: they go from job to job.
        self.others = Processes(item.resources.processes, dumps=cloudpickle.dumps)
        self.worker = Worker(item, self.others)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next job in the same process."""
        # It may have been paused or stopped in the middle of a job.
        self.worker.leave()
        self.worker = Worker(new_config[ITEM], self.others)
        return True

    def cleanup(self) -> None:
        """End the processes that train with this one."""
        self.others.close()

    def step(self) -> dict[str, Any]:
        """Train for one epoch."""
        if self.worker.left is not None:
            # A C thread ends the process if even the interpreter hangs.
            faulthandler.dump_traceback_later(
                self.worker.left + GRACE_SECONDS, exit=True, file=self.nowhere
            )
        report = self.worker.step()
        faulthandler.cancel_dump_traceback_later()
        ended = bool(report.record or report.failed)
        return {REPORT: report, LEFT: self.worker.left, "done": ended}


class HungProcesses(Callback):
    """Ends the processes of jobs that cannot end themselves, on any node.

    A process that a signal has stopped, or that waits for a dead mount, does not even run the timer
    of its own time limit.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.left: dict[Any, float] = {}
        self.killed: set[str] = set()
        self.now = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        # As for the searcher.
        return {}

    def add(self, trial: Any) -> None:
        """Watch a new trial."""
        if self.limit is not None:
            self.left[trial] = self.limit

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Give the trial what its worker says that is left for the next step."""
        if trial in self.left:
            self.left[trial] = result[LEFT]

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Watch a trial no longer."""
        self.left.pop(trial, None)

    on_trial_error = on_trial_complete

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """End the processes whose step takes far longer than what was left."""
        now = time.monotonic()
        passed, self.now = min(now - self.now, LONGEST_STEP), now
        for trial in list(self.left):
            actor = trial.temporary_state.ray_actor
            if actor is None:
                # It waits for a process.
                continue
            self.left[trial] -= passed
            if self.left[trial] < -2 * GRACE_SECONDS:
                del self.left[trial]
                self.killed.add(trial.trial_id)
                ray.kill(actor)


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

    def __init__(self, searcher: TuneSearcher, hung: HungProcesses) -> None:
        self.searcher, self.queue, self.hung = searcher, searcher.queue, hung

    def __getstate__(self) -> dict[str, Any]:
        # As for the searcher.
        return {}

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Watch its process."""
        self.hung.add(trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Continue the Tune trial, or stop it."""
        decision = self._report(trial, result)
        return TrialScheduler.CONTINUE if decision == "continue" else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Store the result at once, so that it survives a kill."""
        if self.searcher.job_keys[trial.trial_id] in self.queue.running:
            self._report(trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Report a lost worker, or a job whose process hung."""
        key = self.searcher.job_keys[trial.trial_id]
        if trial.trial_id in self.hung.killed:
            _ending(lambda: self.queue.job_hung(key))
        else:
            why = last_words(_raised(trial))
            _ending(lambda: self.queue.worker_lost(key, why))

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
    hung = HungProcesses(queue.resources.time_limit)
    scheduler = TuneScheduler(searcher, hung)
    need = {"cpu": queue.resources.cpus, "gpu": queue.resources.gpus_per_trial}
    tuner = Tuner(
        tune.with_resources(JobTrainable, need),
        tune_config=TuneConfig(
            search_alg=searcher, scheduler=scheduler, reuse_actors=True, num_samples=-1
        ),
        run_config=RunConfig(
            storage_path=str(scratch),
            verbose=0,
            callbacks=[hung],
            failure_config=FailureConfig(max_failures=0),
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    try:
        tuner.fit()
    except _EndRun as end:
        raise end.error from None
