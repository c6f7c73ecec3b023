"""TensorBoard and optuna-dashboard open a run directory."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from analysis.tensorboard import FOLDER, main
from searchspace import InputError
from studies import load_curves
from studies.execution.job_queue import RunCallbacks
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.search.journal import JOURNAL
from studies.search.scheduler import SearchScheduler
from tests.support.helpers import write_ablation, write_search

SECONDS = 90
"""How long a server may take to answer, on a machine with other work."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*words: str) -> Iterator[None]:
    """The server in a process that is ended and waited for."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)


def answer(address: str) -> str:
    """What a server says once it is there."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=SECONDS) as response:
                return str(response.read().decode())
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < end, f"{address} does not answer"
            time.sleep(0.2)


def test_event_files_hold_the_curves_and_are_written_anew(tmp_path: Path) -> None:
    write_ablation(tmp_path, jobs=2)
    for _ in range(2):
        assert main(tmp_path) == 0
    folders = sorted(path.parent for path in (tmp_path / FOLDER).rglob("events*"))
    assert [folder.relative_to(tmp_path / FOLDER).as_posix() for folder in folders] == [
        "coconv/seed-0",
        "static/seed-0",
    ]
    events = EventAccumulator(str(folders[1])).Reload()
    curve = load_curves(tmp_path).query("arm == 'static'")
    scalars = events.Scalars("validation_accuracy")
    assert [event.step for event in scalars] == curve["epoch"].tolist()
    assert [event.value for event in scalars] == pytest.approx(curve["validation_accuracy"])
    assert set(events.Tags()["scalars"]) == {"train_loss", "validation_accuracy", "validation_loss"}


def test_without_a_curve_one_sentence(tmp_path: Path) -> None:
    write_ablation(tmp_path, jobs=0)
    with pytest.raises(InputError, match="has no learning curve yet"):
        main(tmp_path)


def test_tensorboard_answers(tmp_path: Path) -> None:
    write_search(tmp_path)
    main(tmp_path)
    port = str(free_port())
    words = (sys.executable, "-m", "tensorboard.main", "--host", "127.0.0.1", "--port", port)
    with serving(*words, "--logdir", str(tmp_path / FOLDER), "--load_fast=false"):
        assert "trial-0/seed-0" in _until(f"http://127.0.0.1:{port}/data/runs", "trial-0")


@pytest.mark.slow
def test_optuna_dashboard_answers(tmp_path: Path) -> None:
    asked, store = write_search(tmp_path), RunStore(tmp_path)
    with store.locked():
        # Whoever continues a search brings the file in step with its trials.
        SearchScheduler(asked, store, Resources(), RunCallbacks()).close()
    port = str(free_port())
    script = str(Path(sys.executable).with_name("optuna-dashboard"))
    with serving(script, str(tmp_path / JOURNAL), "--host", "127.0.0.1", "--port", port):
        assert store.name() in answer(f"http://127.0.0.1:{port}/api/studies")


def _until(address: str, part: str) -> str:
    """The first answer that holds `part`: the files are read while the server already answers."""
    end = time.monotonic() + SECONDS
    while part not in (page := answer(address)):
        assert time.monotonic() < end, page
        time.sleep(0.2)
    return page
