"""The search command as a user types it; Ray is not started by any of these."""

import json
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from searchspace import InputError, Resolutions, named_space
from studies import load
from studies.cli import running
from studies.execution import local_backend
from studies.run import main
from studies.rundir.store import RunStore
from studies.spec.fitting import fitted
from studies.spec.search import Search
from studies.spec.search_file import read_search
from tests.studies.cli.test_run import assert_refused
from tests.studies.papers.test_studies import run_in_process
from tests.studies.search.test_scheduler import FakeWorker
from tests.support.helpers import SPACE, TASK, search, study
from tests.support.idx_files import write_idx_set
from tests.support.killing import run_search
from trainers import Cifar10, Torchvision


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that search a small space in this process, with jobs that are made up."""
    monkeypatch.setattr(local_backend, "Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "trained", [])
    monkeypatch.setattr("studies.execution.ray_backend.RayBackend", local_backend.LocalBackend)
    data = {name: value for name, value in SPACE.to_json().items() if name != "backbones"}
    data["backbone"] = SPACE.to_json()["backbones"]
    (tmp_path / "tiny.json").write_text(json.dumps(data))
    (tmp_path / "task.json").write_text(
        json.dumps({"kind": "digits", "noise": TASK.noise, "train_size": TASK.train_size})
    )
    return ["--space", str(tmp_path / "tiny.json"), "--task", str(tmp_path / "task.json"),
            "--epochs", "2", "--out", str(tmp_path / "run")]  # fmt: skip


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["run", "search", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


BAD_INPUT = {
    "no space": ([], "--space"),
    "unknown space": (["--space", "juint"], "no space 'juint', and no such file; named spaces"),
    "no such file": (["--space", "my.yaml"], "my.yaml: cannot be read"),
    "unknown task": (["--space", "rsnet", "--task", "mnist"], "there is no task 'mnist'"),
    "unknown objective": (["--space", "rsnet", "--objectives", "accuracy,size"], "got 'size'"),
    "no accuracy": (["--space", "rsnet", "--objectives", "macs"], "include accuracy, got macs"),
    "unknown sampler": (["--space", "rsnet", "--sampler", "tpa"], "got 'tpa'"),
    "unknown setting": (["--space", "rsnet", "--sampler-set", "x=1"], "unknown field 'x'"),
    "no setting": (["--space", "rsnet", "--scheduler-set", "x"], "takes NAME=VALUE, got 'x'"),
    "unknown scheduler": (["--space", "rsnet", "--scheduler", "sha"], "got 'sha'"),
    "no room for a rung": (
        ["--space", "rsnet", "--scheduler", "asha", "--epochs", "1"],
        "min_epochs must be below the 1 epochs",
    ),
    "narrow limits": (["--space", "rsnet", "--max-macs", "10"], "no network of the space has"),
    "odd amount": (["--space", "rsnet", "--max-macs", "2X"], "a number above 0 like 50M or 800k"),
    "duplicates": (["--space", "rsnet", "--duplicates", "twice"], "answer, seed, got 'twice'"),
    "recipe field": (["--space", "rsnet", "--set", "speed=3"], "--set takes FIELD=VALUE"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_status_2(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = BAD_INPUT[case]
    assert_refused(call(monkeypatch, *arguments), message, capsys)


def test_help_names_every_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--help") == 0
    output = capsys.readouterr().out
    for option in ("--space", "--trials", "--max-macs", "--sampler-set", "--scheduler",
                   "--objectives", "--contested", "--warm-start", "--time-limit"):  # fmt: skip
        assert option in output


@pytest.mark.slow
def test_a_search_runs_is_replayed_and_extended(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "200")
    assert call(monkeypatch, *tiny, "--trials", "3", "--sampler", "brute_force") == 0
    output = capfd.readouterr().out
    assert "3 trials: 3 finished" in output
    assert "Front of " in output
    assert (tmp_path / "run" / "report.html").exists()
    reported: list[Path] = []
    monkeypatch.setattr(running, "analyse", lambda tool, folder: reported.append(Path(folder)) or 0)
    assert call(monkeypatch, *tiny, "--trials", "3", "--sampler", "brute_force") == 0
    assert "nothing is trained again" in capfd.readouterr().out
    assert len(FakeWorker.trained) == 3
    assert call(monkeypatch, *tiny, "--trials", "5", "--objectives", "accuracy,params") == 0
    assert len(FakeWorker.trained) <= 5
    assert reported == [tmp_path / "run"] * 2
    assert call(monkeypatch, *tiny, "--seed", "1") == 2
    error = capfd.readouterr().err
    assert "a search with another seed" in error
    assert "--warm-start" in error


def test_the_plan_writes_nothing(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "200")
    assert call(monkeypatch, *tiny, "--trials", "7", "--max-macs", "20k", "--plan") == 0
    output = capsys.readouterr().out
    assert "64 networks" in output
    assert "7 jobs on digits" in output
    assert not (tmp_path / "run").exists()
    assert FakeWorker.trained == []


def test_studies_and_searches_do_not_continue_each_other(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run_in_process(study(), tmp_path / "run", 1)
    assert call(monkeypatch, *tiny) == 2
    assert "holds a study; give another --out" in capsys.readouterr().err
    with pytest.raises(InputError, match="holds a search; give another --out"):
        made = RunStore(tmp_path / "search")
        with made.locked():
            made.ask(search(), {})
        running.prepare(study().ablation("quick"), made, fresh=False, console=Console())


SEARCH_FILE = """
space: {space}
task: {{kind: digits, noise: 0.5, train_size: 60}}
recipe: {{base: quick, epochs: 2}}
trials: 3
max_macs: 30k
sampler: brute_force
objectives: [accuracy, params]
"""


@pytest.mark.parametrize("first", [(), ("search",)])
def test_a_search_in_a_file_is_run_and_options_override_it(
    first: tuple[str, ...], tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SEARCH_FILE.format(space="tiny.json"))
    assert read_search(file).search.trials == 3
    monkeypatch.setattr(running, "analyse", lambda tool, folder: 0)
    options = ("--trials", "2", "--epochs", "3", "--out", str(tmp_path / "run"))
    monkeypatch.setattr(sys, "argv", ["run", *first, str(file), *options])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    asked = RunStore(tmp_path / "run").experiment()
    assert isinstance(asked, Search)
    assert (asked.name, asked.trials, asked.recipe.epochs) == ("search-tiny", 2, 3)
    assert (asked.limits.max_macs, asked.objectives) == (30_000, ("accuracy", "params"))
    assert asked.task == TASK
    assert len(FakeWorker.trained) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("samplers: tpe", "mine.yaml: unknown field 'samplers'; expected name, space,"),
        ("space: juint", "mine.yaml: space: there is no space 'juint', and no such file"),
        ("task: [digits, digits]", "mine.yaml: task: a search has one task, got 2"),
        ("recipe: slow", "mine.yaml: recipe: there is no recipe 'slow'"),
        ("trials: many", "mine.yaml.trials: expected int, got 'many'"),
        ("objectives: [macs]", "include accuracy, got macs"),
    ],
)
def test_mistakes_in_a_search_file_are_named(line: str, message: str, tmp_path: Path) -> None:
    fields = {"space": "rsnet", "task": "digits"}
    fields[line.split(":")[0]] = line.partition(":")[2]
    file = tmp_path / "mine.yaml"
    file.write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    with pytest.raises(InputError, match=re.escape(message)):
        read_search(file)


def test_a_named_space_is_fitted_to_small_images() -> None:
    made, notes = fitted(named_space("joint"), TASK)
    assert (made.input_size, made.num_classes, made.in_chs) == (8, 10, 3)
    assert Resolutions((8, 7, 6, 5, 4)) in made.resolutions
    kernels = {k for rule in made.rules for o in rule.options for k in getattr(o, "kernels", ())}
    assert max(kernels) == 3
    assert any("fitted to 8 px" in note for note in notes)
    assert any("32/28/24/20/16 became 8/7/6/5/4 px" in note for note in notes)
    same, none = fitted(named_space("joint", num_classes=10), Cifar10())
    assert same == named_space("joint", num_classes=10)
    assert none == []


def test_latency_is_measured_while_nothing_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_backend, "Worker", FakeWorker)
    asked: Search = search(trials=2, sampler="brute_force", objectives=("accuracy", "latency"))
    scheduler = run_search(asked, tmp_path)
    frame = load(tmp_path)
    trained = frame[frame["trained"]]
    assert (trained["latency_ms"] > 0).all()
    for trial in scheduler.mirror.study.trials:
        assert trial.values[1] in set(frame[frame["trial"] == trial.number]["latency_ms"])


def test_a_search_on_other_images_than_it_was_begun_with_is_refused(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(running, "analyse", lambda *arguments: 0)
    write_idx_set(tmp_path / "data", "MNIST")
    options = [*tiny, "--trials", "2", "--task", "MNIST", "--data-root", str(tmp_path / "data")]
    assert call(monkeypatch, *options) == 0
    task = RunStore(tmp_path / "run").experiment().tasks[0]  # type: ignore[union-attr]
    assert task == Torchvision("MNIST").identified(tmp_path / "data")
    assert call(monkeypatch, *options) == 0
    capsys.readouterr()
    write_idx_set(tmp_path / "data", "MNIST", train=70)
    before = (tmp_path / "run" / "trials.jsonl").read_bytes()
    assert_refused(call(monkeypatch, *options), "begun with other images of MNIST", capsys)
    assert (tmp_path / "run" / "trials.jsonl").read_bytes() == before
