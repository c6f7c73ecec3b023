"""A study file that tunes, from the plan to the report."""

from pathlib import Path

import pytest

from studies import load, read_experiment
from studies.execution.local_backend import LocalBackend
from studies.rundir.store import RunStore
from studies.rundir.tuning import is_tuning
from tests.studies.cli.test_run import assert_refused, call

FILE = """
backbone: {kind: resnet_cifar, depth: 8, width: 2}
arms: {static: {}, coconv: {"*": {kind: coconv, experts: 2}}}
task: {kind: digits, noise: 0.5, train_size: 60}
recipe: {epochs: 1, batch_size: 20, lr: 0.05}
seeds: 2
claims: [coconv > static]
tune: {lr: [0.1, 1.0e+30], seeds: 1}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(FILE)
    return tmp_path / "mine.yaml"


def run_locally(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The command without Ray and without the report's page."""
    monkeypatch.setattr("studies.execution.ray_backend.RayBackend", LocalBackend)
    monkeypatch.setattr("studies.cli.running.analyse", lambda *words: 0)
    return call(monkeypatch, *arguments)


def test_the_plan_counts_tuning_and_what_follows(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, file, "--plan") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "10 jobs to train of 10 (2 seeds)" in text
    assert "For each arm 3 recipes are tried first, each trained once" in text
    assert run_locally(monkeypatch, file, "--workers", 1) == 0
    capsys.readouterr()
    assert call(monkeypatch, file, "--plan", "--also-untuned") == 0
    text = " ".join(capsys.readouterr().out.split())
    changed = sum(
        read_experiment("runs/mine-custom").recipe_of(arm, task).lr != 0.05
        for arm in ("static", "coconv")
        for task in read_experiment("runs/mine-custom").tasks
    )
    assert f"{2 * changed} jobs to train of 14 (2 seeds)" in text


def test_a_run_tunes_goes_on_and_is_not_repeated(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_locally(monkeypatch, file) == 0
    output = capsys.readouterr().out
    assert "static, tuning, own recipe, seed 1000000" in output
    assert "won of 3 recipes" in output
    store = RunStore(Path("runs/mine-custom"))
    records = store.records()
    assert len(records) == 10
    # A rate that no training survives has only lost.
    assert {r.result.status for r in records if r.job.recipe.lr > 1} == {"diverged"}
    assert run_locally(monkeypatch, file) == 0
    assert "nothing is trained again" in capsys.readouterr().out
    assert run_locally(monkeypatch, file, "--seeds", 3, "--also-untuned") == 0
    assert sum(is_tuning(record.job) for record in store.records()) == 6
    assert load(store).groupby("arm").size().to_dict() == {"coconv": 3, "static": 3}
    # What was asked for stays asked for.
    assert run_locally(monkeypatch, file) == 0
    assert "nothing is trained again" in capsys.readouterr().out
    assert '"untuned": true' in (store.folder / "study.json").read_text()


def test_untuned_arms_of_a_study_without_tuning_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = call(monkeypatch, "coconv_attention_side", "--preset", "paper", "--also-untuned")
    message = "--also-untuned: the design of coconv_attention_side does not tune"
    assert_refused(status, message, capsys)


@pytest.mark.slow
def test_ray_tunes_as_one_process_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(monkeypatch, file, "--workers", 2, "--out", "ray") == 0
    assert "Tuning of the arms" in Path("ray/report.html").read_text()
    assert run_locally(monkeypatch, file, "--out", "local") == 0
    by_ray, local = (
        {record.key: record.result.curve for record in RunStore(Path(name)).records()}
        for name in ("ray", "local")
    )
    assert by_ray == local
