"""Learning from earlier runs: what they trained that this search could have is taken over."""

from collections.abc import Sequence
from pathlib import Path

from searchspace import InputError
from searchspace.schema import to_json
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Proposed, Replicated, TrialLog
from studies.spec.search import Search


def take_over(search: Search, store: RunStore, runs: Sequence[Path]) -> int:
    """Enter the finished jobs of earlier runs as trials and results; how many trials were new.

    A job counts if the search could have asked for it: a network within its limits, the same task
    and recipe. The search's objectives are computed for it as for its own, whatever the earlier run
    asked. Needs the store to be locked.
    """
    found = [record for run in runs for record in _records(run)]
    usable = [record for record in found if record.job == _own(search, record)]
    if runs and not any(record.job.architecture in search.within for record in usable):
        raise InputError(
            f"nothing in {', '.join(map(str, runs))} can start this search: of {len(found)} "
            f"finished jobs, {len(usable)} have its task and recipe, and none of their networks is "
            "in its space within its limits"
        )
    log = TrialLog(store.events())
    known = {record.key for record in store.records()}
    before = len(log)
    for record in usable:
        job = record.job
        if job.architecture not in search.within:
            continue
        if record.key not in known:
            store.append(to_json(record))
            known.add(record.key)
        _enter(log, store, record)
    return len(log) - before


def _enter(log: TrialLog, store: RunStore, record: Record) -> None:
    """Log a job as the first of a new trial, or as a further run of one that has its network."""
    job = record.job
    if record.key in log.owners:
        return
    numbers = log.networks.get(job.architecture.key)
    if numbers is None:
        event: Proposed | Replicated = Proposed(
            len(log), job.architecture, "warm start", record.key, job.seed
        )
    else:
        event = Replicated(numbers[0], record.key, job.seed, "replicates")
    store.log(event)
    log.add(event)


def _records(run: Path) -> list[Record]:
    store = RunStore(run)
    if store.experiment() is None:
        raise InputError(f"--warm-start {run} holds no run")
    return [record for record in store.records() if record.result.status == "finished"]


def _own(search: Search, record: Record) -> object:
    return search.job(record.job.architecture, record.job.seed)
