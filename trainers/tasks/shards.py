"""Images and labels in tar files, as WebDataset writes them."""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from searchspace.errors import InputError
from searchspace.serialization.files import check_regular
from trainers.tasks.base import required
from trainers.tasks.collected_task import CollectedFolder
from trainers.tasks.image_file import decoded

IMAGES = ("jpg", "jpeg", "png", "ppm", "pgm", "webp", "bmp")
"""The last part of a file's name, after the first dot."""
LAYOUT = "it must hold train*.tar with KEY.jpg and KEY.cls, and may hold val*.tar and test*.tar"


@dataclass(frozen=True, kw_only=True)
class WebDataset(CollectedFolder):
    """Tar files of WebDataset in a folder: train*.tar, and val*.tar and test*.tar if there are any.

    `name` is a folder under the data root; a file names it by `path`. A sample is an image, KEY.jpg
    or .png and so on, and KEY.cls, a whole number, side by side. Other members are left out. The
    other fields are as in the task `python`.
    """

    name: str = "shards"

    kind: ClassVar[str] = "webdataset"

    def locate(self, data_root: Path | None) -> Path:
        """The folder under `data_root`."""
        folder = required(data_root, self.kind, self.name, LAYOUT)
        if not any(folder.glob("train*.tar")):
            raise InputError(f"{folder} has no train*.tar: {LAYOUT}")
        return folder

    def parts(self, data_root: Path | None) -> Mapping[str, Iterable[Any]]:
        """The samples in the order of files and members."""
        folder = self.locate(data_root)
        shards = {
            "train": sorted(folder.glob("train*.tar")),
            "validation": sorted(folder.glob("val*.tar")),
            "test": sorted(folder.glob("test*.tar")),
        }
        return {part: _samples(paths) for part, paths in shards.items() if paths}


def _samples(paths: Sequence[Path]) -> Iterator[tuple[Any, int]]:
    for path in paths:
        # Opening a pipe would wait for ever.
        check_regular(path)
        try:
            with tarfile.open(path, "r:*") as archive:
                yield from _pairs(archive, path)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise InputError(f"{path} is damaged or cut short ({error}); write it again") from None


def _pairs(archive: tarfile.TarFile, path: Path) -> Iterator[tuple[Any, int]]:
    """The samples of a file; members of a sample follow each other."""
    key, found = "", dict[str, bytes]()
    for member in archive:
        if not member.isfile():
            continue
        folder, _, name = member.name.rpartition("/")
        stem, _, form = name.partition(".")
        if f"{folder}/{stem}" != key:
            if found:
                yield _decoded(found, f"{path}: {key.lstrip('/')}")
            key, found = f"{folder}/{stem}", {}
        content = archive.extractfile(member)
        form = form.lower()
        if content is not None and (form == "cls" or form in IMAGES):
            found["image" if form in IMAGES else form] = content.read()
    if found:
        yield _decoded(found, f"{path}: {key.lstrip('/')}")


def _decoded(found: dict[str, bytes], where: str) -> tuple[Any, int]:
    for part in ("image", "cls"):
        if part not in found:
            raise InputError(f"{where} has no {'.jpg or .png' if part == 'image' else '.cls'}")
    text = found["cls"].decode(errors="replace").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InputError(f"{where}.cls must be a whole number of at least 0, got {text[:40]!r}")
    return decoded(io.BytesIO(found["image"]), where), int(text)
