"""A run ends, or goes on, when its processes hang or Ray itself is lost."""

import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from studies.cli.ablation_training import train_missing
from studies.execution import tune_backend, watchdog
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.execution.tune_backend import LEFT, HungProcesses
from studies.execution.watchdog import Watchdog, head_answers, raylet_is_gone
from studies.rundir.store import RunStore
from tests.studies.execution.test_ray_backend import drive
from tests.support.helpers import study
from tests.support.processes import processes_of_session
from tests.support.trouble import Trouble


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    actors: list[str] = []
    monkeypatch.setattr(tune_backend.ray, "kill", actors.append)
    return actors


def trial(actor: str | None) -> SimpleNamespace:
    state = SimpleNamespace(ray_actor=actor)
    return type("Trial", (SimpleNamespace,), {"__hash__": object.__hash__})(
        trial_id=f"trial of {actor}", temporary_state=state
    )


def pass_seconds(hung: HungProcesses, seconds: float) -> None:
    """Let the driver take steps of a tenth of a second."""
    for _ in range(round(seconds * 10)):
        hung.now = time.monotonic() - 0.1
        hung.on_step_begin(0, [])


def test_only_a_process_that_exceeds_what_was_left_is_ended(
    killed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_backend, "GRACE_SECONDS", 1.0)
    hung = HungProcesses(3.0)
    waits, stands, works = trial(None), trial("hung"), trial("well")
    for one in (waits, stands, works):
        hung.add(one)
    pass_seconds(hung, 2.0)
    hung.on_trial_result(0, [], works, {LEFT: 2.0})
    hung.on_trial_result(0, [], stands, {LEFT: 0.5})
    pass_seconds(hung, 2.4)
    assert killed == []
    pass_seconds(hung, 0.3)
    assert killed == ["hung"]
    hung.on_trial_complete(0, [], works)
    pass_seconds(hung, 9.0)
    assert killed == ["hung"]
    assert hung.killed == {"trial of hung"}


def test_a_busy_driver_ends_no_process(killed: list[str]) -> None:
    """A proposal may take minutes, while the reports of the processes wait."""
    hung = HungProcesses(3.0)
    hung.add(trial("well"))
    hung.now = time.monotonic() - 500
    hung.on_step_begin(0, [])
    assert killed == []


def test_no_process_is_ended_without_a_limit(killed: list[str]) -> None:
    hung = HungProcesses(None)
    hung.add(trial("well"))
    assert hung.left == {}


@pytest.mark.parametrize("lost", ["head", "raylet"])
def test_the_watchdog_tells_what_is_lost_once(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "CHECK_SECONDS", 0.01)
    path = str(tmp_path / "raylet")
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as head, socket.socket(socket.AF_UNIX) as raylet:
        raylet.bind(path)
        raylet.listen()
        address = f"127.0.0.1:{head.getsockname()[1]}"
        watch = Watchdog(address, path, told.append, patience=0.0)
        watch.start()
        time.sleep(0.3)
        assert told == []
        assert head_answers(address)
        assert not raylet_is_gone(path)
        (head if lost == "head" else raylet).close()
        watch.join(timeout=10)
    assert len(told) == 1
    assert (address if lost == "head" else "raylet") in told[0]


def test_a_watchdog_that_was_stopped_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "CHECK_SECONDS", 0.01)
    told: list[str] = []
    watch = Watchdog("127.0.0.1:1", str(tmp_path / "none"), told.append)
    watch.stop()
    watch.start()
    watch.join(timeout=10)
    assert told == []


def find(leader: int, words: str) -> list[int]:
    """The processes of a session whose command has these words."""
    return [pid for pid, command in processes_of_session(leader).items() if words in command]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("process", "words"), [("raylet", "(raylet) on this machine has ended"), ("gcs_server", "head")]
)
def test_a_run_that_loses_ray_ends_in_one_sentence(
    process: str, words: str, tmp_path: Path
) -> None:
    driver = drive(tmp_path / "run", "LONG_SEARCH")
    deadline = time.monotonic() + 180
    while not find(driver.pid, "JobTrainable") and time.monotonic() < deadline:
        time.sleep(0.2)
    [ended] = find(driver.pid, f"/{process} ")
    os.kill(ended, signal.SIGKILL)
    try:
        output, errors = driver.communicate(timeout=60)
    finally:
        driver.kill()
    assert driver.returncode == 1
    sentence = errors.strip()
    assert words in sentence
    assert sentence.endswith("its results are kept, and the same command goes on")
    assert "\n" not in sentence
    assert "raylet" not in output
    assert list(tmp_path.glob("convfrontier-*/*")) == []
    deadline = time.monotonic() + 20
    while processes_of_session(driver.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of_session(driver.pid) == {}


@pytest.mark.slow
def test_a_process_that_a_signal_has_stopped_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_worker_niceness", "0")
    # The driver's, not the worker's.
    monkeypatch.setattr(tune_backend, "GRACE_SECONDS", 1.0)
    tasks = tuple(Trouble(kind) for kind in ("stops", "none"))
    one = replace(study(seeds=1).presets["quick"], arms=study().presets["quick"].arms[:1])
    plan = replace(study(), presets={"quick": one}).ablation("quick", tasks=tasks)
    store = RunStore(tmp_path / "run")
    with RayBackend(Resources(workers=1, time_limit=40.0)) as backend:
        assert train_missing(plan, store, backend, Console(width=300)) == 1
    ends = {r.job.task.what: r for r in store.records() if isinstance(r.job.task, Trouble)}
    assert ends["none"].result.status == "finished"
    assert ends["stops"].result.reason == "its process hung beyond its time limit of 40 s"
    assert ends["stops"].cause == "machine"
