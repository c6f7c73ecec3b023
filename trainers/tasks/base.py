"""What a task is: a labelled image set with three splits, and how it is loaded."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from searchspace.errors import InputError
from searchspace.schema import OMIT_DEFAULT, Value, non_defaults

Drawing = Literal["fixed", "resampled"]

UNLABELLED = ("fingerprint", "code")
"""Fields of tasks that tables and plots do not show."""


@dataclass(frozen=True)
class Crop:
    """A random resized crop, for streams, which must make it before images have one size.

    `area` and `aspect` are ranges as in `Recipe`; the boxes follow from `seed` and the image alone,
    not from the order in which images come. With `sizes`, in pixels, images of each size are made
    of the same box and lie one after the other, (N, C, sum of size^2).
    """

    area: tuple[float, float]
    aspect: tuple[float, float]
    seed: str
    sizes: tuple[int, ...] = ()

    def views(self, images: Tensor) -> list[Tensor]:
        """Images (..., sum of size^2) as views of each size, (..., size, size)."""
        parts = images.split([size**2 for size in self.sizes], -1)
        pairs = zip(parts, self.sizes, strict=True)
        return [part.unflatten(-1, (size, size)) for part, size in pairs]


class Split(ABC):
    """Labelled images in batches, stored in memory or read when they are needed."""

    crops: ClassVar[bool] = False
    """Whether `batches` makes the random resized crop; otherwise it is left to the device."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def to(self, device: torch.device) -> "Split":
        """The same split with its batches on another device."""

    @abstractmethod
    def batches(
        self, size: int, order: Tensor | None = None, crop: Crop | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (N, C, H, W) and labels (N,), `size` at a time, the last with what is left.

        All images once in their own order, or those at the indices `order`.
        """

    def with_threads(self, count: int) -> "Split":
        """The same split, read by `count` threads if its images are decoded as they are needed."""
        return self


@dataclass(frozen=True)
class StoredSplit(Split):
    """Images (N, C, H, W), uint8 or float32, and labels (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "StoredSplit":
        """The same split on another device."""
        return StoredSplit(self.images.to(device), self.labels.to(device))

    def batches(
        self, size: int, order: Tensor | None = None, crop: Crop | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Views without `order`, copies with it; `crop` is left to the device."""
        if order is None:
            yield from zip(self.images.split(size), self.labels.split(size), strict=True)
            return
        for picked in in_parts(order, size):
            # Ten times as fast as an index in brackets.
            yield self.images.index_select(0, picked), self.labels.index_select(0, picked)


def in_parts(order: Tensor, size: int) -> tuple[Tensor, ...]:
    """Indices, `size` at a time; no part where there are none, while torch makes an empty one."""
    return order.split(size) if len(order) else ()


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

    def with_threads(self, count: int) -> "Splits":
        """The same splits, as `Split.with_threads`."""
        train, validation, test = (
            split.with_threads(count) for split in (self.train, self.validation, self.test)
        )
        return replace(self, train=train, validation=validation, test=test)


@dataclass(frozen=True)
class Task(Value, ABC):
    """A dataset at one resolution; a subclass sets `kind` and the shapes and loads the splits.

    `splits` are fixed, or resampled: drawn anew for each seed from the images of all three, the
    same for all jobs of a seed.
    """

    classes: ClassVar[int]
    input_size: ClassVar[int]
    in_chs: ClassVar[int] = 3

    splits: Drawing = field(default="fixed", kw_only=True, metadata=OMIT_DEFAULT)

    def locate(self, data_root: Path | None) -> Path | None:
        """The folder that holds the data, None for bundled data; checked, but nothing is read.

        An InputError names what is missing and where to get it.
        """
        return None

    def download(self, data_root: Path | None) -> None:
        """Fetch the data into `data_root` if they are not there and torchvision can fetch them.

        An InputError says why they cannot be fetched.
        """

    def identified(self, data_root: Path | None) -> Self:
        """The task with what identifies its data, where its kind alone does not.

        An InputError if data are missing, or are others than those that were identified before.
        """
        self.locate(data_root)
        return self

    @abstractmethod
    def load(self, data_root: Path | None) -> Splits:
        """The three splits; an InputError names a missing file and where to get it."""

    @property
    @abstractmethod
    def train_images(self) -> int:
        """The number of training images of the complete dataset."""

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """Names of the classes in the order of the labels; numbers where there are none."""
        return tuple(str(label) for label in range(self.classes))

    @property
    def short_name(self) -> str:
        """What a command line calls it: the kind, or the name of a published dataset."""
        return self.kind

    def label(self) -> str:
        """A short name for tables and plots."""
        changed = {k: v for k, v in non_defaults(self).items() if k not in UNLABELLED}
        if self.short_name != self.kind:
            changed.pop("name", None)
        settings = ", ".join(f"{name}={value}" for name, value in changed.items())
        return f"{self.short_name}({settings})" if settings else self.short_name


def required(data_root: Path | None, task: str, name: str, source: str) -> Path:
    """The folder `name` under `data_root`; an InputError says how to get it."""
    if data_root is None:
        raise InputError(f"task {task} needs --data-root, a folder that holds {name}: {source}")
    if not data_root.is_dir():
        raise InputError(f"data root {data_root} does not exist; it must hold {name}: {source}")
    if not (data_root / name).is_dir():
        raise InputError(f"data root {data_root} has no folder {name}: {source}")
    return data_root / name


def stratified_split(labels: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices (rest, drawn): `count` examples drawn evenly over the classes by a fixed seed.

    Within each class the draw is random; class sizes in `drawn` differ by at most one unless a
    class has too few examples.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    shuffled = labels[order]
    # The rank of each example within its class; low ranks of all classes come first.
    rank = torch.zeros_like(shuffled)
    for label in shuffled.unique():
        in_class = shuffled == label
        rank[in_class] = torch.arange(int(in_class.sum()))
    order = order[torch.sort(rank, stable=True).indices]
    return order[count:].sort().values, order[:count].sort().values


def with_validation(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, validation: int, seed: int
) -> Splits:
    """Official train and test (images, labels) as three splits, validation drawn from train."""
    images, labels = train
    rest, held_out = stratified_validation(labels, validation, seed)
    train_images = images[rest]
    mean, std = statistics(train_images)
    return Splits(
        StoredSplit(train_images, labels[rest]),
        StoredSplit(images[held_out], labels[held_out]),
        StoredSplit(*test),
        mean,
        std,
    )


def stratified_validation(labels: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`stratified_split` with at most a fifth drawn: reduced copies of a dataset stay usable.

    An InputError if there are too few images to draw one.
    """
    if len(labels) < 5:
        raise InputError(
            f"the dataset has {len(labels)} training images; five are needed to set one aside for "
            "validation"
        )
    return stratified_split(labels, min(count, len(labels) // 5), seed)


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
