"""Runs the queue of an ablation without training: results are made up."""

from collections.abc import Callable
from math import inf

from studies import Ablation
from studies.execution.ablation_queue import StagedQueue
from studies.execution.job_queue import RunCallbacks
from studies.execution.resources import Resources
from studies.execution.worker import StepReport
from studies.rundir.record import record_now
from studies.rundir.store import RunStore
from tests.support.helpers import made_up
from trainers import Job
from trainers.job import Status

Outcome = Callable[[Job], float | Status | None]
"""What a job ends with: a validation accuracy, a status without one, or a lost worker (None)."""


def end_jobs(
    ablation: Ablation,
    store: RunStore,
    outcome: Outcome,
    *,
    jobs: int = 1000,
    again: set[str] | None = None,
    at_once: int = 1,
    notes: list[str] | None = None,
    deadline: float = inf,
) -> list[Job]:
    """End up to `jobs` jobs of the queue as `outcome` says; the jobs in the order they started."""
    started: list[Job] = []
    with store.locked():
        store.ask(ablation, {})
        callbacks = RunCallbacks(note=(notes if notes is not None else []).append)
        queue = StagedQueue(ablation, store, Resources(), callbacks, again or (), deadline)
        running: list[Job] = []
        while len(started) < jobs:
            while len(running) < at_once and (item := queue.next_item()):
                running.append(item.job)
                started.append(item.job)
            if not running:
                break
            _end(queue, running.pop(0), outcome)
    return started


def _end(queue: StagedQueue, job: Job, outcome: Outcome) -> None:
    ended = outcome(job)
    if ended == "failed":
        queue.report(job.key, StepReport((), failed="ValueError: no good"))
    elif ended is None:
        queue.report(job.key, StepReport((), failed="no data", cause="data"))
    else:
        result = made_up(job, ended) if isinstance(ended, float) else made_up(job, 0.5, ended)
        queue.report(job.key, StepReport((), record=record_now(job, result, {})))
