"""Seeds that are added one by one until every claim is decided: who needs the next one.

The first look is at the design's seeds, of all arms. As long as a claim is open and the planned
maximum is not reached, the arms that open claims compare get one more seed, on the tasks where they
are open; then one looks again. Everything follows from the results, so that a run that was stopped
goes on as if it had not been.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from searchspace import InputError
from studies.spec.ablation import Ablation
from studies.spec.claims import Claim
from studies.spec.words import count
from studies.stats.decisions import ClaimDecision, claim_samples, study_decisions
from studies.stats.sequential import check_max_seeds
from studies.stats.t_tests import MIN_PAIRS
from trainers import Job

DEFAULT_MAX_SEEDS = 30
ArmJobs = Mapping[tuple[str, str, int], Job]
"""Jobs by the name of the arm, the label of the task, and the seed."""


@dataclass(frozen=True)
class Look:
    """The last look at a study: the number of seeds that it saw and the decisions on all claims.

    `decided_at` has the number of seeds at the first look that decided a claim, by its place in
    `decisions`. `needed` names the arms and tasks that the next seed is trained for; none if all
    claims are decided or the planned maximum is reached.
    """

    seeds: int
    decisions: tuple[ClaimDecision, ...]
    decided_at: Mapping[int, int]
    needed: tuple[tuple[str, str], ...]

    @property
    def open(self) -> list[ClaimDecision]:
        """The claims that are not decided."""
        return [each for each in self.decisions if not each.decision.is_decided]


def last_look(
    ablation: Ablation, frame: pd.DataFrame, jobs: ArmJobs, ended: Collection[str]
) -> Look | None:
    """The last look at results, of which `frame` is what `studies.load` gives.

    `ended` are the keys of jobs without an open end. None while a job of the design's seeds, which
    come first, has not ended, and for a design without a planned maximum.
    """
    design = ablation.design
    if design.max_seeds is None:
        return None
    first = [job.key for (_, _, seed), job in jobs.items() if seed < design.seeds]
    if len(first) < ablation.min_jobs or not set(first) <= set(ended):
        return None
    decided_at: dict[int, int] = {}
    seeds = design.seeds
    while True:
        seen = frame[frame["seed"] < seeds]
        decisions = study_decisions(seen, ablation, design.max_seeds)
        for place, each in enumerate(decisions):
            if each.decision.is_decided:
                decided_at.setdefault(place, seeds)
        needed = _needed(ablation, seen, decisions) if seeds < design.max_seeds else ()
        next_keys = {jobs[arm, task, seeds].key for arm, task in needed}
        if not needed or not next_keys <= set(ended):
            return Look(seeds, tuple(decisions), decided_at, needed)
        seeds += 1


def arms_of(claim: Claim) -> set[str]:
    """The names of the arms that a claim compares."""
    return {operand.arm for comparison in claim.comparisons for operand in comparison.named}


def outcome_text(ablation: Ablation, look: Look, why_not: str = "") -> str:
    """What was decided after how many seeds, and what was not and why."""
    sentences = []
    several = len(ablation.tasks) > 1
    for place, each in enumerate(look.decisions):
        name = f"{each.claim.text} ({each.task})" if several else each.claim.text
        if place in look.decided_at:
            conclusion = each.decision.conclusion
            sentences.append(f"{name}: {conclusion} after {count(look.decided_at[place], 'seed')}")
        else:
            why = why_not or (
                f"the planned maximum of {count(ablation.design.max_seeds, 'seed')} is reached"
                if look.seeds == ablation.design.max_seeds
                else "no seed has an accuracy of all its arms"
            )
            sentences.append(f"{name}: undecided after {count(look.seeds, 'seed')} ({why})")
    counts = f"Decided: {len(look.decided_at)} of {len(look.decisions)} claims."
    return f"{counts} {'; '.join(sentences)}."


def _needed(
    ablation: Ablation, frame: pd.DataFrame, decisions: Collection[ClaimDecision]
) -> tuple[tuple[str, str], ...]:
    """The arms that open claims compare, each with its task, in the design's order."""
    wanted = {
        (arm, each.task)
        for each in decisions
        if not each.decision.is_decided and not _is_hopeless(frame, each)
        for arm in arms_of(each.claim)
    }
    pairs = [(arm.name, task.label()) for task in ablation.tasks for arm in ablation.design.arms]
    return tuple(pair for pair in pairs if pair in wanted)


def _is_hopeless(frame: pd.DataFrame, each: ClaimDecision) -> bool:
    """Whether so many seeds have not given one pair: an arm that always diverges never will."""
    if frame["seed"].nunique() < MIN_PAIRS:
        return False
    return any(not sample.differences for sample in claim_samples(frame, each.task, each.claim))


def until_decided(ablation: Ablation, max_seeds: int) -> Ablation:
    """The ablation with a planned maximum of seeds, up to which they are added."""
    if not ablation.design.claims:
        raise InputError(f"{ablation.name} has no claims, so that nothing could be decided")
    check_max_seeds(max_seeds)
    return ablation.changed(max_seeds=max_seeds)
