"""Seeds that are added until every claim is decided: for whom, how many, and what is kept."""

import time
from itertools import count
from pathlib import Path

import pytest

from searchspace import Architecture, InputError, SqueezeExcite
from studies import Ablation, Arm, Claim, load
from studies.execution.standing import standing
from studies.rundir.frames import load_untuned
from studies.rundir.store import RunStore
from studies.spec.claims import exceeds
from studies.spec.tuning import Tuning, grid
from studies.stats.looks import outcome_text, until_decided
from tests.support.helpers import EXPERTS, SMALL, STATIC, TASK, study, with_design
from tests.support.queues import Outcome, end_jobs
from trainers import Digits, Job
from trainers.job import Status

ARMS = (
    Arm("static", STATIC),
    Arm("coconv", EXPERTS),
    Arm("se", Architecture(SMALL, {"*.recalibration": SqueezeExcite()})),
    Arm("unclaimed", Architecture(SMALL, {"layer1.*.recalibration": SqueezeExcite()})),
)
CLAIMS = (
    Claim("Experts help", "", exceeds("coconv", "static")),
    Claim("SE helps", "", exceeds("se", "static")),
)
# Points over the static network by seed, with the scatter of real trainings.
SCATTER = (0.6, -0.9, 1.1, -0.2, -1.4, 0.8, 0.3, -0.5, 1.2, -1.0)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "run")


def asked(max_seeds: int | None = 10, seeds: int = 3) -> Ablation:
    made = with_design(study(seeds).ablation("quick"), arms=ARMS, claims=CLAIMS)
    return made if max_seeds is None else until_decided(made, max_seeds)


def gains(experts: float, se: float) -> Outcome:
    """Accuracies with these mean gains in points over the static network."""

    def outcome(job: Job) -> float | Status | None:
        kinds = {choice.kind for choice in job.architecture.choices.values()}
        gain = experts if "coconv" in kinds else se if kinds else 0.0
        scatter = SCATTER[job.seed % 10] if kinds else 0.0
        return 0.7 + 0.01 * (gain + scatter)

    return outcome


def seeds_of(jobs: list[Job]) -> dict[str, int]:
    names = {arm.architecture: arm.name for arm in ARMS}
    made = [names[job.architecture] for job in jobs]
    return {name: made.count(name) for name in names.values()}


def test_arms_that_no_open_claim_needs_stop(store: RunStore) -> None:
    notes: list[str] = []
    jobs = end_jobs(asked(), store, gains(20, 0.0), notes=notes)
    counts = seeds_of(jobs)
    assert counts["unclaimed"] == 3
    assert 3 <= counts["coconv"] < 8
    assert counts["static"] == counts["se"] == 10
    assert f"Experts help: supported after {counts['coconv']} seeds" in notes
    look = standing(asked(), store).look
    assert look is not None
    assert outcome_text(asked(), look) == (
        f"Decided: 1 of 2 claims. Experts help: supported after {counts['coconv']} seeds; "
        "SE helps: undecided after 10 seeds (the planned maximum of 10 seeds is reached)."
    )


def test_a_study_ends_when_all_claims_are_decided(store: RunStore) -> None:
    jobs = end_jobs(asked(), store, gains(20, -20))
    counts = seeds_of(jobs)
    assert counts["static"] == max(counts["coconv"], counts["se"]) < 8
    assert end_jobs(asked(), store, gains(20, -20)) == []
    look = standing(asked(), store).look
    assert look is not None
    assert [each.decision.conclusion for each in look.decisions] == ["supported", "contradicted"]


def test_pairs_are_complete_seed_by_seed(store: RunStore) -> None:
    end_jobs(asked(), store, gains(2, 0.5))
    seeds = load(store).groupby("arm")["seed"].apply(list)
    for name in ("static", "coconv", "se"):
        assert seeds[name] == list(range(len(seeds[name])))


@pytest.mark.parametrize("first", [0, 5, 11, 12, 13, 15, 20])
def test_a_run_that_stops_anywhere_decides_the_same(
    store: RunStore, first: int, tmp_path: Path
) -> None:
    outcome = gains(3, 0.0)
    whole = RunStore(tmp_path / "whole")
    at_once = end_jobs(asked(), whole, outcome)
    parts = end_jobs(asked(), store, outcome, jobs=first) + end_jobs(asked(), store, outcome)
    assert [job.key for job in parts] == [job.key for job in at_once]
    looks = [standing(asked(), each).look for each in (store, whole)]
    assert looks[0] is not None and looks[1] is not None
    assert looks[0].decided_at == looks[1].decided_at


def test_idle_workers_start_later_seeds_but_no_more_than_they_are(store: RunStore) -> None:
    one = RunStore(store.folder.parent / "one")
    alone = end_jobs(asked(), one, gains(20, -20))
    many = end_jobs(asked(), store, gains(20, -20), at_once=6)
    assert len(alone) <= len(many) < len(alone) + 6
    looks = [standing(asked(), each).look for each in (one, store)]
    assert looks[0] is not None and looks[1] is not None
    assert looks[0].decided_at == looks[1].decided_at


