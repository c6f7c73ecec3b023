"""CIFAR-100, read through torchvision from its own archive folder (never downloaded)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.tasks.base import Split, Splits, Task, carve, required, statistics

VALIDATION = 5000
SPLIT_SEED = 20261


@dataclass(frozen=True)
class Cifar100(Task):
    """32x32 images, 100 classes: 45,000 train, 5,000 validation carved from train, 10,000 test."""

    kind: ClassVar[str] = "cifar100"
    classes: ClassVar[int] = 100
    input_size: ClassVar[int] = 32

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 50_000 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The folder `cifar-100-python` under `data_root`."""
        source = "unpack cifar-100-python.tar.gz, published by the University of Toronto"
        return required(data_root, self.kind, "cifar-100-python", source)

    def load(self, data_root: Path | None) -> Splits:
        """Read the pickled archive as torchvision does."""
        from torchvision.datasets import CIFAR100

        folder = self.locate(data_root)
        parts = []
        for train in (True, False):
            try:
                data = CIFAR100(str(folder.parent), train=train, download=False)
            except (RuntimeError, OSError) as error:
                raise InputError(
                    f"{folder} is not a complete CIFAR-100: {_first_line(error)}"
                ) from None
            images = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous()
            parts.append((images, torch.tensor(data.targets)))
        return carved(*parts, validation=VALIDATION, seed=SPLIT_SEED)


def carved(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, validation: int, seed: int
) -> Splits:
    """Official train and test (images, labels) to three splits, validation carved from train."""
    images, labels = train
    # At most a fifth, for reduced copies of a dataset.
    rest, held = carve(labels, min(validation, len(labels) // 5), seed)
    mean, std = statistics(images[rest])
    return Splits(
        Split(images[rest], labels[rest]),
        Split(images[held], labels[held]),
        Split(*test),
        mean,
        std,
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
