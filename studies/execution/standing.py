"""How far an ablation is: what is chosen and decided, and which jobs it needs next."""

from collections.abc import Collection
from dataclasses import dataclass

from studies.rundir.frames import frame_of
from studies.rundir.record import PROVISIONAL
from studies.rundir.store import RunStore
from studies.rundir.tuning import ArmTuning, arm_tunings, missing_jobs, with_tuned
from studies.spec.ablation import Ablation
from studies.stats.looks import ArmJobs, Look, last_look
from studies.stats.sequential import check_max_seeds
from trainers import Job

NamedJobs = dict[str, tuple[str, Job]]
"""Jobs and what messages call them, by key, in order."""


@dataclass(frozen=True)
class Standing:
    """How far an ablation is; `ablation` has the recipes that are chosen so far.

    `missing` are the jobs without a result that are needed now, `ahead` those that would be needed
    next if no claim were decided before. `look` is the last look at a study that goes on until it
    is decided.
    """

    ablation: Ablation
    tunings: list[ArmTuning]
    missing: NamedJobs
    look: Look | None = None
    ahead: NamedJobs | None = None


def standing(
    ablation: Ablation,
    store: RunStore,
    again: Collection[str] = (),
    failed: Collection[str] = (),
) -> Standing:
    """How far an ablation is by the results in a run directory.

    Jobs with the keys `again` count as not trained, those with the keys `failed` as ended.
    """
    if ablation.design.max_seeds is not None:
        check_max_seeds(ablation.design.max_seeds)
    records = store.records()
    tunings = arm_tunings(ablation, records, again)
    ablation = with_tuned(ablation, tunings)
    missing = missing_jobs(ablation, tunings, records, again)
    if ablation.design.max_seeds is None:
        return Standing(ablation, tunings, missing)
    ended = {r.key for r in records if r.result.status not in PROVISIONAL} | set(failed)
    jobs: dict[tuple[str, str, int], Job] = {
        (arm.name, job.task.label(), job.seed): job
        for arm, job in ablation.jobs(ablation.design.max_seeds)
    }
    look = last_look(ablation, frame_of(store, ablation), jobs, ended)
    further = _further(look, jobs, ablation.design.max_seeds)
    further = {key: each for key, each in further.items() if key not in ended}
    seeds = look.seeds if look else 0
    missing |= {key: each for key, each in further.items() if each[1].seed == seeds}
    if look is not None and not look.needed:
        untuned = _untuned(ablation, jobs, ended)
        missing |= {key: each for key, each in untuned.items() if key not in ended}
    ahead = {key: each for key, each in further.items() if each[1].seed > seeds}
    return Standing(ablation, tunings, missing, look, ahead)


def _further(look: Look | None, jobs: ArmJobs, max_seeds: int) -> NamedJobs:
    """The jobs of the arms that open claims need, from the next seed to the planned maximum."""
    if look is None:
        return {}
    named = (
        (f"{arm}, seed {seed}", jobs[arm, task, seed])
        for seed in range(look.seeds, max_seeds)
        for arm, task in look.needed
    )
    return {job.key: (name, job) for name, job in named}


def _untuned(ablation: Ablation, jobs: ArmJobs, ended: Collection[str]) -> NamedJobs:
    """The jobs without tuning, if they are asked for, of all seeds that arms have with it."""
    tune = ablation.design.tune
    if tune is None or not tune.untuned:
        return {}
    return {
        own.key: (f"{arm.name}, untuned, seed {own.seed}", own)
        for arm, own in ablation.untuned_jobs(ablation.design.max_seeds)
        if jobs[arm.name, own.task.label(), own.seed].key in ended
    }
