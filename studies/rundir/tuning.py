"""How the tuning of an ablation's arms stands: what was tried, what won, what is left."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from studies.rundir.record import PROVISIONAL, Record
from studies.spec.ablation import Ablation
from studies.spec.tuning import TUNING_SEED, changes_text, tuning_seeds
from trainers import Job, Recipe, Result, Task


@dataclass(frozen=True)
class Candidate:
    """A recipe tried for an arm, its jobs, and the results of those that ended for good.

    `changes` is how it differs from the arm's own recipe. A job that failed through trouble of the
    machine has no result yet: it is trained again.
    """

    recipe: Recipe
    changes: Mapping[str, Any]
    jobs: tuple[Job, ...]
    results: tuple[Result, ...]

    @property
    def ended(self) -> bool:
        """Whether all of its jobs have."""
        return len(self.results) == len(self.jobs)

    @property
    def accuracies(self) -> list[float]:
        """Validation accuracies in [0, 1], each a mean over the sizes that are trained."""
        return [_validation_accuracy(result) for result in self.results if result.points]

    @property
    def score(self) -> float | None:
        """The mean validation accuracy; None for one that has lost or has not ended."""
        complete = len(self.accuracies) == len(self.jobs)
        return fmean(self.accuracies) if complete else None

    @property
    def reason(self) -> str:
        """Why it has lost: how its first job without an accuracy ended; empty if there is none."""
        return next((f"{r.status}: {r.reason}" for r in self.results if not r.points), "")


@dataclass(frozen=True)
class ArmTuning:
    """What was tried for an arm on a task; the arm's own recipe is the first candidate."""

    arm: str
    task: Task
    candidates: tuple[Candidate, ...]

    @property
    def ended(self) -> bool:
        """Whether the choice is made."""
        return all(candidate.ended for candidate in self.candidates)

    @property
    def winner(self) -> Candidate:
        """The best candidate by validation accuracy: the first of equal ones, or if all lost."""
        return max(self.candidates, key=lambda c: -1.0 if c.score is None else c.score)

    def sentence(self) -> str:
        """What won, of how many."""
        won, tried = self.winner, len(self.candidates)
        if won.score is None:
            return f"{self.arm}: none of {tried} recipes could be trained; it keeps its own"
        return (
            f"{self.arm}: {changes_text(won.changes)} won of {tried} recipes, "
            f"{100 * won.score:.1f} % on validation"
        )


def arm_tunings(
    ablation: Ablation, records: Iterable[Record], again: Collection[str] = ()
) -> list[ArmTuning]:
    """The tuning of every arm on every task; jobs with the keys `again` have no result yet."""
    tuning = ablation.design.tune
    if tuning is None:
        return []
    ended = {r.key: r.result for r in records if final_in_tuning(r) and r.key not in again}
    tunings = []
    for task in ablation.tasks:
        for arm in ablation.design.arms:
            candidates = []
            for recipe, changes in tuning.candidates(ablation.own_recipe(arm.name)).items():
                tried = replace(arm, recipe=recipe)
                jobs = [tried.job(task, recipe, seed) for seed in tuning_seeds(tuning)]
                results = tuple(ended[job.key] for job in jobs if job.key in ended)
                candidates.append(Candidate(recipe, changes, tuple(jobs), results))
            tunings.append(ArmTuning(arm.name, task, tuple(candidates)))
    return tunings


def with_tuned(ablation: Ablation, tunings: Iterable[ArmTuning]) -> Ablation:
    """The ablation with the recipes that have won so far."""
    ended = [tuning for tuning in tunings if tuning.ended]
    return replace(ablation, tuned={(t.arm, t.task): t.winner.recipe for t in ended})


def is_tuning(job: Job) -> bool:
    """Whether a job of an ablation is one that chooses a recipe."""
    return job.seed >= TUNING_SEED


def final_in_tuning(record: Record) -> bool:
    """Whether a record decides about its candidate: one whose job fails by itself has lost."""
    status = record.result.status
    return status not in PROVISIONAL or status == "failed" and record.cause == "job"


def named_jobs(ablation: Ablation, tunings: Sequence[ArmTuning]) -> Iterator[tuple[str, Job]]:
    """The jobs that are known, in order, with their names: tuning, then arms, then untuned arms."""
    for tuning in tunings:
        for candidate in tuning.candidates:
            for job in candidate.jobs:
                text = f"{tuning.arm}, tuning, {changes_text(candidate.changes)}"
                yield f"{text}, seed {job.seed}", job
    for arm, job in ablation.jobs():
        yield f"{arm.name}, seed {job.seed}", job
    if ablation.design.tune is not None and ablation.design.tune.untuned:
        for arm, job in ablation.untuned_jobs():
            yield f"{arm.name}, untuned, seed {job.seed}", job


def missing_jobs(
    ablation: Ablation,
    tunings: Sequence[ArmTuning],
    records: Iterable[Record],
    again: Collection[str] = (),
) -> dict[str, tuple[str, Job]]:
    """The known jobs that have no result, with their names, by key, in order."""
    final = {
        record.key
        for record in records
        if record.result.status not in PROVISIONAL
        or is_tuning(record.job)
        and final_in_tuning(record)
    }
    missing: dict[str, tuple[str, Job]] = {}
    for name, job in named_jobs(ablation, tunings):
        if job.key not in final or job.key in again:
            missing.setdefault(job.key, (name, job))
    return missing


def _validation_accuracy(result: Result) -> float:
    return fmean(point.validation_accuracy for point in result.points if point.trained)
