"""The section about tuning: what was tried, what won, and the verdicts with and without it."""

from pathlib import Path

import pytest

from analysis.data.networks import networks_json
from analysis.data.runs import Run, read_run
from analysis.sections.result_pages import study_page
from analysis.sections.tuning import tuning_notes, tuning_sections
from studies import Ablation, Claim
from studies.rundir.store import RunStore
from studies.rundir.tuning import is_tuning
from studies.spec.claims import exceeds
from tests.studies.execution.test_ablation_queue import run, tuned
from tests.support.helpers import RECIPE, with_design, write_ablation
from trainers import Job
from trainers.job import Status

CLAIMS = (Claim("Experts help", "", exceeds("coconv", "static")),)


def outcome(job: Job) -> float | Status | None:
    """Experts help by 10 points once they are tuned, and hurt by 10 before; 0.02 diverges."""
    if job.recipe.lr == 0.02:
        return "diverged"
    experts = bool(job.architecture.choices)
    tuned_rate = job.recipe.lr == 0.2
    return 0.7 + 0.01 * (job.seed % 7) ** 0.5 + (0.1 if tuned_rate else -0.1) * experts


def tuned_run(folder: Path, *, untuned: bool = True, jobs: int = 1000) -> Run:
    asked: Ablation = with_design(tuned(seeds=6, untuned=untuned), claims=CLAIMS)
    run(asked, RunStore(folder), outcome, jobs=jobs)
    return read_run(folder)


def test_what_was_tried_and_what_won(tmp_path: Path) -> None:
    (section,) = tuning_sections(tuned_run(tmp_path))
    rows = section.tables[0].frame.to_dict("records")
    assert [(row["arm"], row["recipe"], row["outcome"]) for row in rows[3:]] == [
        ("coconv", "own recipe", ""),
        ("coconv", "lr=0.02", "diverged: diverged in epoch 2"),
        ("coconv", "lr=0.2", "won"),
    ]
    assert [row["outcome"] for row in rows[:3]] == ["won", "diverged: diverged in epoch 2", ""]
    assert rows[5]["validation_accuracy"] == pytest.approx(100 * (0.8 + 0.01))


def test_the_verdict_with_and_without(tmp_path: Path) -> None:
    made = tuned_run(tmp_path)
    assert made.complete
    (section,) = tuning_sections(made)
    (row,) = section.tables[1].frame.to_dict("records")
    assert (row["verdict"], row["untuned_verdict"]) == ("supported", "contradicted")
    assert (row["difference"], row["untuned_difference"]) == pytest.approx((10, -10))
    assert "Verdicts that are others without tuning: Experts help." in section.text
    page = study_page(made)
    assert "## Tuning of the arms" in page
    assert "--seeds 6 --also-untuned`" in page
    # Six to tune, six of the arm whose recipe changed.
    assert "12 further jobs tuned recipes or trained arms without tuning" in page


def test_a_run_says_how_to_get_the_verdict_without_tuning(tmp_path: Path) -> None:
    (section,) = tuning_sections(tuned_run(tmp_path, untuned=False))
    assert len(section.tables) == 1
    assert "--also-untuned" in section.text[-1]


def test_a_part_of_a_tuning_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    made = tuned_run(tmp_path, jobs=4)
    assert not made.complete
    assert "The tuning of 1 of 2 arms is not over." in tuning_notes(made)
    rows = tuning_sections(made)[0].tables[0].frame.to_dict("records")
    assert [row["seeds"] for row in rows] == [1, 0, 1, 1, 0, 0]


def test_the_commands_of_a_page_have_the_tuned_recipes(tmp_path: Path) -> None:
    page = networks_json(tuned_run(tmp_path))
    lines = [page["commands"][network["recipe"]][0]["line"] for network in page["networks"]]
    assert f"lr={RECIPE.lr}" in lines[0]
    assert "lr=0.2" in lines[1]


def test_a_design_without_tuning_has_no_section(tmp_path: Path) -> None:
    write_ablation(tmp_path)
    assert tuning_sections(read_run(tmp_path)) == []


def test_tuning_jobs_are_no_rows_of_the_arms(tmp_path: Path) -> None:
    made = tuned_run(tmp_path)
    assert made.frame["seed"].max() == 5
    assert sum(is_tuning(record.job) for record in made.store.records()) == 6
    assert made.frame.attrs["left_out"] == 0
