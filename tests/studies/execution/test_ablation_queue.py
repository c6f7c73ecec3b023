"""Arms that are tuned before they are compared: which recipe wins, and which jobs follow."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studies import Ablation, load, read_experiment
from studies.execution.ablation_queue import StagedQueue
from studies.execution.job_queue import RunCallbacks
from studies.execution.resources import Resources
from studies.rundir.frames import load_untuned
from studies.rundir.store import RunStore
from studies.rundir.tuning import arm_tunings, is_tuning
from studies.spec.tuning import TUNING_SEED, Tuning, grid
from tests.support.helpers import RECIPE, TASK, study, with_design
from tests.support.queues import Outcome, end_jobs
from trainers import Digits, Job
from trainers.job import Status


def best_lr(job: Job) -> float | Status | None:
    """The static network learns best at the own rate, the one with experts at 0.2."""
    return 0.5 + 0.1 * (job.recipe.lr == (0.2 if job.architecture.choices else RECIPE.lr))


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "run")


def tuned(*, seeds: int = 2, tries: int = 1, untuned: bool = False) -> Ablation:
    tune = Tuning(grid(lr=[0.02, 0.2]), tries, untuned)
    return with_design(study(seeds).ablation("quick"), tune=tune)


def run(
    ablation: Ablation, store: RunStore, outcome: Outcome = best_lr, **options: Any
) -> list[Job]:
    """End all jobs, by default so that each arm has another best rate."""
    return end_jobs(ablation, store, outcome, **options)


def rates(jobs: list[Job]) -> dict[bool, set[float]]:
    """The learning rates of the jobs that compare arms, with experts and without."""
    return {
        bool(experts): {
            job.recipe.lr
            for job in jobs
            if not is_tuning(job) and bool(job.architecture.choices) == experts
        }
        for experts in (False, True)
    }


@pytest.mark.parametrize("at_once", [1, 3])
def test_each_arm_gets_its_best_recipe_and_equally_many_trials(
    store: RunStore, at_once: int
) -> None:
    notes: list[str] = []
    jobs = run(tuned(seeds=3), store, at_once=at_once, notes=notes)
    assert rates(jobs) == {False: {RECIPE.lr}, True: {0.2}}
    tries = [job for job in jobs if is_tuning(job)]
    assert len(tries) == 6 and len({job.key for job in jobs}) == len(jobs) == 6 + 6
    assert {job.seed for job in tries}.isdisjoint(job.seed for job in jobs if not is_tuning(job))
    frame = load(store)
    assert frame.groupby("arm").size().to_dict() == {"coconv": 3, "static": 3}
    assert frame.attrs["left_out"] == 0
    assert any(note.startswith("coconv: lr=0.2 won of 3 recipes") for note in notes)


def test_the_mean_over_tuning_seeds_decides(store: RunStore) -> None:
    def outcome(job: Job) -> float | Status | None:
        lucky = job.recipe.lr == 0.2 and job.seed == TUNING_SEED
        steady = job.recipe.lr == 0.02
        return 0.7 if lucky else 0.6 if steady else 0.4

    jobs = run(tuned(tries=2), store, outcome)
    assert sum(map(is_tuning, jobs)) == 2 * 3 * 2
    assert rates(jobs) == {False: {0.02}, True: {0.02}}


def test_an_arms_jobs_start_when_its_own_tuning_is_over(store: RunStore) -> None:
    jobs = run(tuned(), store, at_once=4)
    first = next(i for i, job in enumerate(jobs) if not is_tuning(job))
    assert any(is_tuning(job) for job in jobs[:first])
    static_tuned = [job for job in jobs[:first] if is_tuning(job) and not job.architecture.choices]
    assert len(static_tuned) == 3


def test_equal_accuracies_keep_the_own_recipe(store: RunStore) -> None:
    assert rates(run(tuned(), store, lambda job: 0.5)) == {False: {RECIPE.lr}, True: {RECIPE.lr}}


def test_selection_reads_validation_alone(store: RunStore) -> None:
    ablation = tuned()
    run(ablation, store, jobs=6)
    turned = []
    for record in store.records():
        # The more accurate on validation, the less on test.
        points = tuple(
            replace(p, test_accuracy=1 - p.validation_accuracy) for p in record.result.points
        )
        turned.append(replace(record, result=replace(record.result, points=points)))
    assert [t.winner.recipe for t in arm_tunings(ablation, turned)] == [
        t.winner.recipe for t in arm_tunings(ablation, store.records())
    ]


@pytest.mark.parametrize("bad", ["diverged", "out_of_memory", "failed"])
def test_a_candidate_without_an_accuracy_loses(store: RunStore, bad: Status) -> None:
    def outcome(job: Job) -> float | Status | None:
        return bad if job.recipe.lr == 0.2 else best_lr(job)

    jobs = run(tuned(seeds=1), store, outcome)
    assert rates(jobs) == {False: {RECIPE.lr}, True: {RECIPE.lr}}
    # Nothing is left to do, though one kind of failure can be tried again.
    assert run(tuned(seeds=1), store, outcome) == []


def test_the_own_recipe_is_kept_and_told_if_all_diverge(store: RunStore) -> None:
    notes: list[str] = []
    jobs = run(tuned(), store, lambda job: "diverged" if is_tuning(job) else 0.5, notes=notes)
    assert rates(jobs) == {False: {RECIPE.lr}, True: {RECIPE.lr}}
    assert "static: none of 3 recipes could be trained; it keeps its own" in notes


def test_an_arm_waits_for_tuning_that_the_machine_failed(store: RunStore) -> None:
    def outcome(job: Job) -> float | Status | None:
        lost = is_tuning(job) and job.recipe.lr == 0.2 and not job.architecture.choices
        return None if lost else best_lr(job)

    jobs = run(tuned(), store, outcome)
    assert rates(jobs) == {False: set(), True: {0.2}}
    more = run(tuned(), store)
    assert sum(map(is_tuning, more)) == 1
    assert rates(more) == {False: {RECIPE.lr}, True: set()}


def test_failed_tuning_is_tried_again_when_asked_and_may_win(store: RunStore) -> None:
    def outcome(job: Job) -> float | Status | None:
        return "failed" if is_tuning(job) and job.recipe.lr == 0.2 else best_lr(job)

    run(tuned(), store, outcome)
    failed = {r.key for r in store.records() if r.result.status == "failed"}
    assert len(failed) == 2
    again = run(tuned(), store, again=failed)
    assert {job.key for job in again if is_tuning(job)} == failed
    assert rates(again) == {False: set(), True: {0.2}}
    assert set(load(store).query("arm == 'coconv'")["status"]) == {"finished"}


@pytest.mark.parametrize("first", range(13))
def test_a_run_that_stops_anywhere_ends_the_same(store: RunStore, first: int) -> None:
    jobs = run(tuned(untuned=True), store, jobs=first)
    more = run(tuned(untuned=True), store)
    keys = [job.key for job in (*jobs, *more)]
    assert len(keys) == len(set(keys)) == 6 + 4 + 2
    assert run(tuned(untuned=True), store) == []


def test_more_seeds_need_no_more_tuning(store: RunStore) -> None:
    run(tuned(seeds=1), store)
    wider = with_design(tuned(seeds=1), seeds=4)
    more = run(wider, store)
    assert not any(map(is_tuning, more))
    assert rates(more) == {False: {RECIPE.lr}, True: {0.2}}
    assert len(more) == 6


def test_every_task_is_tuned_by_itself(store: RunStore) -> None:
    other = Digits(noise=0.1, train_size=40)

    def outcome(job: Job) -> float | Status | None:
        return 0.9 if job.recipe.lr == (0.2 if job.task == other else 0.02) else 0.5

    run(with_design(tuned(), tasks=(TASK, other)), store, outcome)
    asked = read_experiment(store)
    assert [asked.recipe_of("static", task).lr for task in (TASK, other)] == [0.02, 0.2]


def test_untuned_arms_are_read_beside(store: RunStore) -> None:
    jobs = run(tuned(untuned=True), store)
    # The static network keeps its recipe: only the other arm is trained twice.
    assert len(jobs) == 6 + 4 + 2
    own = load_untuned(store)
    assert own.groupby("arm").size().to_dict() == {"coconv": 2, "static": 2}
    tuned_frame = load(store)
    assert tuned_frame.attrs["left_out"] == own.attrs["left_out"] == 0
    shared = set(own["key"]) & set(tuned_frame["key"])
    assert len(shared) == 2


@pytest.mark.parametrize("untuned", [False, True])
def test_jobs_left_count_what_follows_tuning(store: RunStore, untuned: bool) -> None:
    """Untuned jobs of an arm that keeps its recipe are its own: these count once in the end."""
    asked = tuned(untuned=untuned)
    store.folder.mkdir()
    queue = StagedQueue(asked, store, Resources(), RunCallbacks())
    expected = queue.jobs_left()
    assert expected == 6 + 4 + 4 * untuned
    assert len(run(asked, store)) == expected - 2 * untuned
