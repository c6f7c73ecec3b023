"""What a task is: a labelled image set with three splits, and how it is loaded."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from searchspace.errors import InputError
from searchspace.schema import Value, non_defaults


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W), uint8 or float32, and labels (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Split":
        """The same split on another device."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Splits:
    """Train, validation and test; `mean` and `std`, (C,), of the training images.

    Selection and early stopping see `validation`; `test` is read once, at the end of a job.
    """

    train: Split
    validation: Split
    test: Split
    mean: Tensor
    std: Tensor

    def to(self, device: torch.device) -> "Splits":
        """The same splits on another device."""
        return Splits(
            self.train.to(device),
            self.validation.to(device),
            self.test.to(device),
            self.mean.to(device),
            self.std.to(device),
        )


@dataclass(frozen=True)
class Task(Value, ABC):
    """A dataset at one resolution; a subclass sets `kind` and the shapes and says how to load."""

    classes: ClassVar[int]
    input_size: ClassVar[int]
    in_chs: ClassVar[int] = 3

    def locate(self, data_root: Path | None) -> Path | None:
        """The folder that holds the data, None for bundled data; checked, but nothing is read.

        An InputError names what is missing and where to get it.
        """
        return None

    @abstractmethod
    def load(self, data_root: Path | None) -> Splits:
        """The three splits; an InputError names a missing file and where to get it."""

    @property
    @abstractmethod
    def train_images(self) -> int:
        """The number of training images of the complete dataset."""

    def label(self) -> str:
        """A short name for tables and plots."""
        settings = ", ".join(f"{name}={value}" for name, value in non_defaults(self).items())
        return f"{self.kind}({settings})" if settings else self.kind


def required(data_root: Path | None, task: str, name: str, source: str) -> Path:
    """The folder `name` under `data_root`; an InputError says how to get it."""
    if data_root is None:
        raise InputError(f"task {task} needs --data-root, a folder that holds {name}: {source}")
    if not data_root.is_dir():
        raise InputError(f"data root {data_root} does not exist; it must hold {name}: {source}")
    if not (data_root / name).is_dir():
        raise InputError(f"data root {data_root} has no folder {name}: {source}")
    return data_root / name


def carve(labels: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices (rest, carved): `count` examples drawn evenly over classes by a fixed seed.

    Within each class the draw is random; classes differ in size by at most one in `carved` unless
    a class has too few examples.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    shuffled = labels[order]
    # The rank of each example within its class; low ranks of all classes come first.
    rank = torch.zeros_like(shuffled)
    for label in shuffled.unique():
        here = shuffled == label
        rank[here] = torch.arange(int(here.sum()))
    order = order[torch.sort(rank, stable=True).indices]
    return order[count:].sort().values, order[:count].sort().values


def statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C,) over all pixels, in the images' units."""
    flat = images.transpose(0, 1).flatten(1)
    # Chunks keep the double-precision copy of a large uint8 set out of memory.
    chunks = flat.split(1 << 22, dim=1)
    count = flat.shape[1]
    mean = torch.stack([c.double().sum(1) for c in chunks]).sum(0) / count
    squares = torch.stack([c.double().square().sum(1) for c in chunks]).sum(0) / count
    std = (squares - mean.square()).clamp_min(1e-12).sqrt()
    return mean.float(), std.float()
