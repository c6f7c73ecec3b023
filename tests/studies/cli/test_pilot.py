"""The baseline against itself: what is trained, what is printed, what a design can tell."""

from pathlib import Path

import numpy as np
import pytest

from studies import load, read_experiment, read_study
from studies.spec.pilot import Pilot
from studies.stats.power import design_difference
from tests.studies.cli.test_run import assert_refused, call
from tests.studies.cli.test_tuning_run import run_locally

FILE = """
backbone: {kind: resnet_cifar, depth: 8, width: 2}
arms: {static: {}, coconv: {"*": {kind: coconv, experts: 2}}}
task: {kind: digits, noise: 0.5, train_size: 60}
recipe: {epochs: 1, batch_size: 20, lr: 0.05}
seeds: 6
margin: 2
claims: [coconv > static]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(FILE)
    return tmp_path / "mine.yaml"


def output(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_pilot_trains_pairs_and_says_what_the_study_can_tell(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_locally(monkeypatch, file, "--pilot", "--seeds", 3) == 0
    text = output(capsys)
    run = Path("runs/mine-custom-pilot")
    frame = load(run)
    assert sorted(frame.groupby("arm").size().to_dict().items()) == [
        ("static", 3),
        ("static again", 3),
    ]
    pairs = 100 * frame.pivot(index="seed", columns="arm", values="validation_accuracy")
    sd = float((pairs["static"] - pairs["static again"]).std(ddof=1))
    assert sd > 0
    design = read_study(file).study.presets["custom"]
    assert design.margin == 2
    assert f"sd of the difference {sd:.2f} points over 3 pairs" in text
    assert f"can tell differences of {design_difference(design, sd):.1f} points" in text
    assert "should be between 70 and 95 %" in text
    # No job of the study itself was trained.
    asked = {job.key for _, job in read_study(file).study.ablation("custom").jobs()}
    assert not asked & set(frame["key"])
    assert read_experiment(run).design.seeds == 3
    # The printed line is a field of the file.
    line = text[text.index("pilot: {") :]
    file.write_text(FILE + line + "\n")
    assert read_study(file).study.presets["custom"].pilot == Pilot(
        round(sd, 2), 3, round(float(np.mean(pairs.to_numpy())), 1)
    )
    assert call(monkeypatch, file, "--plan") == 0
    assert "This run can tell differences of" in output(capsys)


def test_a_plan_without_a_pilot_names_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, file, "--plan") == 0
    assert "not known; --pilot trains the baseline against itself" in output(capsys)
    assert call(monkeypatch, file, "--plan", "--pilot") == 0
    text = output(capsys)
    assert "16 jobs to train of 16 (8 seeds)" in text
    assert "--pilot trains" not in text


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("pilot: {sd: -1, pairs: 8, accuracy: 90}", "sd must be a number of at least 0, got -1"),
        ("pilot: {sd: 1, pairs: 1, accuracy: 90}", "pairs must be a whole number of at least 2"),
        ("pilot: 0.5", "mine.yaml: pilot: expected an object, got 0.5"),
        ("margin: 0", "margin must be a number of at least 0.01, got 0"),
        ("margin: wide", "margin must be a number of at least 0.01, got 'wide'"),
    ],
)
def test_bad_fields_are_one_sentence(
    field: str,
    message: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file.write_text(FILE.replace("margin: 2\n", "") + field + "\n")
    assert_refused(call(monkeypatch, file, "--plan"), message, capsys)


def test_a_pilot_is_for_one_study_and_needs_three_pairs(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = call(monkeypatch, "all", "--pilot", "--preset", "quick")
    assert_refused(status, "--pilot is for one study", capsys)
    assert run_locally(monkeypatch, file, "--pilot", "--seeds", 2) == 2
    assert "fewer than 3 pairs" in capsys.readouterr().err
