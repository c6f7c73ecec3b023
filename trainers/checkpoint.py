"""The state of a training run on disk, written atomically and read without unpickling code.

A file is the SHA-256 of what follows and a state as torch saves it. The checkpoint before the last
is kept as well and is read in place of a damaged one.
"""

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from searchspace.errors import InputError, StorageError
from searchspace.serialization.files import read_bytes, replacing
from trainers.training import Training

NAME = "checkpoint.pt"
PREVIOUS = "checkpoint.previous.pt"
DIGEST = 32
"""Bytes of a SHA-256."""


def save_checkpoint(training: Training, folder: Path) -> None:
    """Write the state of `training`; a reader sees the old file or the new one, never a part.

    A StorageError says why it cannot be written; what was there before is then still there.
    """
    buffer = io.BytesIO()
    torch.save(training.state(), buffer)
    payload = buffer.getbuffer()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / NAME) as part:
            with part.open("wb") as file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            if (folder / NAME).exists():
                os.replace(folder / NAME, folder / PREVIOUS)
    except OSError as error:
        raise StorageError(
            f"cannot save the training state in {folder}: {error.strerror}; the checkpoints there "
            "are as they were"
        ) from None


def load_checkpoint(training: Training, folder: Path) -> bool:
    """Restore `training` if `folder` holds a checkpoint of the same job; say whether it did.

    A damaged file is passed over for the one before; if there is none left, an InputError says so.
    """
    present = [path for name in (NAME, PREVIOUS) if (path := folder / name).exists()]
    for path in present:
        state = _read(path, training.device)
        if state is None:
            continue
        if state["job"] != training.job.key:
            return False
        if state["device"] != training.device.type:
            raise InputError(
                f"{path} was written on {state['device']} and cannot go on on "
                f"{training.device.type}; use the same kind of device or another folder"
            )
        training.restore(state)
        return True
    if present:
        names = " and ".join(path.name for path in present)
        raise InputError(f"{names} in {folder} cannot be read; remove them to start anew")
    return False


def follow_first(training: Training, *, restored: bool) -> bool:
    """Give the state of the first process to all, if it was restored there; whether it was."""
    ranks = training.ranks
    if ranks.count == 1 or not ranks.any(restored and ranks.rank == 0):
        return restored
    payload = ranks.from_first(_bytes(training) if ranks.rank == 0 else b"")
    if ranks.rank:
        training.restore(_loaded(payload, training.device))
    return True


def _bytes(training: Training) -> bytes:
    buffer = io.BytesIO()
    torch.save(training.state(), buffer)
    return buffer.getvalue()


def _loaded(payload: bytes, device: torch.device) -> Any:
    return torch.load(io.BytesIO(payload), map_location=device, weights_only=True)


def _read(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The state in a file, None if the file is damaged."""
    try:
        data = read_bytes(path)
    except InputError:
        return None
    if hashlib.sha256(memoryview(data)[DIGEST:]).digest() != data[:DIGEST]:
        return None
    try:
        state = _loaded(data[DIGEST:], device)
    except (pickle.UnpicklingError, RuntimeError, LookupError, ValueError, TypeError, EOFError):
        # It asks for more than tensors and plain values, or was not written by torch.
        return None
    if not isinstance(state, dict) or not {"job", "device"} <= set(state):
        return None
    return state
