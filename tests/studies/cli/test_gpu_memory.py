from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from searchspace import InputError
from studies.cli import gpu_memory
from studies.cli.gpu_memory import sharing_text, step_bytes
from studies.cli.preview import plan_table
from studies.cli.search_preview import search_table
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from tests.support.helpers import EXPERTS, RECIPE, job, search, study
from trainers import train

QUARTER = Resources(gpus_per_trial=0.25)


@pytest.mark.parametrize("batch", [8, 20])
def test_memory_is_about_what_a_training_step_holds(batch: int) -> None:
    wanted = job(architecture=EXPERTS, recipe=replace(RECIPE, batch_size=batch))
    found = train(wanted).peak_memory
    assert found is not None
    assert step_bytes(wanted) == pytest.approx(found, rel=0.15)


def test_jobs_that_share_a_gpu_must_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sharing_text(job(), Resources(gpus_per_trial=1)) == ""
    monkeypatch.setattr(gpu_memory, "step_bytes", lambda job: 3 * 2**30)
    said = "4 jobs share a GPU, each with about 3.00 GiB in a step"
    assert sharing_text(job(), QUARTER) == f"{said}.\n"
    monkeypatch.setattr(gpu_memory, "gpu_bytes", lambda: 16 * 2**30)
    assert sharing_text(job(), QUARTER) == f"{said}, of 16.0 GiB.\n"
    monkeypatch.setattr(gpu_memory, "gpu_bytes", lambda: 10 * 2**30)
    with pytest.raises(InputError, match="has 10.0 GiB; give a larger --gpus-per-trial"):
        sharing_text(job(), QUARTER)


def test_plans_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("preview", "search_preview"):
        monkeypatch.setattr(f"studies.cli.{module}.image_seconds", lambda *_: 1.0)
    for table in (
        plan_table(study(seeds=1).ablation("quick"), RunStore(tmp_path / "a"), QUARTER),
        search_table(search(), RunStore(tmp_path / "b"), QUARTER),
    ):
        Console(width=200).print(table)
        assert "4 jobs share a GPU, each with about 0.00 GiB" in capsys.readouterr().out
