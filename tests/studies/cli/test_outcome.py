"""A run without any result ends with a status of its own and says what to do."""

from pathlib import Path

import pytest

from tests.studies.cli.test_tuning_run import run_locally

FILE = """
backbone: {kind: resnet_cifar, depth: 8, width: 2}
arms: {static: {}, coconv: {"*": {kind: coconv, experts: 2}}}
task: {kind: digits, noise: 0.5, train_size: 60}
recipe: {epochs: 1, batch_size: 20, lr: 1.0e+30}
seeds: 1
"""
SPACE = """
backbone: {kind: resnet_cifar, depth: 8, width: 2}
rules: [{slots: "layer*.conv1", options: [static, {kind: coconv, experts: 2}], tie: stage}]
"""


@pytest.mark.slow
def test_a_study_in_which_everything_diverges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(FILE)
    for _ in range(2):
        assert run_locally(monkeypatch, "mine.yaml") == 1
        last = " ".join(capsys.readouterr().out.split()).rpartition("No job has a result")[2]
        assert "the loss was not finite" in last
        assert last.endswith("To do: lower the recipe's lr and start anew with --fresh.")


@pytest.mark.slow
def test_a_search_in_which_everything_diverges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.yaml").write_text(SPACE)
    asked = [
        "--space",
        "space.yaml",
        "--trials",
        2,
        "--epochs",
        1,
        "--set",
        "lr=1e30",
        "--workers",
        1,
    ]
    for _ in range(2):
        assert run_locally(monkeypatch, "search", *asked) == 1
        last = " ".join(capsys.readouterr().out.split()).rpartition("No job has a result")[2]
        assert last.endswith("To do: lower the recipe's lr and start anew with --fresh.")
