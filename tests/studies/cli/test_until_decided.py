"""`--until-decided` from the command line: what goes on, what is kept, what is refused."""

from pathlib import Path

import pytest

from studies.execution.local_backend import LocalBackend
from studies.rundir.store import RunStore
from studies.spec.ablation import Ablation
from tests.studies.cli.test_run import assert_refused, call
from tests.studies.cli.test_tuning_run import run_locally
from tests.support.paths import ROOT

FILE = """
backbone: {kind: resnet_cifar, depth: 8, width: 2}
arms:
  static: {}
  wide: {backbone: {kind: resnet_cifar, depth: 8, width: 8}}
  other: {choices: {"*": {kind: coconv, experts: 2}}}
task: {kind: digits, noise: 0.5, train_size: 60}
recipe: {epochs: 1, batch_size: 20, lr: 0.05}
seeds: 3
claims: [wide > static + 90]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(FILE)
    return tmp_path / "mine.yaml"


def kept() -> Ablation:
    experiment = RunStore(Path("runs/mine-custom")).experiment()
    assert isinstance(experiment, Ablation)
    return experiment


def test_a_run_goes_on_until_it_is_decided_and_says_after_how_many_seeds(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is 90 points better: the first looks contradict that."""
    assert run_locally(monkeypatch, file, "--until-decided", "--max-seeds", 8) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "Decided: 1 of 1 claims. wide > static + 90: contradicted after" in output
    assert kept().design.max_seeds == 8
    records = RunStore(Path("runs/mine-custom")).records()
    seeds = {record.job.seed for record in records}
    assert 3 <= len(seeds) < 8
    # The arm without a claim has the design's seeds.
    assert len(records) == 3 + 2 * len(seeds)
    # The same without the option goes on as it began, and has nothing to do.
    assert run_locally(monkeypatch, file) == 0
    again = " ".join(capsys.readouterr().out.split())
    assert "nothing is trained again" in again and "contradicted after" in again


def test_a_plan_says_how_far_seeds_may_go(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, file, "--plan", "--until-decided") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "9 jobs to train of 9 (3 seeds)" in text
    assert "Seeds are added until every claim is decided, up to 30 of each arm." in text


def test_a_budget_ends_a_run_that_goes_on_later(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (file, "--until-decided", "--max-seeds", 8)
    assert run_locally(monkeypatch, *arguments, "--budget", "0s") == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "The budget of 0 s is spent; the same command continues." in output
    assert RunStore(Path("runs/mine-custom")).records() == []
    assert run_locally(monkeypatch, *arguments) == 0
    assert "contradicted after" in capsys.readouterr().out


def test_the_planned_maximum_cannot_be_changed_after_a_look(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_locally(monkeypatch, file, "--until-decided", "--max-seeds", 8) == 0
    before = (Path("runs/mine-custom") / "results.jsonl").read_bytes()
    capsys.readouterr()
    for arguments, message in (
        (("--until-decided", "--max-seeds", 20), "8 at most, which cannot be changed to 20"),
        (("--seeds", 9), "9 seeds are more than the planned maximum of 8"),
    ):
        assert_refused(run_locally(monkeypatch, file, *arguments), message, capsys)
    # Without a number the maximum is that of the run.
    assert run_locally(monkeypatch, file, "--until-decided") == 0
    assert (Path("runs/mine-custom") / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-seeds", "9"], "--max-seeds is the planned maximum of --until-decided; give both"),
        (["--until-decided", "--max-seeds", "101"], "max_seeds must be at most 100, got 101"),
        (["--until-decided", "--max-seeds", "2"], "max_seeds must be a whole number of at least 3"),
        (["--until-decided", "--max-seeds", "4", "--seeds", "5"], "max_seeds must be"),
        (
            ["--until-decided", "--budget", "soon"],
            "expected a time like 90s, 30m or 2h, got 'soon'",
        ),
        (["--until-decided", "--budget", "30"], "expected a time like 90s, 30m or 2h, got '30'"),
        (["--until-decided", "--budget", "-5m"], "expected a time like 90s, 30m or 2h, got '-5m'"),
    ],
)
def test_bad_options_are_refused(
    file: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert_refused(call(monkeypatch, file, *arguments), message, capsys)


def test_a_study_without_claims_has_nothing_to_decide(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE.replace("claims: [wide > static + 90]", ""))
    assert_refused(call(monkeypatch, file, "--until-decided"), "mine has no claims", capsys)


@pytest.mark.slow
def test_ray_decides_as_one_process_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    options = ("--until-decided", "--max-seeds", 8)
    assert call(monkeypatch, file, *options, "--workers", 2, "--out", "ray") == 0
    assert "contradicted after" in Path("ray/report.html").read_text().replace("\xa0", " ")
    with monkeypatch.context() as patched:
        patched.setattr("studies.execution.ray_backend.RayBackend", LocalBackend)
        patched.setattr("studies.cli.running.analyse", lambda *words: 0)
        assert call(patched, file, *options, "--out", "local") == 0
    by_ray, local = ({r.key for r in RunStore(Path(name)).records()} for name in ("ray", "local"))
    # Two workers may each have begun a job of the next seed.
    assert local <= by_ray and len(by_ray - local) <= 2
