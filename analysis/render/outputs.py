"""Output files and folders of commands; what cannot be written is an InputError."""

from pathlib import Path

from searchspace import InputError
from searchspace.serialization.files import write_bytes


def make_folder(folder: Path) -> None:
    """Make a folder and its parents if missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from None


def write_output(path: Path, content: str | bytes) -> None:
    """Write text or bytes atomically."""
    write_bytes(path, content.encode() if isinstance(content, str) else content)
