"""A task's data is read once on a machine, whatever happens to who reads it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from studies.execution import data_cache
from studies.execution.data_cache import folder_of, home, loaded, sweep
from tests.support.helpers import TASK
from tests.support.paths import ROOT
from trainers import Digits, Task
from trainers.tasks import Splits


@dataclass(frozen=True)
class Counted(Digits):
    """Digits that leave a line in a file whenever they are read."""

    mark: str = ""

    kind: ClassVar[str] = "counted"

    def load(self, data_root: Path | None = None) -> Splits:
        """Slowly enough that two who read at once would be seen."""
        with Path(self.mark).open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.2)
        return TASK.load()


Task.family["counted"] = Counted

READER = """
import json, sys
import torch
from studies.execution.data_cache import loaded
from tests.studies.execution.test_data_cache import Counted
data = loaded(Counted(mark=sys.argv[1]), None, "run")
print(json.dumps([data.train.images.sum().item(), len(data.test)]), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    forget()
    yield
    forget()


def forget() -> None:
    loaded.cache_clear()
    data_cache.release("run")


@pytest.mark.slow
def test_who_leaves_first_waits_for_the_others(tmp_path: Path) -> None:
    data_cache.held("run")
    other = reader(tmp_path / "mark")
    said(other)
    ending = threading.Timer(0.3, other.kill)
    ending.start()
    data_cache.release("run")
    ending.join()
    other.communicate()
    assert list(home().iterdir()) == []


@pytest.mark.slow
def test_a_run_that_has_ended_leaves_nothing_whoever_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_cache, "PATIENCE", 0.1)
    data = loaded(TASK, None, "run")
    other = reader(tmp_path / "mark")
    said(other)
    data_cache.release("run")
    assert list(home().iterdir()) == []
    assert same(data, TASK.load())
    other.communicate("")
    assert other.returncode == 0


def test_a_folder_whose_maker_was_killed_at_once_is_swept() -> None:
    (folder_of("run")).mkdir(parents=True)
    (folder_of("run") / "tmp").mkdir()
    sweep()
    assert list(home().iterdir()) == []


@pytest.mark.slow
def test_a_folder_swept_before_it_was_held_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    really, swept = os.open, []

    def too_late(path: Path, *settings: int) -> int:
        if not swept:
            swept.append(path)
            path.parent.rmdir()
        return really(path, *settings)

    monkeypatch.setattr(os, "open", too_late)
    assert data_cache.held("run").is_dir()
    assert swept == [folder_of("run") / data_cache.LOCK]


def reader(mark: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", READER, str(mark)]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> object:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.mark.slow
def test_processes_of_a_run_read_once_and_leave_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    readers = [reader(mark) for _ in range(2)]
    data = TASK.load()
    expected = [data.train.images.sum().item(), len(data.test)]  # type: ignore[attr-defined]
    assert [said(process) for process in readers] == [expected, expected]
    assert len(mark.read_text().splitlines()) == 1
    sweep()
    assert len(list(home().glob("run-run/*.pt"))) == 1
    readers[0].send_signal(signal.SIGKILL)
    readers[0].communicate()
    sweep()
    assert len(list(home().glob("run-run/*.pt"))) == 1
    readers[1].communicate("")
    sweep()
    assert list(home().iterdir()) == []


def same(one: Splits, other: Splits) -> bool:
    names = ("train", "validation", "test")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(
        torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels) for a, b in pairs
    ) and all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("mean", "std"))


def test_what_is_mapped_is_what_was_read() -> None:
    assert same(loaded(TASK, None, "run"), TASK.load())
    loaded.cache_clear()
    (file,) = home().glob("run-run/*.pt")
    splits = [getattr(TASK.load(), name) for name in ("train", "validation", "test")]
    needed = sum(split.images.nbytes + split.labels.nbytes for split in splits)
    # Not the images that the training set was drawn from.
    assert needed < file.stat().st_size < needed + 5000
    assert same(loaded(TASK, None, "run"), TASK.load())


def test_a_full_disk_only_means_that_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tensors: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full)
    assert same(loaded(TASK, None, "run"), TASK.load())
    assert not list(home().glob("run-run/*.p*t"))


def test_a_folder_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert same(loaded(TASK, None, "run"), TASK.load())
    assert not list(home().glob("run-run/*.pt"))


def test_a_prepared_link_is_refused_and_nothing_behind_it_is_touched(tmp_path: Path) -> None:
    """The folder's path is predictable: anybody may have put something in its place."""
    victim = tmp_path / "victim"
    (victim / "run-photos").mkdir(parents=True)
    (victim / "run-photos" / "holiday").write_text("dear")
    home().symlink_to(victim)
    with pytest.raises(PermissionError, match="link"):
        data_cache.held("run")
    assert same(loaded(TASK, None, "run"), TASK.load())
    sweep()
    data_cache.release("run")
    assert (victim / "run-photos" / "holiday").read_text() == "dear"
    assert [path.name for path in victim.iterdir()] == ["run-photos"]


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_refused(mode: int) -> None:
    home().mkdir()
    home().chmod(mode)
    with pytest.raises(PermissionError, match="other users may write"):
        data_cache.held("run")


def test_the_folder_is_for_its_user_alone() -> None:
    """Also one that an earlier version left open to readers."""
    home().mkdir(mode=0o755)
    folder = data_cache.held("run")
    assert [path.stat().st_mode & 0o777 for path in (home(), folder)] == [0o700, 0o700]


def test_sweep_removes_folders_of_runs_only(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (elsewhere / "file").write_text("dear")
    home().mkdir(mode=0o700)
    for name in ("run-ended", "mine"):
        (home() / name).mkdir()
    (home() / "run-link").symlink_to(elsewhere)
    (home() / "run-file").write_text("")
    sweep()
    assert sorted(path.name for path in home().iterdir()) == ["mine", "run-file", "run-link"]
    assert (elsewhere / "file").exists()


def test_copies_of_runs_that_have_ended_are_removed_when_one_is_made() -> None:
    """As on the nodes of a cluster, where no driver removes them."""
    ended = home() / "run-ended"
    ended.mkdir(parents=True)
    (ended / "0123456789abcdef.pt").write_bytes(b"images")
    loaded(TASK, None, "run")
    assert not ended.exists()
