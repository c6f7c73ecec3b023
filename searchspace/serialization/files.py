"""Files as a whole: read with one sentence for whatever is wrong, written so that none is torn."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from searchspace.errors import InputError
from searchspace.serialization.parsing import parse_json, parse_yaml


def read_bytes(path: Path) -> bytes:
    """The content of a regular file; an InputError says why it cannot be read."""
    check_regular(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except MemoryError:
        raise InputError(f"{path}: cannot be read: it does not fit in memory") from None


def read_lines(path: Path, begin: int = 0) -> Iterator[bytes]:
    """The complete lines of a regular file without their ends, one by one; as `read_bytes`.

    `begin` is the number of bytes before the first of them.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            file.seek(begin)
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except MemoryError:
        raise InputError(f"{path}: cannot be read: it does not fit in memory") from None


def check_regular(path: Path) -> None:
    """Raise an InputError unless the path is that of a regular file."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        # A name with a NUL in it.
        raise InputError(f"{str(path)!r}: cannot be read: {error}") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: cannot be read: Is a directory")
    if not stat.S_ISREG(mode):
        # A pipe would be waited for, and a device may have no end.
        raise InputError(f"{path}: cannot be read: it is not a regular file")


def read_text(path: Path) -> str:
    """The text of a regular file in UTF-8; an InputError says why it cannot be read."""
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8") from None


def read_json(path: Path) -> Any:
    """What a JSON file holds; an InputError names the line of what is malformed."""
    return parse_json(read_text(path), str(path))


def read_data(path: Path) -> Any:
    """What a YAML file, or a JSON file by its name's ending, holds; as `read_json`."""
    return read_json(path) if path.suffix == ".json" else parse_yaml(read_text(path), str(path))


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """A new file beside `path` to write to, which takes its place when the block ends.

    If the block raises, `path` stays as it was and the new file is removed. With `sync` the file
    and its name are then on the disk itself.
    """
    # Two processes may write at once; the last one counts.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        if sync:
            _sync(part)
        os.replace(part, path)
        if sync:
            _sync(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, *pieces: bytes) -> None:
    """Write a file of these pieces; an InputError says why it cannot be written."""
    try:
        with replacing(path) as part, part.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 text; an InputError says why it cannot be written."""
    write_bytes(path, text.encode())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
