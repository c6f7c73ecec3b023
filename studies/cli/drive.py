"""From a plan to finished jobs: what is missing is trained, what is done stays."""

import subprocess
import sys
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from searchspace import InputError
from studies.cli.progress import Progress
from studies.execution.environment import environment
from studies.execution.job_queue import AblationQueue, JobQueue
from studies.execution.ray_backend import RayBackend
from studies.rundir.latencies import Bench
from studies.rundir.record import PROVISIONAL
from studies.rundir.store import STUDY, RunStore, set_aside
from studies.spec.ablation import Ablation
from studies.spec.search import Search
from trainers import Job

FAILED = 1
INTERRUPTED = 130


P = TypeVar("P", Ablation, Search)


def prepare(plan: P, store: RunStore, *, fresh: bool, console: Console) -> P:
    """Check the run directory and give the plan as it will be: an earlier run is extended."""
    if fresh and (store.folder / STUDY).exists():
        with store.locked():
            aside = set_aside(store.folder)
        console.print(f"The earlier run is kept in {aside}.")
    earlier = store.experiment()
    if earlier is None:
        return plan
    if not isinstance(earlier, type(plan)):
        what = "a search" if isinstance(earlier, Search) else "a study"
        raise InputError(f"{store.folder} holds {what}; give another --out")
    try:
        return plan.extending(earlier)
    except InputError as error:
        raise InputError(f"{store.folder} cannot be continued: {error}") from None


def train_missing(plan: Ablation, store: RunStore, backend: RayBackend, console: Console) -> int:
    """Train the jobs without a result and add theirs to the store; the status to exit with."""
    todo = missing(plan, store)
    if not todo and store.experiment() == plan:
        console.print(f"All jobs of {store.folder} are finished; nothing is trained again.")
        return 0
    with store.locked():
        # Another run may have finished some between the first look and the lock.
        todo = missing(plan, store)
        store.ask(plan, environment())
        measure_arms(plan, store)
        return _train_jobs(plan, todo, store, backend, console) if todo else 0


def measure_arms(plan: Ablation, store: RunStore) -> None:
    """Measure each arm's latency where the design asks for it and it is not known."""
    if plan.design.latency:
        for task in plan.design.tasks:
            bench = Bench(store.latencies, task)
            for arm in plan.design.arms:
                bench.measured(arm.architecture)


def missing(plan: Ablation, store: RunStore) -> dict[str, Job]:
    """The jobs that have no result, by key, in the order of the plan."""
    done = {record.key for record in store.records() if record.result.status not in PROVISIONAL}
    return {job.key: job for _, job in plan.jobs() if job.key not in done}


def _train_jobs(
    plan: Ablation, todo: dict[str, Job], store: RunStore, backend: RayBackend, console: Console
) -> int:
    names = {job.key: f"{arm.name}, seed {job.seed}" for arm, job in plan.jobs()}
    progress = Progress(console)
    queue = AblationQueue(todo, names, store, backend.resources, progress.events())
    with progress.showing(queue.to_do):
        backend.run(queue)
    if queue.failures:
        reasons = "; ".join(dict.fromkeys(queue.failures.values()))
        console.print(
            f"{len(queue.failures)} of {len(todo)} jobs failed ({reasons}); "
            "the same command tries them again."
        )
        return FAILED
    return stopped(queue, console)


def stopped(queue: JobQueue, console: Console) -> int:
    """Say what is left, if anything; the status to exit with."""
    left = queue.to_do() + len(queue.running) + len(queue.again)
    if left:
        console.print(f"Stopped with {left} jobs to do; the same command continues.")
        return INTERRUPTED
    return 0


def report(folder: Path) -> int:
    """Print what a run says and write its page; the status to exit with."""
    # The report is a tool of its own, which reads what was written here.
    return subprocess.call([sys.executable, "-m", "analysis.report", str(folder)])
