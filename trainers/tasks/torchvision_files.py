"""The official splits of a published dataset, read from its IDX files or by torchvision's class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from searchspace.errors import InputError, first_line
from trainers.tasks.base import StoredSplit
from trainers.tasks.fingerprint import of_files, of_tensors
from trainers.tasks.fitting import Fit
from trainers.tasks.idx_file import read_idx
from trainers.tasks.published import PUBLISHED, PublishedSet
from trainers.tasks.stream import StreamedSplit

Part = StoredSplit | StreamedSplit
"""Images and labels as they are kept: in memory, or as files."""


def is_present(path: Path) -> bool:
    """Whether a file or folder is there; a file may be packed by gzip."""
    return path.exists() or path.with_name(f"{path.name}.gz").exists()


def split_fingerprint(train: Part, test: Part, folder: Path) -> str:
    """The fingerprint of both splits: of tensors in memory, or of the list of files."""
    if isinstance(train, StreamedSplit) and isinstance(test, StreamedSplit):
        labels = torch.cat([train.labels, test.labels])
        return of_files([*train.paths, *test.paths], labels, folder)
    if isinstance(train, StoredSplit) and isinstance(test, StoredSplit):
        return of_tensors((train.images, train.labels, test.images, test.labels))
    raise TypeError("both splits must be kept in the same way")


def read_parts(name: str, folder: Path, size: int, fit: Fit) -> tuple[Part, Part]:
    """The official training and test splits as they are published.

    Images that are read later, one file each, will be fitted to `size` pixels. An InputError says
    what is wrong with the files.
    """
    published = PUBLISHED[name]
    if published.form == "idx":
        half = len(published.files) // 2
        files = [Path(file).name for file in published.files]
        parts: Sequence[Part] = [
            _idx(published, folder, files[:half]),
            _idx(published, folder, files[half:]),
        ]
    else:
        parts = [_joined(published, one, size, fit) for one in read_datasets(name, folder)]
    for split, part in zip(("training", "test"), parts, strict=True):
        _check_labels(part.labels, published, f"{split} images of {name} in {folder}")
    return parts[0], parts[1]


def dataset_class(name: str) -> Any:
    """Torchvision's class of a published dataset."""
    from torchvision import datasets

    return getattr(datasets, PUBLISHED[name].loader or name)


def open_datasets(name: str, root: str, **options: Any) -> tuple[list[Any], list[Any]]:
    """Torchvision's datasets for each part of the training and of the test split."""
    loader, published = dataset_class(name), PUBLISHED[name]
    train, test = (
        [loader(root, **settings, **options) for settings in parts]
        for parts in (published.train, published.test)
    )
    return train, test


def read_datasets(name: str, root: Path) -> tuple[list[Any], list[Any]]:
    """As `open_datasets`, with an InputError for whatever is wrong with the files."""
    try:
        return open_datasets(name, str(root))
    except Exception as error:
        # Its readers raise whatever a damaged file makes their libraries raise.
        if isinstance(error, MemoryError):
            raise
        raise InputError(f"{name} in {root} cannot be read: {first_line(error)}") from None


def _idx(published: PublishedSet, folder: Path, names: Sequence[str]) -> StoredSplit:
    """Images (N, 1, H, W) and labels of two IDX files, `names`."""
    paths = [folder / name for name in names]
    images_path, labels_path = (p if p.exists() else p.with_name(f"{p.name}.gz") for p in paths)
    images = torch.from_numpy(read_idx(images_path, 3))[:, None]
    labels = torch.from_numpy(read_idx(labels_path, 1)).long() - published.first_label
    side = published.side
    if len(images) != len(labels) or images.shape[2:] != (side, side):
        raise InputError(
            f"{images_path} must hold {len(labels)} images of {side}x{side} pixels, as many as "
            f"{labels_path.name} has labels, and holds {len(images)} of "
            f"{images.shape[3]}x{images.shape[2]}"
        )
    return StoredSplit(images, labels)


def _check_labels(labels: Tensor, published: PublishedSet, where: str) -> None:
    if not len(labels):
        raise InputError(f"there are no {where}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= published.classes:
        first = published.first_label
        wrong = (low if low < 0 else high) + first
        raise InputError(
            f"the labels of the {where} must be from {first} to {first + published.classes - 1}, "
            f"got {wrong}"
        )


def _joined(published: PublishedSet, datasets: Sequence[Any], size: int, fit: Fit) -> Part:
    """The parts of one split, which torchvision keeps as an array or as lists of files."""
    if published.form == "array":
        (dataset,) = datasets
        images = torch.as_tensor(dataset.data)
        labels = torch.as_tensor(dataset.labels if hasattr(dataset, "labels") else dataset.targets)
        images = images.reshape(len(labels), published.in_chs, *images.shape[-2:])
        return StoredSplit(images, labels)
    pairs = [pair for dataset in datasets for pair in _pairs(dataset)]
    labels = torch.tensor([int(label) for _, label in pairs], dtype=torch.long)
    paths = tuple(str(path) for path, _ in pairs)
    return StreamedSplit(paths, labels, size, centre=1.0, fit=fit)


def _pairs(dataset: Any) -> list[tuple[Any, Any]]:
    """Files and labels in the order of a dataset's indices."""
    for name in ("_samples", "samples"):
        if hasattr(dataset, name):
            return list(getattr(dataset, name))
    files = next(getattr(dataset, n) for n in ("_image_files", "_images") if hasattr(dataset, n))
    return list(zip(files, dataset._labels, strict=True))
