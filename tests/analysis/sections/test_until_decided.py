"""A report of a study that goes on until it is decided says so and has sequential intervals."""

from pathlib import Path

import pytest

from analysis.data.frames import verdicts_frame
from analysis.data.runs import Run, read_run
from analysis.sections.ablation import ablation_sections, notes
from analysis.sections.result_pages import index_page, study_page
from analysis.sections.verdict_tables import verdict_explanation
from studies.rundir.store import RunStore
from studies.stats.sequential import sequential_half_width
from tests.studies.stats.test_looks import asked, gains
from tests.support.helpers import write_ablation
from tests.support.queues import end_jobs


def sequential_run(folder: Path, *, jobs: int = 1000) -> Run:
    end_jobs(asked(), RunStore(folder), gains(20, 0), jobs=jobs)
    return read_run(folder)


def test_verdicts_are_those_of_the_run_and_intervals_allow_for_looking(tmp_path: Path) -> None:
    run = sequential_run(tmp_path)
    assert run.complete
    assert [verdict.conclusion for verdict in run.verdicts] == ["supported", "undecided"]
    row = verdicts_frame(run.verdicts, run.name).to_dict("records")[1]
    half = sequential_half_width(row["sd"], 10, 10, 0.95)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half)
    se = next(arm for arm in run.arms if arm.arm == "se")
    assert se.difference is not None
    assert se.difference.high - se.difference.mean == pytest.approx(half)
    assert row["additional_seeds"] is None


def test_an_undecided_claim_says_how_many_seeds_of_the_planned_maximum_it_has(
    tmp_path: Path,
) -> None:
    run = sequential_run(tmp_path / "ended")
    assert run.verdicts[1].reason == "the planned maximum of 10 seeds is reached"
    part = sequential_run(tmp_path / "part", jobs=15)
    assert part.verdicts[1].reason == "4 paired seeds of a planned maximum of 10"


def test_explanations_name_the_intervals_that_there_are(tmp_path: Path) -> None:
    run = sequential_run(tmp_path / "sequential")
    write_ablation(tmp_path / "fixed")
    fixed = read_run(tmp_path / "fixed")
    alone, page = verdict_explanation([run]), study_page(run)
    how = page[page.index("## How to read this") :]
    for text in (alone, how):
        assert "with a sequential 95% interval for it alone" in text
        assert "Student" not in text
        assert "80% power" not in text
    assert "in points, with a sequential 95% interval for each alone" in how
    assert "with Student's 95% t interval for it alone" in verdict_explanation([fixed])
    assert "sequential" not in verdict_explanation([fixed])
    both = verdict_explanation([fixed, run])
    assert "with a 95% interval (Student's t, or sequential) for it alone" in both
    assert both in index_page([fixed, run])


def test_the_page_says_how_it_was_looked_at_and_what_was_decided(tmp_path: Path) -> None:
    run = sequential_run(tmp_path)
    text = " ".join(ablation_sections(run)[1].text)
    assert "up to a planned maximum of 10" in text
    assert "Decided: 1 of 2 claims. Experts help: supported after" in text
    assert "a sequential 95% interval" in notes(run)[0]
    page = study_page(run)
    assert "--seeds 3 --until-decided --max-seeds 10" in page
    assert "seeds 0 to 9" in page


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        (5, "The first look is yet to come"),
        (15, "undecided after 4 seeds (the run is not complete)"),
    ],
)
def test_a_part_of_a_run_says_that_it_is_one(tmp_path: Path, jobs: int, told: str) -> None:
    run = sequential_run(tmp_path, jobs=jobs)
    assert not run.complete
    assert told in " ".join(ablation_sections(run)[1].text)


def test_seeds_beyond_the_maximum_count_nowhere(tmp_path: Path) -> None:
    run = sequential_run(tmp_path)
    assert run.frame["seed"].max() == 9
