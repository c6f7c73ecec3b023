"""Files that are written whole: a reader sees the old content or the new one, never a part."""

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, *pieces: bytes | memoryview, sync: bool = False) -> None:
    """Write the pieces, one after another, atomically; with `sync`, on the disk itself.

    An OSError leaves what was there before.
    """
    part = part_of(path)
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def part_of(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f"{path.name}.part")
