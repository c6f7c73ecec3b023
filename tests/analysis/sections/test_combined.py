from io import StringIO
from pathlib import Path

import pytest

from analysis.data.runs import read_run
from analysis.sections.combined import combined_sections
from analysis.sections.console import print_run
from analysis.sections.verdict_summary import explanation, page, print_verdicts
from searchspace.console import plain_console
from studies.rundir.store import RunStore
from studies.spec.claims import Claim, exceeds
from tests.support.helpers import (
    TASK,
    made_up,
    record,
    study,
    with_design,
    write_ablation,
    write_search,
)
from trainers import Digits

CLAIM = Claim("Experts help", "CoConv Table 4", exceeds("coconv", "static"))


def write_two_tasks(folder: Path, jobs: int | None = None) -> None:
    tasks = (TASK, Digits(noise=0.25, train_size=60))
    asked = with_design(study(5).ablation("quick"), tasks=tasks, claims=(CLAIM,))
    store = RunStore(folder)
    with store.locked():
        store.ask(asked, {"python": "3"})
        for arm, job in list(asked.jobs())[:jobs]:
            gain = 0.05 + 0.001 * (job.seed % 3) if arm.name == "coconv" else 0
            store.append(record(job, made_up(job, 0.8 + gain + 0.01 * job.seed)))


def test_a_study_of_two_tasks_has_a_verdict_on_both_together(tmp_path: Path) -> None:
    write_two_tasks(tmp_path)
    (section,) = combined_sections(read_run(tmp_path))
    verdicts, arms = section.tables
    assert verdicts.frame["verdict"].tolist() == ["supported"]
    assert verdicts.frame["task"].tolist() == ["all tasks"]
    assert section.text[0].startswith("Over all tasks: 1 supported, 0 contradicted")
    row = arms.frame.iloc[0]
    assert (row["arm"], row["tasks"], row["pairs"]) == ("coconv", 2, 10)
    assert row["difference"] == pytest.approx(5.1, abs=0.05)
    assert row["improvement"] > 0.9
    assert arms.text_table().rows
    console = plain_console(record=True, file=StringIO())
    print_run(read_run(tmp_path), console)
    assert "Over all tasks: 1 supported" in console.export_text()


def test_a_summary_has_the_verdicts_over_all_tasks(tmp_path: Path) -> None:
    write_two_tasks(tmp_path / "two")
    write_ablation(tmp_path / "one")
    one, two = read_run(tmp_path / "one"), read_run(tmp_path / "two")
    console = plain_console(record=True, file=StringIO())
    print_verdicts(two, console)
    assert f"{two.name} over all tasks" in console.export_text()
    assert "<h3>Over all tasks</h3>" in page([one, two])
    assert "mean over tasks of each difference" in explanation([one, two])
    print_verdicts(one, console)
    assert "over all tasks" not in console.export_text()
    assert "all tasks" not in page([one])


def test_one_task_a_search_or_too_few_seeds_have_none(tmp_path: Path) -> None:
    write_ablation(tmp_path / "one")
    write_search(tmp_path / "search")
    assert combined_sections(read_run(tmp_path / "one")) == []
    assert combined_sections(read_run(tmp_path / "search")) == []
    write_two_tasks(tmp_path / "begun", jobs=4)
    (section,) = combined_sections(read_run(tmp_path / "begun"))
    assert section.reason == "No table: no arm has enough paired seeds on a task yet."
