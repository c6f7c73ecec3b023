"""Trains the jobs of an ablation that have no result."""

from rich.console import Console

from studies.cli.progress import Progress, remaining
from studies.execution.ablation_queue import StagedQueue
from studies.execution.environment import environment
from studies.execution.ray_backend import RayBackend
from studies.rundir.latencies import Bench
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.tuning import arm_tunings, is_tuning, missing_jobs, with_tuned
from studies.spec.ablation import Ablation
from trainers import Job

FAILED = 1


def train_missing(
    ablation: Ablation,
    store: RunStore,
    backend: RayBackend,
    console: Console,
    *,
    retry_failed: bool = False,
) -> int:
    """Train the jobs without a result and add theirs to the store; the status to exit with.

    With `retry_failed`, jobs of tuning that failed by themselves are trained once more too.
    """
    again = failed_tuning(store.records()) if retry_failed else set()
    if not jobs_to_train(ablation, store, again) and store.experiment() == ablation:
        console.print(f"All jobs of {store.folder} are finished; nothing is trained again.")
        return 0
    with store.locked():
        store.ask(ablation, environment())
        if ablation.design.latency:
            measure_latencies(ablation, store)
        # Another run may have finished some between the first look and the lock.
        if not jobs_to_train(ablation, store, again):
            return 0
        return _train_jobs(ablation, store, backend, console, again)


def measure_latencies(ablation: Ablation, store: RunStore) -> None:
    """Measure the latency of each arm on each task that is not yet in the run directory."""
    for task in ablation.tasks:
        bench = Bench(store.latencies, task)
        for arm in ablation.design.arms:
            bench.measured(arm.architecture)


def jobs_to_train(
    ablation: Ablation, store: RunStore, again: set[str] | None = None
) -> dict[str, Job]:
    """The jobs that have no result, as far as they are known, by key, in order."""
    records = store.records()
    tunings = arm_tunings(ablation, records, again or ())
    missing = missing_jobs(with_tuned(ablation, tunings), tunings, records, again or ())
    return {key: job for key, (_, job) in missing.items()}


def failed_tuning(records: list[Record]) -> set[str]:
    """The keys of jobs of tuning that failed."""
    return {r.key for r in records if is_tuning(r.job) and r.result.status == "failed"}


def _train_jobs(
    ablation: Ablation, store: RunStore, backend: RayBackend, console: Console, again: set[str]
) -> int:
    progress = Progress(console)
    queue = StagedQueue(ablation, store, backend.resources, progress.callbacks(), again)
    with progress.showing(queue.jobs_left):
        backend.run(queue)
    lost = queue.lost
    if lost:
        console.print(
            f"{len(lost)} jobs of tuning failed ({_reasons(lost)}), so their recipes lost; "
            "--retry-failed tries them again.",
            markup=False,
        )
    failures = {key: reason for key, reason in queue.failures.items() if key not in lost}
    if failures:
        console.print(
            f"{len(failures)} of {progress.total} jobs failed ({_reasons(failures)}); "
            "the same command tries them again.",
            markup=False,
        )
        return remaining(queue, console) or FAILED
    return remaining(queue, console)


def _reasons(failures: dict[str, str]) -> str:
    return "; ".join(dict.fromkeys(failures.values()))
