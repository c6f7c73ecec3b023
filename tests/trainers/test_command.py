"""`python -m trainers.train` as a user types it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from searchspace import Architecture, Resolutions, build
from searchspace.cli import run_command
from searchspace.schema import to_json
from tests.support.helpers import RECIPE, SMALL, STATIC, TASK, job
from tests.support.idx_files import write_idx_set
from tests.support.mirror import mirror
from tests.support.paths import ROOT
from tests.trainers.test_training import same_numbers
from trainers import Job, Result, Torchvision, train
from trainers.command import main
from trainers.learning.learner import Learner
from trainers.learning.losses import Batch


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The arguments that name a tiny job's parts."""
    for name, value in (("arch", STATIC), ("task", TASK), ("recipe", RECIPE)):
        (tmp_path / f"{name}.json").write_text(json.dumps(to_json(value)))
    parts = [f"{tmp_path}/arch.json", "--task", f"{tmp_path}/task.json"]
    return [*parts, "--recipe", f"{tmp_path}/recipe.json", "--device", "cpu"]


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit status of `python -m trainers.train ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        run_command(main, "python -m trainers.train")
    return int(stopped.value.code or 0)


def test_writes_config_metrics_and_weights(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert call(monkeypatch, *files, "--out", out, "--seed", 3) == 0
    printed = capsys.readouterr().out
    assert "epoch 2/2: loss" in printed and f"metrics in {out / 'metrics.json'}" in printed
    config = json.loads((out / "config.json").read_text())
    assert Job.from_json(config["job"]) == job(seed=3) and config["key"] == job(seed=3).key
    result = Result.from_json(json.loads((out / "metrics.json").read_text()))
    assert same_numbers(result, train(job(seed=3)))
    network = build(STATIC, 10)
    network.load_state_dict(load_file(out / "weights.safetensors"))
    data = TASK.load()
    images = (data.test.images - data.mean[:, None, None]) / data.std[:, None, None]
    right = network.eval()(images).argmax(1) == data.test.labels
    assert right.float().mean().item() == pytest.approx(result.points[0].test_accuracy)
    # Finished already: the same again, without an epoch.
    assert call(monkeypatch, *files, "--out", out, "--seed", 3) == 0
    assert "epoch 1" not in capsys.readouterr().out


def test_fields_of_the_recipe_can_be_changed(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    changes = ["--set", "epochs=1", "--set", "schedule=constant", "--set", "flip=false"]
    assert call(monkeypatch, *files, *changes, "--out", out) == 0
    recipe = json.loads((out / "config.json").read_text())["job"]["recipe"]
    assert (recipe["epochs"], recipe["schedule"], recipe["flip"]) == (1, "constant", False)


def test_all_sizes_and_the_ensemble_are_shown(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    switchable = Architecture(SMALL, {}, Resolutions((8, 4)))
    Path(files[0]).write_text(json.dumps(switchable.to_json()))
    assert call(monkeypatch, *files, "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("8", "6 (between)", "4", "ensemble"))


def test_a_signal_saves_the_state_and_the_same_command_continues(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    steps = 0
    learn = Learner.learn

    def interrupted(self: Learner, batch: Batch, rate: float) -> torch.Tensor:
        nonlocal steps
        steps += 1
        if steps == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return learn(self, batch, rate)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        patched.setattr(Learner, "learn", interrupted)
        assert call(patched, *files, "--out", out) == 130
    assert signal.getsignal(signal.SIGTERM) == before
    # The step in progress was ended and saved.
    assert steps == 2 and (out / "checkpoint.pt").exists()
    assert not (out / "metrics.json").exists()
    assert call(monkeypatch, *files, "--out", out) == 0
    result = Result.from_json(json.loads((out / "metrics.json").read_text()))
    assert same_numbers(result, train(job()))


def test_a_diverged_job_says_so_and_has_no_weights(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert call(monkeypatch, *files, "--set", "lr=1e38", "--set", "epochs=5", "--out", out) == 1
    assert "diverged: the loss was not finite in epoch" in capsys.readouterr().out
    assert json.loads((out / "metrics.json").read_text())["status"] == "diverged"
    assert not (out / "weights.safetensors").exists()


BAD_INPUT = {
    "no file": (["/none.json"], "/none.json: cannot be read: No such file"),
    "not JSON": ([__file__], "line 1, column 3: malformed JSON"),
    "unknown task": (["ARCH", "--task", "mnist"], "there is no task 'mnist'; known tasks are"),
    "unknown recipe": (["ARCH", "--recipe", "fast"], "there is no recipe 'fast'; known recipes"),
    "unknown field": (["ARCH", "--set", "rate=1"], "a field of the recipe, got 'rate=1'"),
    "no value": (["ARCH", "--set", "lr"], "takes FIELD=VALUE"),
    "wrong value": (["ARCH", "--set", "lr=fast"], "recipe.lr: expected float, got 'fast'"),
    "bad seed": (
        ["ARCH", "--seed", "-1"],
        "'--seed': expected a whole number of at least 0, got '-1'",
    ),
    "unknown device": (["ARCH", "--device", "gpu"], "must be cpu, cuda or cuda:N, got 'gpu'"),
    "wrong device": (["ARCH", "--device", "meta"], "must be cpu, cuda or cuda:N, got 'meta'"),
    "missing GPU": (["ARCH", "--device", "cuda:99"], "GPUs"),
    "no data": (["ARCH", "--task", "cifar100"], "needs --data-root"),
    "no threads": (["ARCH", "--threads", "0"], "at least 1, got '0'"),
    "no processes": (["ARCH", "--processes", "0"], "at least 1, got '0'"),
    "more processes than images": (["ARCH", "--processes", "99999"], "at most 4096, got 99999"),
    "foreign folder": (["ARCH", "--out", str(Path(__file__).parent)], "is not empty and holds no"),
    "under a file": (["ARCH", "--out", __file__ + "/x"], "cannot write"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_status_2(
    case: str, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arguments, message = BAD_INPUT[case]
    arguments = [files[0] if word == "ARCH" else word for word in arguments]
    if "--out" not in arguments:
        arguments += ["--out", str(tmp_path / "out")]
    assert call(monkeypatch, *arguments) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ") and shown.count("\n") == 1 and message in shown
    assert not (tmp_path / "out").exists()


def test_a_folder_belongs_to_one_job(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    call(monkeypatch, *files, "--out", out)
    assert call(monkeypatch, *files, "--out", out, "--seed", 1) == 2
    assert "holds the training of another job" in capsys.readouterr().err


def losses(out: Path) -> list[float]:
    result = Result.from_json(json.loads((out / "metrics.json").read_text()))
    assert result.processes == 2
    return [epoch.train_loss for epoch in result.curve]


@pytest.mark.slow
def test_several_processes_train_the_same_network(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started by the command, and by torchrun, whose first process this is."""
    synced = [*files, "--threads", "1", "--set", "sync_norms=true"]
    wanted = [epoch.train_loss for epoch in train(job()).curve]
    assert call(monkeypatch, *synced, "--processes", 2, "--out", tmp_path / "own") == 0
    assert losses(tmp_path / "own") == pytest.approx(wanted, rel=1e-4)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
    command = [sys.executable, "-m", "trainers.train", *synced, "--out", tmp_path / "torchrun"]
    second = {**os.environ, **place, "RANK": "1", "LOCAL_RANK": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=second) as other:
        for name, value in {**place, "RANK": "0", "LOCAL_RANK": "0"}.items():
            monkeypatch.setenv(name, value)
        assert call(monkeypatch, *synced, "--out", tmp_path / "torchrun") == 0
        assert other.wait(60) == 0
    assert losses(tmp_path / "torchrun") == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("environment", "message"),
    [({"WORLD_SIZE": "2"}, "torchrun sets RANK, LOCAL_RANK, WORLD_SIZE to whole numbers, got"),
     ({"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}, "is 3, and torchrun has started 2")],
)  # fmt: skip
def test_another_torchrun_than_the_command_says_is_one_sentence(
    environment: dict[str, str], message: str, files: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert call(monkeypatch, *files, "--out", tmp_path / "out", "--processes", 3) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_runs_as_a_module_without_warnings() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "trainers.train", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "python -m trainers.train" in done.stdout


def test_a_folder_belongs_to_one_set_of_images(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    options = [*files, "--task", "MNIST", "--data-root", tmp_path, "--out", tmp_path / "out"]
    write_idx_set(tmp_path, "MNIST")
    assert call(monkeypatch, *options) == 0
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["job"]["task"] == to_json(Torchvision("MNIST").identified(tmp_path))
    write_idx_set(tmp_path, "MNIST", train=70)
    assert call(monkeypatch, *options) == 2
    assert "was begun with other images of MNIST than are there now" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_data_are_fetched_where_the_command_asks_for_it(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    options = [*files, "--task", "MNIST", "--data-root", tmp_path / "data", "--out", tmp_path / "o"]
    with mirror() as served:
        write_idx_set(tmp_path / "source", "MNIST")
        resources = [
            (path.name, served.add(path.name, path.read_bytes())[1])
            for path in sorted((tmp_path / "source" / "MNIST" / "raw").iterdir())
        ]
        monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [served.url])
        monkeypatch.setattr("torchvision.datasets.MNIST.resources", resources)
        assert call(monkeypatch, *options) == 2
        assert "which --download fetches" in capsys.readouterr().err
        assert served.asked == []
        assert call(monkeypatch, *options, "--download") == 0
