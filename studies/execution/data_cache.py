"""A folder of each machine for what the processes of a run share there: a task's data.

It is read from its source once and mapped by all workers. The folder goes when the last process
that holds it has ended, however that was: those of killed runs are removed by the next.
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EPERM
from functools import lru_cache
from pathlib import Path

import torch

from searchspace.schema import to_json
from searchspace.serialization.files import replacing
from trainers import Task
from trainers.tasks import Splits
from trainers.tasks.base import StoredSplit

KEPT = 2
"""Datasets that stay in the memory of a process."""
LOCK = ".lock"
PREFIX = "run-"
PATIENCE = 10.0
"""Seconds that the last workers of a run are given to end; on a busy machine they need some."""
_handles: dict[str, int] = {}


def home() -> Path:
    """Where this user's runs keep their data on this machine."""
    return Path(tempfile.gettempdir()) / f"convfrontier-{os.getuid()}"


def folder_of(run: str) -> Path:
    """The folder of a run; `sweep` removes folders with this form of name and no others."""
    return home() / f"{PREFIX}{run}"


def checked_home() -> Path:
    """`home`; a PermissionError unless it is a real directory that only this user can write to.

    Its path is predictable and the temporary directory is open to all users: a link prepared there
    would make `sweep` remove folders elsewhere.
    """
    folder = home()
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise PermissionError(EPERM, "it is not a directory, or a link to one")
    if status.st_uid != os.getuid():
        raise PermissionError(EPERM, "it belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(EPERM, "other users may write to it")
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


@lru_cache(maxsize=KEPT)
def loaded(task: Task, data_root: Path | None, run: str = "") -> Splits:
    """The task's data, once in a process for all jobs that follow each other there.

    With a `run`, a name that no other has, the first process on a machine reads it and all others
    map what that one wrote, so that it is in memory once. Streams, whose images stay where they
    are, and data that finds no room on disk, are read by each process.
    """
    if not run:
        return task.load(data_root)
    try:
        folder = held(run)
    except OSError:
        return task.load(data_root)
    asked = json.dumps([to_json(task), str(data_root)], sort_keys=True)
    file = folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.pt"
    with _locked(file.with_suffix(LOCK)):
        if file.exists():
            return _mapped(file)
        # On the nodes of a cluster nobody else removes the copies of runs that have ended.
        sweep()
        data = task.load(data_root)
        return _mapped(file) if _written(data, file) else data


def held(run: str) -> Path:
    """The run's folder on this machine, which stays while this process holds it."""
    folder = folder_of(run)
    while run not in _handles:
        with suppress(FileExistsError):
            home().mkdir(mode=0o700, parents=True)
        checked_home()
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            handle = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            # Swept since it was made.
            continue
        fcntl.flock(handle, fcntl.LOCK_SH)
        if os.fstat(handle).st_nlink:
            # Open until `release`, or the end of the process.
            _handles[run] = handle
        else:
            # Swept before it was held.
            os.close(handle)
    return folder


def release(run: str) -> None:
    """Remove the folder of a run that has ended, and those that no process holds.

    Its workers on this machine may be about to end, and would make the folder anew if they were
    about to start a job: they are waited for a little. What is mapped outlives its file.
    """
    if run in _handles:
        os.close(_handles.pop(run))
    deadline = time.monotonic() + PATIENCE
    sweep()
    while folder_of(run).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
        sweep()
    # Never through a link that took the folder's place.
    with suppress(OSError):
        checked_home()
        shutil.rmtree(folder_of(run), ignore_errors=True)


def sweep() -> None:
    """Remove the folders of runs that no process of this machine holds."""
    try:
        folders = [
            Path(entry.path)
            for entry in os.scandir(checked_home())
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False)
        ]
    except OSError:
        return
    for folder in folders:
        try:
            # Made here if need be: who was killed before it made one has left a folder too.
            handle = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(handle)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _written(data: Splits, file: Path) -> bool:
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    tensors = {"mean": data.mean, "std": data.std}
    for name, split in splits.items():
        if not isinstance(split, StoredSplit):
            return False
        tensors |= {f"{name}.images": split.images, f"{name}.labels": split.labels}
    try:
        with replacing(file) as part:
            # Contiguous: only these images are to be mapped, not all that they are a part of.
            torch.save({name: tensor.clone() for name, tensor in tensors.items()}, part)
    except (OSError, RuntimeError):
        # torch raises the latter, without a class of its own, where the disk is full.
        return False
    return True


def _mapped(file: Path) -> Splits:
    tensors = torch.load(file, mmap=True, weights_only=True)
    train, validation, test = (
        StoredSplit(tensors[f"{name}.images"], tensors[f"{name}.labels"])
        for name in ("train", "validation", "test")
    )
    return Splits(train, validation, test, tensors["mean"], tensors["std"])
