"""Trains the jobs of an ablation that have no result."""

import time
from dataclasses import dataclass, field
from math import inf

from rich.console import Console

from searchspace import InputError
from studies.cli.outcome import FAILED, no_result, remaining
from studies.cli.progress import Progress, duration
from studies.execution.ablation_queue import StagedQueue
from studies.execution.environment import environment
from studies.execution.ray_backend import RayBackend
from studies.execution.standing import Standing, standing
from studies.rundir.latencies import Bench, LatencyError
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.tuning import is_tuning
from studies.spec.ablation import Ablation
from studies.spec.words import count
from studies.stats.looks import outcome_text
from studies.trackers.tracking import Tracking


@dataclass(frozen=True)
class TrainingOptions:
    """How jobs without a result are trained.

    With `retry_failed`, jobs of tuning that failed by themselves are trained once more too. After
    `budget` seconds from the start of the command no job is started. `tracking` is told
    of the jobs.
    """

    retry_failed: bool = False
    budget: float | None = None
    started: float = field(default_factory=time.monotonic)
    tracking: Tracking = field(default_factory=Tracking)

    @property
    def deadline(self) -> float:
        """When the last job may start, in seconds of `time.monotonic`."""
        return inf if self.budget is None else self.started + self.budget


def train_missing(
    ablation: Ablation,
    store: RunStore,
    backend: RayBackend,
    console: Console,
    options: TrainingOptions | None = None,
) -> int:
    """Train the jobs without a result and add theirs to the store; the status to exit with."""
    options = options or TrainingOptions()
    again = failed_tuning(store.records()) if options.retry_failed else set()
    now = standing(ablation, store, again)
    if not now.missing and store.experiment() == ablation:
        console.print(f"All jobs of {store.folder} are finished; nothing is trained again.")
        _tell_outcome(now, console)
        return no_result(store, console)
    with store.locked():
        store.ask(ablation, environment())
        if ablation.design.latency:
            measure_latencies(ablation, store, backend.resources.device, console)
        progress = Progress(console, options.tracking)
        progress.begin(store.folder, ablation.name)
        queue = StagedQueue(
            ablation, store, backend.resources, progress.callbacks(), again, options.deadline
        )
        # Another run may have finished some between the first look and the lock.
        if not queue.waiting:
            return 0
        return _train(queue, backend, progress, options)


def measure_latencies(ablation: Ablation, store: RunStore, device: str, console: Console) -> None:
    """Measure the latency of each arm on each task that is not yet in the run directory.

    Nothing else depends on it, so what cannot be measured is told, and its place stays empty.
    """
    design = ablation.design
    for task in ablation.tasks:
        try:
            bench = Bench(store.latencies, task, design.latency_method, device)
        except InputError as error:
            console.print(f"Latencies are left out: {error}", markup=False)
            return
        for arm in design.arms:
            try:
                bench.measured(arm.architecture)
            except LatencyError as error:
                console.print(f"{arm.name}: {error}", markup=False)


def failed_tuning(records: list[Record]) -> set[str]:
    """The keys of jobs of tuning that failed."""
    return {r.key for r in records if is_tuning(r.job) and r.result.status == "failed"}


def _train(
    queue: StagedQueue, backend: RayBackend, progress: Progress, options: TrainingOptions
) -> int:
    console = progress.console
    with progress.showing(queue.jobs_left):
        backend.run(queue)
    lost = queue.lost
    if lost:
        console.print(
            f"{count(len(lost), 'job')} of tuning failed ({_reasons(lost)}), so their recipes "
            "lost; --retry-failed tries them again.",
            markup=False,
        )
    failures = {key: reason for key, reason in queue.failures.items() if key not in lost}
    if failures:
        console.print(
            f"{len(failures)} of {count(progress.total, 'job')} failed ({_reasons(failures)}); "
            "the same command tries them again.",
            markup=False,
        )
    if queue.out_of_time and not queue.stopped_by:
        spent = f"the budget of {duration(options.budget or 0.0)} is spent"
        console.print(f"{spent[0].upper()}{spent[1:]}; the same command continues.")
        _tell_outcome(queue.standing, console, spent)
        return FAILED if failures else 0
    status = remaining(queue, console) or (FAILED if failures else 0)
    if status in (0, FAILED):
        _tell_outcome(queue.standing, console)
    return status or no_result(queue.store, console)


def _tell_outcome(now: Standing, console: Console, why_not: str = "") -> None:
    """Say what was decided after how many seeds, if the study goes on until it is decided."""
    if now.look is not None:
        console.print(outcome_text(now.ablation, now.look, why_not), markup=False, highlight=False)


def _reasons(failures: dict[str, str]) -> str:
    return "; ".join(dict.fromkeys(failures.values()))