def test_a_pair_that_diverges_is_left_out_and_seeds_follow(store: RunStore) -> None:
    good = gains(20, -20)

    def outcome(job: Job) -> float | Status | None:
        return "diverged" if job.seed == 1 and job.architecture == EXPERTS else good(job)

    counts = seeds_of(end_jobs(asked(), store, outcome))
    assert counts["coconv"] >= 4
    assert load(store).query("arm == 'coconv'")["test_accuracy"].count() == counts["coconv"] - 1
    look = standing(asked(), store).look
    assert look is not None and not look.open
    assert end_jobs(asked(), store, outcome) == []


def test_an_arm_that_always_diverges_ends_its_claims(store: RunStore) -> None:
    good = gains(20, -20)

    def outcome(job: Job) -> float | Status | None:
        return "diverged" if job.architecture == EXPERTS else good(job)

    counts = seeds_of(end_jobs(asked(), store, outcome))
    assert counts["coconv"] == 3
    look = standing(asked(), store).look
    assert look is not None and not look.needed
    told = outcome_text(asked(), look)
    assert "Experts help: undecided after" in told
    assert "(no seed has an accuracy of all its arms)" in told


def test_every_task_goes_on_by_itself(store: RunStore) -> None:
    other = Digits(noise=0.1, train_size=40)

    def outcome(job: Job) -> float | Status | None:
        return gains(20, 20)(job) if job.task == other else gains(0, 0)(job)

    made = with_design(asked(), tasks=(TASK, other))
    jobs = end_jobs(made, store, outcome)
    by_task = [seeds_of([job for job in jobs if job.task == task]) for task in (TASK, other)]
    assert by_task[0]["static"] == 10
    assert by_task[1]["static"] < 10


def test_tuned_arms_go_on_with_their_recipes(store: RunStore) -> None:
    made = with_design(asked(), tune=Tuning(grid(lr=[0.2])))

    def outcome(job: Job) -> float | Status | None:
        better = 0.1 * (job.recipe.lr == 0.2) * (job.architecture == EXPERTS)
        value = gains(0, 0)(job)
        assert isinstance(value, float)
        return value + better

    jobs = end_jobs(made, store, outcome, at_once=3)
    assert {job.recipe.lr for job in jobs if job.architecture == EXPERTS and job.seed < 100} == {
        0.2
    }
    assert load(store).query("arm == 'se'")["seed"].max() == 9


def test_untuned_arms_have_the_same_seeds_in_the_end(store: RunStore) -> None:
    made = with_design(asked(), tune=Tuning(grid(lr=[0.2]), untuned=True))

    def outcome(job: Job) -> float | Status | None:
        value = gains(20, 0)(job)
        assert isinstance(value, float)
        return value + 0.01 * (job.recipe.lr == 0.2)

    jobs = end_jobs(made, store, outcome)
    seeds = load(store).groupby("arm").size()
    assert seeds.to_dict() == load_untuned(store).groupby("arm").size().to_dict()
    assert seeds["coconv"] < seeds["static"] == 10
    assert load(store).attrs["left_out"] == load_untuned(store).attrs["left_out"] == 0
    assert len(jobs) == 8 + 2 * seeds.sum()
    assert end_jobs(made, store, outcome) == []


def test_after_the_deadline_no_job_starts(store: RunStore) -> None:
    assert end_jobs(asked(), store, gains(1, 0), deadline=time.monotonic() - 1) == []
    steps = count()

    def outcome(job: Job) -> float | Status | None:
        next(steps)
        return gains(1, 0)(job)

    end_jobs(asked(), store, outcome, jobs=4)
    assert next(steps) == 4


def test_the_rule_is_kept_and_not_changed_after_a_look() -> None:
    earlier = asked(12)
    assert Ablation.from_json(earlier.to_json()) == earlier
    assert asked(None).extending(earlier).design.max_seeds == 12
    assert asked(12).extending(asked(None)).design.max_seeds == 12
    with pytest.raises(InputError, match="12 at most, which cannot be changed to 20 after a look"):
        asked(20).extending(earlier)
    with pytest.raises(InputError, match="13 seeds are more than the planned maximum of 12"):
        asked(None, seeds=13).extending(earlier)
    with pytest.raises(InputError, match="neither claims nor margin can be changed"):
        asked(12).changed(margin=2.0).extending(earlier)
    with pytest.raises(InputError, match="neither claims nor margin can be changed"):
        asked(12).changed(claims=CLAIMS[:1]).extending(earlier)


def test_a_maximum_that_cannot_be_computed_is_refused_before_anything_is_trained(
    store: RunStore,
) -> None:
    with pytest.raises(InputError, match="max_seeds must be at most 100, got 200"):
        standing(with_design(asked(), max_seeds=200), store)


@pytest.mark.parametrize(
    ("made", "most", "message"),
    [
        (study(), 10, "tiny has no claims, so that nothing could be decided"),
        (None, 2, "max_seeds must be a whole number of at least 3, got 2"),
        (None, 101, "max_seeds must be at most 100, got 101"),
    ],
)
def test_a_plan_that_cannot_decide_is_refused(made: object, most: int, message: str) -> None:
    ablation = asked(None) if made is None else study().ablation("quick")
    with pytest.raises(InputError, match=message):
        until_decided(ablation, most)
