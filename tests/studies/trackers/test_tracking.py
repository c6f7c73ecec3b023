"""Trackers are told of every epoch, and one that fails harms nothing."""

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from searchspace import InputError
from studies.trackers.live_log import FILE
from studies.trackers.tracker import Trackers
from studies.trackers.tracking import Tracking, check_uris
from tests.support.helpers import job, made_up
from trainers import Job


def told(tracking: Tracking, folder: Path, one: Job, *, end: bool = True) -> None:
    """The events of one job of two epochs."""
    tracking.begin(folder, "tiny", lambda: (1, 0.5, "1 s left"))
    result = made_up(one, 0.8)
    tracking.started(one, "static, seed 0")
    for epoch in result.curve:
        tracking.epochs(one.key, [epoch])
    if end:
        tracking.ended(one.key, result)
    tracking.note("a sentence")
    tracking.close()


def test_csv_tensorboard_and_the_live_log_hold_each_epoch_and_the_end(tmp_path: Path) -> None:
    told(Tracking(["csv", "tensorboard"]), tmp_path, job())
    rows = list(csv.DictReader((tmp_path / "epochs.csv").read_text().splitlines()))
    assert [row["validation_accuracy"] for row in rows] == ["0.4", "0.8", ""]
    assert (rows[-1]["status"], rows[-1]["final_test_accuracy"]) == ("finished", "0.79")
    events = EventAccumulator(str(tmp_path / "tensorboard" / "static" / "seed-0")).Reload()
    assert [e.step for e in events.Scalars("validation_accuracy")] == [1, 2]
    assert events.Scalars("final_test_accuracy")[0].value == pytest.approx(0.79)
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds == ["run", "started", "epochs", "epochs", "ended", "note", "closed"]
    assert (lines[2]["epochs"], lines[2]["left"]) == ([[1, 1.0, 0.4]], "1 s left")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_mlflow_has_a_run_for_each_job_and_the_report_below_that_of_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    # Files that belong to a database of one's own lie where the command runs.
    monkeypatch.chdir(tmp_path)
    address = f"sqlite:///{tmp_path / 'ml.db'}"
    tracking = Tracking([f"mlflow:{address}"])
    one = job()
    told(tracking, tmp_path, one)
    client = MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"tiny", "static, seed 0"}
    run = runs["static, seed 0"]
    assert run.data.tags["mlflow.parentRunId"] == runs["tiny"].info.run_id
    assert run.data.params["key"] == one.key and run.data.params["recipe.epochs"] == "2"
    assert run.data.metrics["final_test_accuracy"] == pytest.approx(0.79)
    curve = client.get_metric_history(run.info.run_id, "validation_accuracy")
    assert [(point.step, point.value) for point in curve] == [(1, 0.4), (2, 0.8)]
    assert {each.info.status for each in runs.values()} == {"FINISHED"}
    page = tmp_path / "report.html"
    tracking.report(page)
    parent = runs["tiny"].info.run_id
    assert client.list_artifacts(parent) == []
    page.write_text("the report")
    tracking.report(page)
    stored = client.download_artifacts(parent, "report.html", str(tmp_path))
    assert Path(stored).read_text() == "the report"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wandb_writes_runs_and_the_report_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    tracking = Tracking(["wandb:ours"])
    told(tracking, tmp_path, job())
    assert not tracking.trackers.behind[0].failed
    (before,) = (tmp_path / "wandb").rglob("*.wandb")
    page = tmp_path / "report.html"
    page.write_text("the report")
    tracking.report(page)
    assert not tracking.trackers.behind[0].failed
    # Its process writes the last lines at its end.
    wandb.teardown()
    (added,) = set((tmp_path / "wandb").rglob("*.wandb")) - {before}
    assert b"report.html" in added.read_bytes()


def test_a_tracker_that_fails_warns_once_and_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    tracking = Tracking([f"csv:{tmp_path / 'file' / 'inside.csv'}", "csv"])
    with caplog.at_level(logging.WARNING):
        told(tracking, tmp_path, job())
    (warning,) = caplog.messages
    assert warning.startswith("csv failed (") and warning.endswith("; the run goes on")
    assert len((tmp_path / "epochs.csv").read_text().splitlines()) == 4


def test_a_live_log_that_cannot_be_written_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).mkdir()
    told(Tracking(), tmp_path, job())
    assert len(caplog.messages) == 1


def test_a_tracker_that_hangs_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    from threading import Event

    from studies.trackers.csv_file import CsvFile

    trackers, forever = Trackers(behind=[CsvFile(Path("unused.csv"))]), Event()
    trackers.tell(lambda tracker: forever.wait() and None)
    trackers.wait(0.1)
    forever.set()
    assert "takes too long" in caplog.messages[0]


@pytest.mark.parametrize("uri", ["mlflow", "comet:x", ""])
def test_what_is_no_tracker_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match=r"--track takes tensorboard\[:FOLDER\]"):
        check_uris([uri])


def test_arms_and_trials_are_told_by_name(tmp_path: Path) -> None:
    tracking = Tracking()
    tracking.begin(tmp_path, "tiny", lambda: (1, 0.0, ""))
    for number, name in enumerate(("a, b, seed 0", "trial 3, seed 1, resnet", "alone")):
        tracking.started(replace(job(), seed=number), name)
    assert [each.arm for each in tracking.jobs.values()] == ["a, b", "trial 3", "alone"]
    tracking.close()
