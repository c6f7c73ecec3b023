"""What identifies data: a hash of their content, or of the list of files with their sizes."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from searchspace.errors import InputError
from searchspace.schema import to_json
from trainers.tasks.base import Task

FIELD = "fingerprint"
"""Of the tasks that have one."""
DIGITS = 16
"""Hexadecimal digits of a fingerprint."""


def of_tensors(tensors: Iterable[Tensor]) -> str:
    """The fingerprint of images and labels in memory: of shapes, types and values."""
    digest = hashlib.sha256()
    for tensor in tensors:
        array = tensor.contiguous().numpy()
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array.data)
    return digest.hexdigest()[:DIGITS]


def of_files(paths: Sequence[str], labels: Tensor, root: Path) -> str:
    """The fingerprint of image files: of names relative to `root`, sizes in bytes and labels."""
    digest = hashlib.sha256()
    for path, label in zip(paths, labels.tolist(), strict=True):
        try:
            size = os.stat(path).st_size
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        digest.update(f"{os.path.relpath(path, root)}\t{size}\t{label}\n".encode())
    return digest.hexdigest()[:DIGITS]


def of_folder(folder: Path) -> str:
    """The fingerprint of all files of a folder: of their names and sizes in bytes."""
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    return of_files(files, torch.zeros(len(files), dtype=torch.long), folder)


def check_same_data(earlier: Any, now: Task, where: str = "it") -> None:
    """Raise an InputError if a task, in JSON, differs from that of now in its fingerprint alone."""
    if not isinstance(earlier, Mapping):
        return
    before, after = dict(earlier), to_json(now)
    prints = before.pop(FIELD, None), after.pop(FIELD, None)
    if before == after and prints[0] != prints[1]:
        raise InputError(
            f"{where} was begun with other images of {now.label()} than are there now (their "
            f"fingerprint was {prints[0]} and is {prints[1]}); restore them, or give another --out"
        )


def check_fingerprint(expected: str, found: str, where: str) -> None:
    """Raise an InputError unless data have the fingerprint that they are to have, if any."""
    if expected and found != expected:
        raise InputError(
            f"the images of {where} are not those that the run was begun with: their fingerprint "
            f"is {found}, not {expected}; restore them, or begin another run with another --out"
        )
