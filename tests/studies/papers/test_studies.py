from dataclasses import replace
from pathlib import Path

import pytest

from searchspace import InputError
from searchspace.schema import to_json
from studies import COLUMNS, Ablation, Claim, Operand, Study, load
from studies.cli.pilot import ACCURACY
from studies.execution.resources import Resources
from studies.execution.worker import Worker, WorkItem
from studies.papers.catalog import STUDIES
from studies.papers.catalog import study as named
from studies.papers.quick import SETTINGS
from studies.rundir.store import RunStore
from studies.spec.claims import exceeds
from studies.stats.power import design_difference
from tests.support.helpers import study
from trainers import Digits


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_whole(name: str) -> None:
    """Each preset has jobs, a reason, and figures only of arms and tasks that exist."""
    chosen = STUDIES[name]
    assert chosen.name == name
    assert chosen.question.endswith("?")
    assert {"quick", "paper"} <= set(chosen.presets)
    others = set(chosen.presets) - {*SETTINGS, "paper"}
    assert all(preset.startswith("paper_") for preset in others)
    tasks = {task.kind for design in chosen.presets.values() for task in design.tasks}
    assert {figure.task for figure in chosen.published} <= tasks
    for preset, design in chosen.presets.items():
        assert design.note
        assert design.is_paper_protocol == (preset not in SETTINGS and chosen.source != "no paper")
        assert design.seeds >= 3
        plan = chosen.ablation(preset)
        keys = [job.key for _, job in plan.untuned_jobs()]
        assert len(keys) == len(set(keys)) == len(design.arms) * len(design.tasks) * design.seeds
        assert Ablation.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("name", STUDIES)
def test_a_design_with_a_pilot_can_tell_what_matters(name: str) -> None:
    """Differences of 1.5 points, with a baseline that has learnt and has room."""
    for design in STUDIES[name].presets.values():
        if design.pilot is not None and not design.is_paper_protocol:
            assert design_difference(design, design.pilot.sd) <= 1.5
            assert ACCURACY[0] <= design.pilot.accuracy <= ACCURACY[1]


def test_jobs_come_seed_by_seed_so_that_a_part_is_paired() -> None:
    jobs = [(arm.name, job.seed) for arm, job in study(seeds=2).ablation("quick").jobs()]
    assert jobs == [("static", 0), ("coconv", 0), ("static", 1), ("coconv", 1)]


def test_unknown_study_suggests_a_close_one() -> None:
    with pytest.raises(InputError, match="no study 'coconv_expert'; did you mean coconv_experts?"):
        named("coconv_expert")
    with pytest.raises(InputError, match="--list shows them all"):
        named("zzz")


def test_a_study_without_its_baseline_is_refused() -> None:
    with pytest.raises(InputError, match="include the baseline 'other'"):
        replace(study(), baseline="other")


def test_extending_keeps_the_larger_number_of_seeds() -> None:
    small, large = (study().ablation("quick", seeds=n) for n in (2, 5))
    assert small.extending(large).design.seeds == 5
    assert large.extending(small).design.seeds == 5
    other = study().ablation("quick", tasks=(Digits(noise=9),))
    with pytest.raises(InputError, match="another run"):
        small.extending(other)


def run_in_process(tiny: Study, folder: Path, count: int) -> Ablation:
    """Train the first `count` jobs of a study without Ray."""
    plan = tiny.ablation("quick")
    store = RunStore(folder)
    with store.locked():
        store.ask(plan, {})
        for _, job in list(plan.jobs())[:count]:
            worker = Worker(WorkItem(job, store.checkpoints, Resources()))
            while not (record := worker.step().record):
                pass
            store.append(record)
    return plan


def test_load_gives_a_documented_row_for_each_finished_job(tmp_path: Path) -> None:
    run_in_process(study(), tmp_path, 3)
    frame = load(tmp_path)
    assert list(frame.columns) == list(COLUMNS)
    assert list(zip(frame["arm"], frame["seed"], strict=True)) == [
        ("static", 0),
        ("coconv", 0),
        ("static", 1),
    ]
    assert frame["test_accuracy"].between(0, 1).all()
    static, experts = frame.iloc[0], frame.iloc[1]
    assert static["macs"] == static["training_macs"] < experts["macs"]
    assert experts["params"] < experts["training_params"]
    assert frame.attrs["left_out"] == 0


def test_load_leaves_out_what_an_earlier_design_trained(tmp_path: Path) -> None:
    run_in_process(study(), tmp_path, 2)
    changed = study()
    recipe = replace(changed.presets["quick"].recipe, lr=0.01)
    run_in_process(study(recipe=recipe), tmp_path, 1)
    frame = load(tmp_path)
    assert len(frame) == 1
    assert frame.attrs["left_out"] == 2


def test_load_of_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        load(tmp_path)


def test_a_diverged_job_is_a_row_without_accuracies(tmp_path: Path) -> None:
    recipe = replace(study().presets["quick"].recipe, lr=1e38)
    run_in_process(study(recipe=recipe), tmp_path, 1)
    row = load(tmp_path).iloc[0]
    assert row["status"] == "diverged"
    assert row[["validation_accuracy", "test_accuracy"]].isna().all()


def test_plan_survives_json() -> None:
    plan = study().ablation("quick")
    assert Ablation.from_json(to_json(plan)) == plan


def test_a_claim_about_an_unknown_arm_is_refused() -> None:
    design = study().presets["quick"]
    claim = Claim("More experts are better", "Table 9", exceeds("coconv", "dynamic"))
    with pytest.raises(InputError, match="names the arm 'dynamic'; arms are static, coconv"):
        replace(design, claims=(claim,))


def test_a_claim_about_the_ensemble_of_a_plain_network_is_refused() -> None:
    claim = Claim("Ensembles win", "Table 9", exceeds(Operand("coconv", ensemble=True), "static"))
    with pytest.raises(InputError, match="'coconv' has one size and no ensemble"):
        replace(study().presets["quick"], claims=(claim,))


def test_an_arm_may_have_a_recipe_of_its_own() -> None:
    tiny = study(seeds=1)
    design = tiny.presets["quick"]
    other = replace(design.recipe, lr=0.5)
    arms = (design.arms[0], replace(design.arms[1], recipe=other))
    plan = replace(tiny, presets={"quick": replace(design, arms=arms)}).ablation("quick")
    assert [job.recipe for _, job in plan.jobs()] == [design.recipe, other]
    assert Ablation.from_json(plan.to_json()) == plan
