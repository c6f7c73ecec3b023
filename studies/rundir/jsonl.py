"""Append-only files of JSON, one record to a line, that survive a crash at any moment.

A line is written in one piece. A crash can leave at most a torn last line, which readers leave out
and the next writer removes; any other damage is reported, not repaired.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from searchspace import InputError
from searchspace.schema import from_json

T = TypeVar("T")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn failures of the file system into one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write to {folder}: {error.strerror or error}; finished jobs are safe"
        ) from None


class JsonLines:
    """One such file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, kind: type[T]) -> list[T]:
        """All complete lines as values; an InputError names one that is damaged."""
        if not self.path.exists():
            return []
        *lines, _torn = self.path.read_bytes().split(b"\n")
        found = []
        for number, line in enumerate(lines, start=1):
            where = f"{self.path} line {number}"
            try:
                found.append(from_json(kind, json.loads(line), where))
            except ValueError as error:
                detail = str(error) if isinstance(error, InputError) else f"{where}: not JSON"
                raise InputError(
                    f"{detail}; nothing was changed: remove or restore that line"
                ) from None
        return found

    def append(self, record: Any, *, sync: bool = True) -> None:
        """Add one record so that all of it or none is there; with `sync`, on the disk itself."""
        line = (json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n").encode()
        with writing(self.path.parent), open(self.path, "ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                if file.write(line) != len(line):
                    raise OSError("no space left on device")
                if sync:
                    os.fsync(file.fileno())
            except OSError:
                file.truncate(before)
                raise

    def drop_torn(self) -> None:
        """Remove what a crash left behind the last complete line."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with writing(self.path.parent):
                os.truncate(self.path, whole)
