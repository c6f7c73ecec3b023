"""Trouble of the machine (data, disks, lost workers) stops a run and is no job's verdict."""

import errno
import os
import socket
from pathlib import Path

import pytest
import ray
from rich.console import Console

from searchspace import InputError
from searchspace.errors import StorageError
from studies.cli.progress import Progress
from studies.execution.job_queue import ALIKE, AblationQueue, RunCallbacks
from studies.execution.local_backend import LocalBackend
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.execution.tune_backend import HungProcesses, TuneScheduler, TuneSearcher, _EndRun
from studies.execution.worker import StepReport, Worker, WorkItem
from studies.rundir.store import RunStore
from tests.support.helpers import job, study
from tests.support.trouble import Trouble
from trainers.runtime.out_of_memory import is_out_of_memory


def queue_of(folder: Path, count: int = 5, callbacks: RunCallbacks | None = None) -> AblationQueue:
    """A queue of jobs of the same network with different seeds."""
    plan = study(seeds=count).ablation("quick")
    jobs = {one.key: one for arm, one in plan.jobs() if arm.name == "static"}
    store = RunStore(folder)
    store.folder.mkdir(exist_ok=True)
    names = dict.fromkeys(jobs, "static")
    return AblationQueue(jobs, names, store, Resources(), callbacks or RunCallbacks())


def test_a_relative_data_root_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Resources(data_root=Path("data")).data_root == tmp_path / "data"


def test_after_equal_failures_of_the_data_the_run_stops_and_says_why_once(tmp_path: Path) -> None:
    queue = queue_of(tmp_path)
    told = StepReport((), failed="data root x does not exist", cause="data")
    for _ in range(ALIKE - 1):
        item = queue.next_item()
        assert item is not None
        assert queue.report(item.job.key, told) == "stop"
    item = queue.next_item()
    assert item is not None
    with pytest.raises(InputError) as stopped:
        queue.report(item.job.key, told)
    assert str(stopped.value).count("data root x does not exist") == 1
    assert "the same command continues" in str(stopped.value)
    assert [record.cause for record in queue.store.records()] == ["machine"] * ALIKE


def test_where_a_job_trains_is_told_once_for_each_place(tmp_path: Path) -> None:
    queue, told = queue_of(tmp_path), list[tuple[str, int]]()
    queue.callbacks = RunCallbacks(placed=lambda key, host, pid: told.append((host, pid)))
    item = queue.next_item()
    assert item is not None
    for host in ("a", "a", "b", ""):
        queue.report(item.job.key, StepReport((), host=host, pid=3))
    assert told == [("a", 3), ("b", 3)]


def test_equal_failures_of_jobs_do_not_stop_the_others(tmp_path: Path) -> None:
    queue = queue_of(tmp_path)
    while item := queue.next_item():
        queue.report(item.job.key, StepReport((), failed="ValueError: no good"))
    assert len(queue.failures) == 5
    assert {record.cause for record in queue.store.records()} == {"job"}


def test_a_worker_says_whether_the_data_the_disk_or_the_job_is_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Worker(WorkItem(job(task=Trouble("raises")), tmp_path, Resources())).step()
    assert (data.host, data.pid) == (socket.gethostname(), os.getpid())
    assert (data.failed, data.cause) == ("LookupError: no good", "data")
    item = WorkItem(job(), tmp_path / "checkpoints", Resources(checkpoint_seconds=0.0))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("trainers.checkpoint.os.fsync", full)
        disk = Worker(item).step()
    assert disk.cause == "disk"
    assert "No space left on device" in disk.failed
    monkeypatch.setattr("studies.execution.worker.start_training", lambda *a, **k: 1 / 0)
    assert Worker(item).step().cause == "job"


def test_a_full_disk_of_a_worker_stops_the_run_and_no_job_has_failed(tmp_path: Path) -> None:
    queue = queue_of(tmp_path)
    item = queue.next_item()
    assert item is not None
    with pytest.raises(StorageError, match="No space left; the same command continues"):
        queue.report(item.job.key, StepReport((), failed="No space left", cause="disk"))
    assert queue.failures == {}
    assert queue.store.records() == []


def test_an_error_of_the_store_ends_tunes_loop_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tune catches every Exception, takes the worker as lost and tries the job again."""
    queue = queue_of(tmp_path)
    searcher = TuneSearcher(queue, lambda: 2)
    scheduler = TuneScheduler(searcher, HungProcesses(None))
    assert searcher.suggest("a") is not None

    def refuse(record: object) -> None:
        raise StorageError("cannot write to run")

    monkeypatch.setattr(queue.store, "append", refuse)
    trial = type("Trial", (), {"trial_id": "a", "pickled_error_file": None})()
    told = {"report": StepReport((), failed="ValueError: no good")}
    with pytest.raises(_EndRun, match="cannot write to run"):
        scheduler.on_trial_result(None, trial, told)
    assert not issubclass(_EndRun, Exception)


def test_the_count_of_ended_jobs_is_never_negative(tmp_path: Path) -> None:
    """A job whose last epoch was reported starts anew after its worker was lost."""
    progress = Progress(Console())
    queue = queue_of(tmp_path, 1, progress.callbacks())
    progress.jobs_left = queue.jobs_left
    item = queue.next_item()
    assert item is not None
    progress.epoch(item.job.key, item.job.recipe.epochs)
    queue.worker_lost(item.job.key)
    assert queue.next_item() is not None
    assert len(progress.ended_keys) == 0


@pytest.mark.parametrize("room", [0, 1, 3])
def test_a_run_goes_on_when_there_is_room_again(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = iter(range(100))
    fsync = os.fsync

    def fill(descriptor: int) -> None:
        if next(writes) >= room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    queue = queue_of(tmp_path, 2)
    queue.resources = Resources(checkpoint_seconds=0.0)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fill)
        with pytest.raises(StorageError, match="No space left on device"):
            LocalBackend(queue.resources).run(queue)
    assert all(record.result.status == "finished" for record in queue.store.records())
    again = queue_of(tmp_path, 2)
    ended = {record.key for record in again.store.records()}
    again.waiting = [one for one in again.waiting if one.key not in ended]
    LocalBackend(again.resources).run(again)
    assert [record.result.status for record in again.store.records()] == ["finished"] * 2


def test_a_temporary_directory_with_a_long_name_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**settings: object) -> None:
        raise OSError("AF_UNIX path length cannot exceed 107 bytes: '/tmp/long/sockets/raylet'")

    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(InputError, match="cannot start Ray on this machine: AF_UNIX.*RAY_TMPDIR"):
        RayBackend(Resources()).run(queue_of(tmp_path))


def test_a_file_system_without_locks_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("studies.rundir.store.fcntl.flock", refuse)
    with (
        pytest.raises(StorageError, match="cannot lock .*No locks available; give an --out"),
        RunStore(tmp_path / "run").locked(),
    ):
        pass


def test_the_allocator_of_the_host_runs_out_of_memory_too() -> None:
    assert is_out_of_memory(RuntimeError("std::bad_alloc"))
    assert not is_out_of_memory(RuntimeError("no good"))
