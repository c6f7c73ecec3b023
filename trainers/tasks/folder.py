"""The user's own images, in one folder for each class."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch

from searchspace.checks import MAX_CLASSES, MAX_SIZE, check_integer
from searchspace.errors import InputError
from trainers.tasks.base import Splits, Task, required
from trainers.tasks.stream import StreamedSplit, splits_of_files

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SPLIT_SEED = 20267
SHARE = 0.2
"""Of each class, what becomes validation, and test, where there is no folder for them."""
LAYOUT = "it must hold train/CLASS/*.jpg and so on, and may hold val/ and test/ like it"


@dataclass(frozen=True, kw_only=True)
class Folder(Task):
    """Images in `name`/train/CLASS/, resized to `size` pixels after a cut to a centred square.

    `name` is a folder under the data root. `classes` and `images`, those under train/, say which
    set was meant: `folder_task` counts them. Where val/ or test/ is missing, a fifth of each class
    of what is under train/ is set aside in its place, by a fixed seed.
    """

    name: str = "images"
    classes: int = 2  # type: ignore[misc]
    images: int = 6
    size: int = 32

    kind: ClassVar[str] = "folder"

    def __post_init__(self) -> None:
        check_integer(2, MAX_CLASSES, classes=self.classes)
        check_integer(1, images=self.images)
        check_integer(1, MAX_SIZE, size=self.size)
        check_folder_name(self.name)

    @property
    def input_size(self) -> int:  # type: ignore[override]
        """Pixels."""
        return self.size

    @property
    def train_images(self) -> int:
        """The number of files under train/, from which other splits may still be taken."""
        return self.images

    def locate(self, data_root: Path | None) -> Path:
        """The folder under `data_root`."""
        folder = required(data_root, self.kind, self.name, LAYOUT)
        if not (folder / "train").is_dir():
            raise InputError(f"{folder} has no folder train: {LAYOUT}")
        return folder

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """The names of the class folders, in the order of the labels."""
        return tuple(_classes(self.locate(data_root) / "train"))

    def load(self, data_root: Path | None) -> Splits:
        """All images as they were counted, read at once if they fit into 2 GiB."""
        return _load(self, self.locate(data_root))


def check_folder_name(name: str) -> None:
    """Raise an InputError unless it is the name of a folder, without a path."""
    if name in ("", "..") or Path(name).name != name:
        raise InputError(f"name must be that of a folder, without a path, got {name!r}")


def folder_task(folder: Path, size: int = 32) -> Folder:
    """The task of a folder of images; its parent is the data root."""
    folder = folder.resolve()
    task = Folder(name=folder.name, size=size)
    split = _listed(task.locate(folder.parent) / "train", size)
    return replace(task, classes=len(_classes(folder / "train")), images=len(split))


@lru_cache(maxsize=2)
def _load(task: Folder, folder: Path) -> Splits:
    names = _classes(folder / "train")
    train = _listed(folder / "train", task.size)
    if (len(names), len(train)) != (task.classes, task.images):
        raise InputError(
            f"{folder / 'train'} has {len(train)} images of {len(names)} classes, not the "
            f"{task.images} of {task.classes} that the study was made for"
        )
    parts: dict[str, StreamedSplit] = {}
    for seed, part in enumerate(("test", "val"), start=SPLIT_SEED):
        if (folder / part).is_dir():
            _check_classes(folder / part, names)
            parts[part] = _listed(folder / part, task.size)
        else:
            train, parts[part] = _divided(train, seed, folder)
    return splits_of_files(train, parts["val"], parts["test"])


def _classes(folder: Path) -> list[str]:
    """The class folders in order of their names; at least two."""
    names = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if len(names) < 2:
        raise InputError(
            f"{folder} has {len(names)} class folders ({', '.join(names) or 'none'}); there must "
            "be two or more, each with the images of a class"
        )
    return names


def _check_classes(folder: Path, names: list[str]) -> None:
    classes = _classes(folder)
    if classes != names:
        odd = sorted(set(classes) ^ set(names))
        raise InputError(
            f"{folder} and train must have the same classes; {odd[0]!r} is in one only"
        )


def _listed(folder: Path, size: int) -> StreamedSplit:
    """All images of the class folders in order of class and name."""
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(_classes(folder)):
        files = sorted(
            str(path)
            for path in (folder / name).iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if not files:
            raise InputError(
                f"{folder / name} holds no image (files ending in {' '.join(SUFFIXES)})"
            )
        paths += files
        labels += [label] * len(files)
    return StreamedSplit(tuple(paths), torch.tensor(labels), size, centre=1.0)


def _divided(split: StreamedSplit, seed: int, folder: Path) -> tuple[StreamedSplit, StreamedSplit]:
    """The rest, and a random fifth of each class with at least one image of each."""
    generator = torch.Generator().manual_seed(seed)
    taken = torch.zeros(len(split), dtype=torch.bool)
    for label in split.labels.unique():
        members = (split.labels == label).nonzero().flatten()
        if len(members) < 2:
            name = Path(split.paths[int(members[0])]).parent.name
            raise InputError(
                f"class {name!r} of {folder} has too few images to set some aside; "
                "three are needed, or folders val and test"
            )
        order = members[torch.randperm(len(members), generator=generator)]
        taken[order[: max(1, round(SHARE * len(members)))]] = True
    return split.part((~taken).nonzero().flatten()), split.part(taken.nonzero().flatten())
