"""Signals stop a run with its own exit status, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.execution.stop_signals import STOPPING, StopSignals
from studies.rundir.store import RunStore
from tests.studies.execution.test_ray_backend import drive, lines, wait_for_lines
from tests.support.paths import ROOT
from tests.support.processes import processes_of_session


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_is_answered_at_once(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with StopSignals(lambda: None) as signals, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert signals.number == number
    assert "once more to stop at once" in capfd.readouterr().err
    assert signal.getsignal(number) == before


def test_a_second_signal_ends_the_process() -> None:
    code = (
        "import os, signal, time\n"
        "from studies.execution.stop_signals import StopSignals\n"
        "with StopSignals(lambda: print('killed', flush=True)):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(5)\n"
        "    except KeyboardInterrupt:\n"
        "        os.kill(os.getpid(), signal.SIGHUP)\n"
        "        time.sleep(5)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (128 + signal.SIGHUP, "killed\n")


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals(lambda: None):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_run_that_is_stopped_says_so_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    store = RunStore(tmp_path / "run")
    driver = drive(store.folder)
    wait_for_lines(store, 1, driver)
    driver.send_signal(number)
    output, errors = driver.communicate(timeout=60)
    assert len(lines(store)) < 8
    assert driver.returncode == 128 + number, errors
    assert "jobs to do; the same command continues." in output
    assert errors.strip() == "Stopping; once more to stop at once."
    assert list(tmp_path.glob("convfrontier-*/*")) == []
    # No process of the session is left.
    deadline = time.monotonic() + 20
    while processes_of_session(driver.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of_session(driver.pid) == {}


class RayProcess:
    """A process of Ray's that does not end by itself."""

    pid = 2**31 - 1
    """No process has it."""

    def __init__(self) -> None:
        self.killed = False

    def poll(self) -> int | None:
        return -9 if self.killed else None

    def kill(self) -> None:
        self.killed = True

    def wait(self, timeout: float | None = None) -> None:
        assert self.killed, "it is waited for until it ends by itself"

    def terminate(self) -> None:
        raise AssertionError("it is given time to end by itself")


def test_no_process_of_ray_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray gives each of its processes a second, one after another, if it is not told otherwise."""
    from ray._private import worker
    from ray._private.node import Node
    from ray._private.services import ProcessInfo

    names = ("raylet", "gcs_server", "monitor", "log_monitor", "reaper")
    processes = {name: RayProcess() for name in names}
    node = object.__new__(Node)
    node.head, node.removal_lock = True, threading.Lock()
    node.all_processes = {
        name: [ProcessInfo(each, None, None, *[False] * 5)] for name, each in processes.items()
    }
    monkeypatch.setattr(Node, "destroy_external_storage", lambda self: None)
    monkeypatch.setattr(worker, "_global_node", node)
    backend = RayBackend(Resources())
    backend.started = True
    backend.close()
    assert all(process.killed for process in processes.values())
