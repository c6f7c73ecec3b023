"""Datasets fetched by torchvision, with its addresses and checksums, where the user asks for it.

Files are fetched and unpacked in a folder of their own beside their place and moved there when all
are complete, so that a part of a dataset is never taken for the whole.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from searchspace.errors import InputError

SILENCE = 60.0
"""Seconds that a server may send nothing."""


def download(
    name: str, fetch: Callable[[str], object], data_root: Path | None, *parts: str
) -> None:
    """Call `fetch` with a new folder, and move the `parts` that it makes there into `data_root`.

    An InputError says why a dataset cannot be fetched; nothing is left of it then.
    """
    if data_root is None:
        raise InputError(f"--download needs --data-root, the folder that {name} is to be put in")
    try:
        data_root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{name}-download-", dir=data_root))
    except OSError as error:
        raise InputError(f"cannot write to {data_root}: {error.strerror}") from None
    try:
        with _impatient():
            fetch(str(folder))
        for part in parts:
            _move(folder / part, data_root / part)
    except Exception as error:
        # Urllib, the unpackers and torchvision share no class of errors.
        text = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name} cannot be downloaded: {text}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """Rename a file or a folder; a folder that exists gets all files that it lacks."""
    if not target.is_dir():
        os.replace(source, target)
        return
    for path in source.iterdir():
        _move(path, target / path.name)


@contextmanager
def _impatient() -> Iterator[None]:
    """Give up on a server that sends nothing: torchvision would wait without end."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
