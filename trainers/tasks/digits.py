"""scikit-learn's bundled handwritten digits, made hard enough for networks to differ."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch

from searchspace.checks import check_at_least, check_integer
from searchspace.errors import InputError
from trainers.tasks.base import Splits, StoredSplit, Task, statistics, stratified_split

SPLIT_SEED = 20260
HELD_OUT = 450
"""Images in each of validation and test, of 1797."""
LARGEST_TRAIN = 1797 - 2 * HELD_OUT


@dataclass(frozen=True)
class Digits(Task):
    """8x8 digits in three channels, with Gaussian pixel noise.

    `noise` is in standard deviations of the training pixels, drawn once for each image, the same in
    all runs and independent between channels; `train_size` is the number of training images, evenly
    over classes (897 at most). Without noise a small ResNet is right on 98.7 % and nothing can be
    told apart.
    """

    noise: float = 0.8
    train_size: int = LARGEST_TRAIN

    kind: ClassVar[str] = "digits"
    classes: ClassVar[int] = 10
    input_size: ClassVar[int] = 8

    def __post_init__(self) -> None:
        check_at_least(0, 1e6, noise=self.noise)
        check_integer(10, train_size=self.train_size)
        if self.train_size > LARGEST_TRAIN:
            raise InputError(f"train_size must be at most {LARGEST_TRAIN}, got {self.train_size}")

    @property
    def train_images(self) -> int:
        """The number of training images."""
        return self.train_size

    def load(self, data_root: Path | None = None) -> Splits:
        """The splits; nothing is read from `data_root`."""
        return _load(self)


@lru_cache(maxsize=8)
def _load(task: Digits) -> Splits:
    from sklearn.datasets import load_digits

    pixels, targets = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels).float().reshape(-1, 1, 8, 8)
    labels = torch.from_numpy(targets).long()
    rest, test = stratified_split(labels, HELD_OUT, SPLIT_SEED)
    train, validation = (rest[i] for i in stratified_split(labels[rest], HELD_OUT, SPLIT_SEED + 1))
    std = images[train].std()
    generator = torch.Generator().manual_seed(SPLIT_SEED + 2)
    noise = torch.randn(len(images), 3, 8, 8, generator=generator)
    images = images.expand(-1, 3, -1, -1) + task.noise * std * noise
    if task.train_size < len(train):
        train = train[stratified_split(labels[train], task.train_size, SPLIT_SEED + 3)[1]]
    train_split, validation_split, test_split = (
        StoredSplit(images[part], labels[part]) for part in (train, validation, test)
    )
    mean, deviation = statistics(images[train])
    return Splits(train_split, validation_split, test_split, mean, deviation)
