"""`python -m analysis.pick`: what it prints and writes, and the programs that it starts."""

import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from analysis.pick import pick as command
from searchspace import Architecture
from searchspace.cli import amount, run_command
from searchspace.schema import to_json
from searchspace.serialization import user_code
from studies.execution.job_queue import AblationQueue, RunCallbacks
from studies.execution.local_backend import LocalBackend
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from tests.studies.papers.test_studies import run_in_process
from tests.support.helpers import (
    RECIPE,
    STATIC,
    TASK,
    made_up,
    record,
    study,
    with_design,
    write_search,
)
from trainers.arguments import parse_recipe, parse_task
from trainers.export import read_trained


@pytest.mark.parametrize(
    ("text", "number"),
    [("50M", 50e6), ("1.5k", 1500.0), ("2g", 2e9), ("700", 700.0), (5.0, 5.0)],
)
def test_amounts_have_units(text: str | float, number: float) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "M", "-3k", "0", "5T", "1e400", "nan"])
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(Exception, match="expected a number above 0 like 50M"):
        amount(text)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["pick", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        run_command(command, "python -m analysis.pick")
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run_in_process(study(), folder, 4)
    return folder


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that are started, which run in this process instead."""
    started: list[list[str]] = []

    def run(arguments: list[str]) -> int:
        started.append(arguments)
        assert arguments[:2] == [sys.executable, "-m"]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", arguments[2:])
            with pytest.raises(SystemExit) as stopped:
                runpy.run_module(arguments[2], run_name="__main__", alter_sys=False)
        return int(stopped.value.code or 0)

    monkeypatch.setattr("subprocess.call", run)
    return started


@pytest.mark.slow
def test_pick_retrain_export(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: list[list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out, shipped = tmp_path / "picked", tmp_path / "shipped"
    options = ["--max-macs", "20k", "--epochs", 1, "--out", out, "--device", "cpu"]
    export = ["--retrain", "--retrain-seeds", 1, "--export", shipped, "--format", "safetensors"]
    assert call(monkeypatch, run_dir, *options, *export) == 0
    printed = capsys.readouterr().out
    assert "static at 8 px" in printed
    architecture = json.loads((out / "architecture.json").read_text())
    assert Architecture.from_json(architecture) == STATIC
    record = json.loads((out / "pick.json").read_text())
    assert record["chosen"]["arm"] == "static" and record["chosen"]["validation"]["n"] == 2
    # The command that is shown is the one that was run, with the first seed that is new.
    shown = next(line for line in printed.splitlines() if line.startswith("Train it: "))
    words = shlex.split(shown.removeprefix("Train it: "))
    assert words[1:] == programs[0][1:] and words[0] == "python"
    trained = read_trained(out / "trained" / "seed-2").job
    recipe = {**to_json(RECIPE), "epochs": 1}
    assert (trained.architecture, trained.task, trained.seed) == (STATIC, TASK, 2)
    assert to_json(trained.recipe) == recipe
    assert programs[1][2] == "trainers.export"
    card = (shipped / "MODEL_CARD.md").read_text()
    assert "How it was chosen: static at 8 px" in card
    assert (shipped / "model.safetensors").exists()
    # What is there already is exported without training, unless it is of another architecture.
    assert call(monkeypatch, run_dir, *options, *export[3:]) == 0
    assert [program[2] for program in programs[2:]] == ["trainers.export"]
    write_search(tmp_path / "search")
    assert call(monkeypatch, tmp_path / "search", "--out", out, *export[3:]) == 2
    assert "holds the training of another job; give another --out" in capsys.readouterr().err


def test_a_trial_of_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "search"
    asked = write_search(folder)
    assert call(monkeypatch, folder, "--out", tmp_path / "best") == 0
    printed = capsys.readouterr().out
    # Trial 7, whose accuracy at its larger size is the highest, with its next seed.
    assert printed.startswith("trial 7, resnet_cifar(depth=8, width=") and "at 8 px" in printed
    assert f"--seed {asked.seed + 1}" in printed
    chosen = json.loads((tmp_path / "best" / "architecture.json").read_text())
    assert Architecture.from_json(chosen).resolutions is not None
    assert call(monkeypatch, folder, "--size", 6, "--out", tmp_path / "small") == 0
    printed = capsys.readouterr().out
    assert "Nothing else of the run fits." in printed and "at 6 px" in printed
    record = json.loads((tmp_path / "small" / "pick.json").read_text())
    assert record["chosen"]["trial"] == 7 and record["chosen"]["size"] == 6


def test_default_folder_and_named_parts(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [(record.key, record.finished_at) for record in RunStore(run_dir).records()]
    assert call(monkeypatch, run_dir, "--max-macs", "20k") == 0
    folder = run_dir / "pick" / STATIC.key
    printed = capsys.readouterr().out
    assert f"python -m trainers.train {folder / 'architecture.json'}" in printed
    # Only the task is no named one with its defaults; the recipe is a named one with changes.
    (task_file,) = folder.glob("task-*.json")
    assert json.loads(task_file.read_text()) == to_json(TASK)
    line = next(line for line in printed.splitlines() if line.startswith("Train it: "))
    words = shlex.split(line)
    options = list(zip(words, words[1:], strict=False))
    changes = [value for option, value in options if option == "--set"]
    assert parse_recipe(dict(options)["--recipe"], changes) == RECIPE
    assert parse_task(dict(options)["--task"]) == (TASK, None)
    # Choosing changes nothing of the run, which stays one.
    assert [(record.key, record.finished_at) for record in RunStore(run_dir).records()] == before


def test_what_cannot_be_done_is_one_sentence(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert call(monkeypatch, run_dir, "--max-macs", "1k") == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: nothing in the run .* the nearest is static at 8 px .*\n", error)
    assert call(monkeypatch, tmp_path / "none") == 2
    assert "holds no run" in capsys.readouterr().err
    assert call(monkeypatch, run_dir, "--out", tmp_path, "--export", tmp_path / "x") == 2
    assert "--export needs a trained network" in capsys.readouterr().err


@pytest.mark.slow
def test_what_the_run_measured_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: list[list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With kept weights, --export trains nothing and gives the network with its own accuracies."""
    ablation, store = study(2).ablation("quick"), RunStore(tmp_path / "run")
    jobs = {job.key: job for _, job in ablation.jobs()}
    with store.locked():
        store.ask(ablation, {})
        queue = AblationQueue(jobs, dict.fromkeys(jobs, ""), store, Resources(), RunCallbacks())
        LocalBackend(Resources()).run(queue)
    shipped = tmp_path / "shipped"
    export = ["--export", shipped, "--format", "safetensors"]
    assert call(monkeypatch, store.folder, *export) == 0
    assert [program[2] for program in programs] == ["trainers.export"]
    printed = capsys.readouterr().out
    picked = json.loads(next(store.folder.glob("pick/*/pick.json")).read_text())["chosen"]
    records = {record.key: record for record in store.records()}
    points = [records[key].result.points[0] for key in picked["keys"]]
    kept = [key for key in picked["keys"] if store.weights_of(key).exists()]
    best = max(records[key].result.points[0].validation_accuracy for key in kept)
    assert f"validation {100 * best:.2f} %" in printed.split("Shipped as the run measured it")[1]
    card = (shipped / "MODEL_CARD.md").read_text()
    mean = sum(point.validation_accuracy for point in points) / len(points)
    assert f"| as chosen | {mean:.2%} | mean over seeds on validation images, which the" in card
    assert f"| 8x8 | {best:.2%} (n = 450) | this network on validation images |" in card
    assert "Shipped as the run measured it: seed" in card
    # The same weights, whose accuracy the export has no part in.
    manifest = json.loads((shipped / "export.json").read_text())
    assert manifest["sizes"][0]["point"]["validation_accuracy"] == best


DATA = """
import torch
from torch.utils.data import TensorDataset

def make():
    return TensorDataset(torch.zeros(20, 1, 8, 8), torch.arange(20) % 2)
"""


def test_the_code_that_makes_the_data_is_written_beside_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, run = tmp_path / "mine.py", tmp_path / "run"
    source.write_text(DATA)
    (tmp_path / "task.yaml").write_text("{kind: python, source: mine.py:make}")
    task, _ = parse_task(str(tmp_path / "task.yaml"))
    asked = with_design(study().ablation("quick"), tasks=(task,))
    store = RunStore(run)
    with store.locked():
        store.ask(asked, {})
        for _, job in asked.jobs():
            store.append(record(job, made_up(job, 0.5)))
    source.unlink()
    monkeypatch.setattr(user_code, "FILES", {})
    assert call(monkeypatch, run, "--out", tmp_path / "out") == 0
    assert (tmp_path / "out" / "mine.py").read_text() == DATA
    (file,) = (tmp_path / "out").glob("task-python-*.json")
    monkeypatch.setattr(user_code, "FILES", {})
    again, root = parse_task(str(file))
    assert again == task
    assert len(again.load(root).train) == 12
    (tmp_path / "out" / "mine.py").write_text("changed")
    assert call(monkeypatch, run, "--out", tmp_path / "out") == 2
    assert "is another text than made the data of the run" in capsys.readouterr().err
    assert (tmp_path / "out" / "mine.py").read_text() == "changed"
