"""An agenda in Ray Tune's terms: what proposes trials, what judges them and what trains."""

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
from studies.execution.job_queue import Agenda, Answer
from studies.execution.worker import Order, Report, Seat

T = TypeVar("T")

ORDER, REPORT = "order", "report"
GUESSES = " There are some potential root causes", " Some common causes include"
"""What Ray of one release and another says before what may be behind the end of a process."""
GRACE_SECONDS = 10.0
"""Beyond its time limit, until the process of a job that does not answer is ended."""


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

    def __init__(self, agenda: Agenda, slots: Callable[[], int]) -> None:
        super().__init__()
        self.agenda, self.slots = agenda, slots
        self.legs: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its settings to restore them, which is never done: the store is the truth.
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next order, None while there is nothing to start, or that all is over."""
        self.agenda.slots = self.slots()
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
        why = last_words(_raised(trial))
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


def tune_agenda(agenda: Agenda, slots: Callable[[], int], scratch: Path) -> None:
    """Train until nothing is left, as many jobs at once as there are `slots`."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots())
    searcher = AgendaSearcher(agenda, slots)
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
