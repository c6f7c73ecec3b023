"""CIFAR-10 and CIFAR-100, read through torchvision from their own folders (never downloaded)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.tasks.base import Splits, Task, required, with_validation

VALIDATION = 5000
SPLIT_SEED = 20261


@dataclass(frozen=True)
class Cifar(Task):
    """32x32 images: 45,000 train, 5,000 validation drawn from train, 10,000 test."""

    title: ClassVar[str]
    folder: ClassVar[str]
    archive: ClassVar[str]
    input_size: ClassVar[int] = 32

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 50_000 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The unpacked archive's folder under `data_root`."""
        source = f"unpack {self.archive}, published by the University of Toronto"
        return required(data_root, self.kind, self.folder, source)

    def load(self, data_root: Path | None) -> Splits:
        """Read the pickled archive as torchvision does, checksums included."""
        folder = self.locate(data_root)
        train, test = (self._read(folder, train) for train in (True, False))
        return with_validation(train, test, validation=VALIDATION, seed=SPLIT_SEED)

    def _read(self, folder: Path, train: bool) -> tuple[Tensor, Tensor]:
        from torchvision import datasets

        reader: Any = getattr(datasets, self.title.replace("-", ""))
        try:
            data = reader(str(folder.parent), train=train, download=False)
        except (RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"{folder} is not a complete {self.title}: {reason}") from None
        images = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous()
        return images, torch.tensor(data.targets)


@dataclass(frozen=True)
class Cifar10(Cifar):
    """10 classes."""

    kind: ClassVar[str] = "cifar10"
    classes: ClassVar[int] = 10
    title: ClassVar[str] = "CIFAR-10"
    folder: ClassVar[str] = "cifar-10-batches-py"
    archive: ClassVar[str] = "cifar-10-python.tar.gz"


@dataclass(frozen=True)
class Cifar100(Cifar):
    """100 classes."""

    kind: ClassVar[str] = "cifar100"
    classes: ClassVar[int] = 100
    title: ClassVar[str] = "CIFAR-100"
    folder: ClassVar[str] = "cifar-100-python"
    archive: ClassVar[str] = "cifar-100-python.tar.gz"
