"""Images made from a seed, in which only the size and the place of patterns tell the class."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from searchspace.checks import check_at_least, check_integer
from trainers.tasks.base import Splits, StoredSplit, Task, statistics

SIDE = 16
MAX_TRAIN = 2_000_000
HELD_OUT = 2000
"""Images in each of validation and test."""
RADII = (1, 2, 3)
"""Half the width of the first part, which is 2 r + 1 pixels wide."""
STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""Where the second part lies from the first: right, left, below, above."""
DISTANCE = 6
"""Pixels between the centres of the two parts."""
CONTRAST = 40.0
"""Root mean square of a part over its 7x7 window, of 255."""


@dataclass(frozen=True)
class Synthetic(Task):
    """16x16 images of two parts; 12 classes: 3 sizes of the first times 4 places of the second.

    The first part is a centre and its surround, the second a cross of diagonals; both have mean
    zero, equal energy whatever the size, a random place and a random colour of either sign. So the
    mean image of every class is grey, and neither a linear classifier nor any average over an image
    sees a class: the size needs receptive fields of several scales, the place spatial context.
    `difficulty` is the standard deviation of Gaussian pixel noise in units of a part's contrast.
    `data_seed` makes other images of the same kind, `train_size` any number of them.
    """

    train_size: int = 10_000
    difficulty: float = 0.5
    data_seed: int = 0

    kind: ClassVar[str] = "synthetic"
    classes: ClassVar[int] = len(RADII) * len(STEPS)
    input_size: ClassVar[int] = SIDE

    def __post_init__(self) -> None:
        check_integer(self.classes, MAX_TRAIN, train_size=self.train_size)
        check_at_least(0, 1e6, difficulty=self.difficulty)
        check_integer(0, data_seed=self.data_seed)

    @property
    def train_images(self) -> int:
        """The number of training images."""
        return self.train_size

    def load(self, data_root: Path | None = None) -> Splits:
        """The splits; nothing is read from `data_root`."""
        return _load(self)


@lru_cache(maxsize=4)
def _load(task: Synthetic) -> Splits:
    # Validation and test first: they do not depend on the size of the training set.
    generator = Generator().manual_seed(task.data_seed)
    validation, test, train = (
        _split(count, task, generator) for count in (HELD_OUT, HELD_OUT, task.train_size)
    )
    return Splits(train, validation, test, *statistics(train.images))


def _split(count: int, task: Synthetic, generator: Generator) -> StoredSplit:
    """`count` images, evenly over classes."""
    labels = torch.arange(count) % task.classes
    labels = labels[torch.randperm(count, generator=generator)]
    parts = torch.stack([_surrounded(radius) for radius in RADII])
    first = parts[labels // len(STEPS)]
    steps = DISTANCE * torch.tensor(STEPS)[labels % len(STEPS)]
    # Both centres are at least 3 pixels from every border, where the 7x7 windows fit.
    low = 3 + (-steps).clamp_min(0)
    span = SIDE - 6 - steps.abs()
    place = low + (torch.rand(count, 2, generator=generator) * span).long()
    pixels = _coloured(_placed(first, place), generator)
    pixels += _coloured(_placed(_diagonals().expand(count, 7, 7), place + steps), generator)
    pixels += task.difficulty * torch.randn(pixels.shape, generator=generator)
    images = (127.5 + CONTRAST * pixels).round().clamp(0, 255).to(torch.uint8)
    return StoredSplit(images, labels)


def _surrounded(radius: int) -> Tensor:
    """A bright square ring around a dark square, (7, 7), mean 0, mean square 1."""
    from_centre = (torch.arange(7) - 3).abs()
    distance = torch.maximum(from_centre[:, None], from_centre[None, :])
    ring = (distance == radius).float()
    inner = (distance < radius).float()
    return _unit(ring / ring.sum() - inner / inner.sum())


def _diagonals() -> Tensor:
    """A 3x3 pattern of two diagonals, signed so that neither mean nor centre is left, (7, 7)."""
    corners = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]])
    return _unit(F.pad(corners, (2, 2, 2, 2)))


def _unit(pattern: Tensor) -> Tensor:
    return pattern / pattern.square().mean().sqrt()


def _placed(patterns: Tensor, centres: Tensor) -> Tensor:
    """Put (N, 7, 7) at centres (N, 2), in rows and columns, of empty (N, 16, 16) images."""
    window = torch.arange(-3, 4)
    rows = (centres[:, 0, None] + window)[:, :, None]
    columns = (centres[:, 1, None] + window)[:, None, :]
    images = torch.zeros(len(patterns), SIDE, SIDE)
    images[torch.arange(len(patterns))[:, None, None], rows, columns] = patterns
    return images


def _coloured(pattern: Tensor, generator: Generator) -> Tensor:
    """(N, 16, 16) in three channels, by a random direction in colour space of length sqrt(3)."""
    colour = torch.randn(len(pattern), 3, 1, 1, generator=generator)
    return pattern[:, None] * F.normalize(colour, dim=1) * 3**0.5
