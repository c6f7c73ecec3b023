"""CIFAR-10 and CIFAR-100, read from the folders of their archives."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.tasks.array_pickle import read_pickle
from trainers.tasks.base import Splits, Task, required, with_validation
from trainers.tasks.downloading import download

VALIDATION = 5000
SPLIT_SEED = 20261


@dataclass(frozen=True)
class Cifar(Task):
    """32x32 images: 45,000 train, 5,000 validation drawn from train, 10,000 test."""

    title: ClassVar[str]
    folder: ClassVar[str]
    archive: ClassVar[str]
    labels: ClassVar[str]
    input_size: ClassVar[int] = 32

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 50_000 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The unpacked archive's folder under `data_root`."""
        source = f"unpack {self.archive}, published by the University of Toronto"
        return required(data_root, self.kind, self.folder, source)

    def download(self, data_root: Path | None) -> None:
        """Fetch and unpack the archive unless its folder is there."""
        from torchvision import datasets

        if data_root is None or not (data_root / self.folder).exists():
            published: Any = getattr(datasets, self.title.replace("-", ""))
            download(
                self.title, lambda root: published(root, download=True), data_root, self.folder
            )

    def load(self, data_root: Path | None) -> Splits:
        """Read the pickled parts, whose checksums torchvision knows."""
        folder = self.locate(data_root)
        train, test = (self._read(folder, train) for train in (True, False))
        return with_validation(train, test, validation=VALIDATION, seed=SPLIT_SEED)

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """As the archive's list of names has them."""
        from torchvision import datasets

        meta: Any = getattr(datasets, self.title.replace("-", "")).meta
        path = self.locate(data_root) / meta["filename"]
        names = self._content(path, meta["md5"]).get(meta["key"])
        if not isinstance(names, list) or len(names) != self.classes:
            raise InputError(f"{path} must name {self.classes} classes; unpack the archive again")
        return tuple(map(str, names))

    def _read(self, folder: Path, train: bool) -> tuple[Tensor, Tensor]:
        from torchvision import datasets

        published: Any = getattr(datasets, self.title.replace("-", ""))
        parts = published.train_list if train else published.test_list
        read = [self._part(folder / name, checksum) for name, checksum in parts]
        images, labels = zip(*read, strict=True)
        return torch.cat(images), torch.cat(labels)

    def _part(self, path: Path, checksum: str) -> tuple[Tensor, Tensor]:
        """Rows of R, G and B planes, and their labels."""
        content = self._content(path, checksum)
        try:
            pixels = torch.from_numpy(content["data"]).view(-1, 3, 32, 32)
            return pixels, torch.tensor(content[self.labels])
        except (LookupError, RuntimeError, TypeError) as error:
            raise InputError(f"{path} is not a part of {self.title}: {error}") from None

    def _content(self, path: Path, checksum: str) -> dict[str, Any]:
        from torchvision.datasets.utils import check_integrity

        if not check_integrity(str(path), checksum):
            reason = "has another checksum than the published" if path.is_file() else "is missing"
            raise InputError(f"{path.parent} is not a complete {self.title}: {path.name} {reason}")
        try:
            return read_pickle(path)
        except (pickle.UnpicklingError, OSError) as error:
            raise InputError(f"{path} is not a part of {self.title}: {error}") from None


@dataclass(frozen=True)
class Cifar10(Cifar):
    """10 classes."""

    kind: ClassVar[str] = "cifar10"
    classes: ClassVar[int] = 10
    title: ClassVar[str] = "CIFAR-10"
    folder: ClassVar[str] = "cifar-10-batches-py"
    archive: ClassVar[str] = "cifar-10-python.tar.gz"
    labels: ClassVar[str] = "labels"


@dataclass(frozen=True)
class Cifar100(Cifar):
    """100 classes."""

    kind: ClassVar[str] = "cifar100"
    classes: ClassVar[int] = 100
    title: ClassVar[str] = "CIFAR-100"
    folder: ClassVar[str] = "cifar-100-python"
    archive: ClassVar[str] = "cifar-100-python.tar.gz"
    labels: ClassVar[str] = "fine_labels"
