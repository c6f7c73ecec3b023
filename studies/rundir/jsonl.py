"""Append-only files of JSON, one record to a line, that survive a crash at any moment.

A line is written in one piece. A crash can leave at most a torn last line, which readers leave out
and the next writer moves to a file beside; any other damage is reported, not repaired.
"""

import gc
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from searchspace import InputError
from searchspace.errors import StorageError
from searchspace.schema import from_json, sharing
from searchspace.serialization.files import check_regular, read_bytes, read_lines, write_bytes
from searchspace.serialization.parsing import parse_json

T = TypeVar("T")

_BLOCK = 1 << 20


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn failures of the file system into one sentence."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write to {folder}: {error.strerror or error}; finished jobs are safe"
        ) from None


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection: each would visit all values read so far, of which none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


Stamp = tuple[int, int]


def file_stamp(path: Path) -> Stamp:
    """Size and time of change: what tells that a file is as it was when it was read."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


class JsonLines(Generic[T]):
    """One such file, of values of one class, which `check` may refuse with an InputError.

    `shared` holds parts that many lines have in common; several files may share them.
    """

    def __init__(
        self,
        path: Path,
        kind: type[T],
        shared: dict[Any, Any],
        check: Callable[[T, Any, str], None] = lambda value, data, where: None,
    ) -> None:
        self.path, self.kind, self.shared, self.check = path, kind, shared, check
        self._values: list[T] = []
        self._stamp: Stamp | None = None
        self._bytes, self._digest = 0, hashlib.sha256()

    def read(self) -> list[T]:
        """All complete lines as values; an InputError names one that is damaged.

        Only lines that are new since the last time are parsed, unless earlier ones have changed.
        """
        if not self.path.exists():
            return []
        stamp = file_stamp(self.path)
        if stamp != self._stamp:
            if not self._begins_as_read():
                self._values, self._bytes, self._digest = [], 0, hashlib.sha256()
            with sharing(self.shared), uncollected():
                self._read_on()
            self._stamp = stamp
        return list(self._values)

    def _begins_as_read(self) -> bool:
        """Whether the file begins with the very lines that were read."""
        check_regular(self.path)
        digest, left = hashlib.sha256(), self._bytes
        with self.path.open("rb") as file:
            while left and (block := file.read(min(left, _BLOCK))):
                digest.update(block)
                left -= len(block)
        return not left and digest.digest() == self._digest.digest()

    def _read_on(self) -> None:
        """Read the complete lines after those that were read."""
        values: list[T] = []
        end, digest = self._bytes, self._digest.copy()
        for number, line in enumerate(read_lines(self.path, end), len(self._values) + 1):
            where = f"{self.path} line {number}"
            try:
                data = parse_json(line, where)
                value = from_json(self.kind, data, where)
                self.check(value, data, where)
            except InputError as error:
                raise InputError(
                    f"{error}; nothing was changed: remove or restore that line"
                ) from None
            values.append(value)
            end += len(line) + 1
            digest.update(line)
            digest.update(b"\n")
        self._values += values
        self._bytes, self._digest = end, digest

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

    def drop_torn(self) -> Path | None:
        """Move what a crash left behind the last complete line to a file beside; its path."""
        return set_torn_aside(self.path)


def set_torn_aside(path: Path) -> Path | None:
    """Cut a file off after its last complete line; the rest is kept in the file returned."""
    if not path.exists():
        return None
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete == len(content):
        return None
    with writing(path.parent):
        torn = first_free(path.with_name(f"{path.name}.torn"))
        write_bytes(torn, content[complete:])
        os.truncate(path, complete)
    return torn


def first_free(path: Path) -> Path:
    """The first of `NAME.1`, `NAME.2`, ... that is not there."""
    number = 1
    while (free := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    return free


def drop_torn_line(path: Path) -> None:
    """Cut a file off after its last complete line."""
    if not path.exists():
        return
    content = read_bytes(path)
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with writing(path.parent):
            os.truncate(path, complete)
