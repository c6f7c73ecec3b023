"""Warm start: a search takes over the jobs of earlier runs that it could have trained itself."""

from collections.abc import Sequence
from pathlib import Path

from searchspace import InputError
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Proposed, Replicated
from studies.rundir.trial_table import TrialTable
from studies.spec.search import Search


def take_over(search: Search, store: RunStore, runs: Sequence[Path]) -> int:
    """Add the finished jobs of earlier runs as trials and results; the number of new trials.

    A job is taken over if its architecture is within the limits of the search and its task and
    recipe are the same. The objectives are those of the search, whatever the earlier run had. The
    store must be locked.
    """
    finished = [record for run in runs for record in _finished_records(run)]
    same_training = [record for record in finished if record.job == _job_here(search, record)]
    usable = [r for r in same_training if r.job.architecture in search.within]
    if runs and not usable:
        raise InputError(
            f"nothing in {', '.join(map(str, runs))} can start this search: of {len(finished)} "
            f"finished jobs, {len(same_training)} have its task and recipe, and none of their "
            "networks is in its space within its limits"
        )
    table = TrialTable(store.events())
    stored = {record.key for record in store.records()}
    before = len(table)
    for record in usable:
        if record.key not in stored:
            store.append(record)
            stored.add(record.key)
        _add(table, store, record)
    return len(table) - before


def _add(table: TrialTable, store: RunStore, record: Record) -> None:
    """Log a job as the first of a new trial, or as a replicate of the trial of its architecture."""
    job = record.job
    if table.of_job(record.key):
        return
    trials = table.of_architecture(job.architecture)
    if trials:
        event: Proposed | Replicated = Replicated(
            trials[0].number, record.key, job.seed, "replicates"
        )
    else:
        event = Proposed(len(table), job.architecture, "warm start", record.key, job.seed)
    store.log(event)
    table.add(event)


def _finished_records(run: Path) -> list[Record]:
    store = RunStore(run)
    if store.experiment() is None:
        raise InputError(f"--warm-start {run} holds no run")
    return [record for record in store.records() if record.result.status == "finished"]


def _job_here(search: Search, record: Record) -> object:
    return search.job(record.job.architecture, record.job.seed)
