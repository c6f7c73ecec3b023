"""From a plan to finished jobs: what is missing is trained, what is done stays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from searchspace import InputError
from studies.progress import Progress
from studies.resources import Resources
from studies.search import Search
from studies.store import PROVISIONAL, STUDY, Store, set_aside
from studies.study import Plan
from studies.worker import environment
from trainers import Job

FAILED = 1
INTERRUPTED = 130


@dataclass
class Outcome:
    """What became of the jobs of one call: keys finished, and reasons of those that failed."""

    finished: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


def prepare(plan: Plan, store: Store, *, fresh: bool, console: Console) -> Plan:
    """Check the run directory and give the plan as it will be: an earlier run is extended."""
    if fresh and (store.folder / STUDY).exists():
        with store.locked():
            aside = set_aside(store.folder)
        console.print(f"The earlier run is kept in {aside}.")
    earlier = store.plan()
    if earlier is None:
        return plan
    if isinstance(earlier, Search):
        raise InputError(f"{store.folder} holds a search, {earlier.name}; give another --out")
    try:
        return plan.extending(earlier)
    except InputError as error:
        raise InputError(f"{store.folder} cannot be continued: {error}") from None


def train_missing(plan: Plan, store: Store, resources: Resources, console: Console) -> int:
    """Train the jobs without a result and add theirs to the store; the status to exit with."""
    todo = missing(plan, store)
    if not todo and store.plan() == plan:
        console.print(f"All jobs of {store.folder} are finished; nothing is trained again.")
        return 0
    with store.locked():
        # Another run may have finished some between the first look and the lock.
        todo = missing(plan, store)
        store.ask(plan, environment())
        outcome = _train(plan, store, todo, resources, console) if todo else Outcome()
    if outcome.failed:
        reasons = "; ".join(dict.fromkeys(outcome.failed.values()))
        console.print(
            f"{len(outcome.failed)} of {len(todo)} jobs failed ({reasons}); "
            "the same command tries them again."
        )
        return FAILED
    left = len(todo) - len(outcome.finished)
    if left:
        console.print(f"Stopped with {left} jobs to do; the same command continues.")
        return INTERRUPTED
    return 0


def missing(plan: Plan, store: Store) -> dict[str, Job]:
    """The jobs that have no result, by key, in the order of the plan."""
    done = {record.key for record in store.records() if record.result.status not in PROVISIONAL}
    return {job.key: job for _, job in plan.jobs() if job.key not in done}


def _train(
    plan: Plan, store: Store, todo: Mapping[str, Job], resources: Resources, console: Console
) -> Outcome:
    # Imported here: a finished run is replayed without the seconds that importing ray takes.
    from studies.engine import Events, run_jobs

    outcome = Outcome()
    progress = Progress(plan, todo, console)

    def finished(record: dict[str, Any]) -> None:
        store.append(record)
        outcome.finished.add(record["key"])
        progress.finished(record)

    def failed(key: str, reason: str) -> None:
        outcome.failed[key] = reason
        progress.failed(key, reason)

    with progress:
        run_jobs(list(todo.values()), resources, Events(progress.epoch, finished, failed))
    return outcome
