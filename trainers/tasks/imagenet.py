"""ImageNet (ILSVRC2012) as folders of JPEG files, streamed."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from searchspace.errors import InputError
from trainers.tasks.base import Splits, Task, required, stratified_validation
from trainers.tasks.stream import StreamedSplit

VALIDATION = 20_000
SPLIT_SEED = 20265
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""Mean and standard deviation of ImageNet's pixels, 0 to 255, as commonly used."""
SOURCE = "unpack ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar of image-net.org there"


@dataclass(frozen=True)
class ImageNet(Task):
    """224x224, 1000 classes: 1,261,167 train, 20,000 validation from it, 50,000 test.

    Files are `train/CLASS/*.JPEG` and `val/CLASS/*.JPEG` in the folder `imagenet`; classes are
    numbered in the order of their names. The official validation set is our test split.
    """

    kind: ClassVar[str] = "imagenet"
    classes: ClassVar[int] = 1000
    input_size: ClassVar[int] = 224

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 1_281_167 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The folder `imagenet` under `data_root`, with its two parts."""
        folder = required(data_root, self.kind, "imagenet", SOURCE)
        for name in ("train", "val"):
            if not (folder / name).is_dir():
                raise InputError(f"{folder / name} is missing; {SOURCE}")
        return folder

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """The WordNet ids that name the class folders."""
        return tuple(self._folders(self.locate(data_root)))

    def load(self, data_root: Path | None) -> Splits:
        """List all files; none is read."""
        folder = self.locate(data_root)
        names = self._folders(folder)
        train, test = (self._listed(folder / part, names) for part in ("train", "val"))
        rest, held = stratified_validation(train.labels, VALIDATION, SPLIT_SEED)
        statistics = torch.tensor(MEAN), torch.tensor(STD)
        return Splits(train.part(rest), train.part(held), test, *statistics)

    def _folders(self, folder: Path) -> list[str]:
        names = sorted(entry.name for entry in os.scandir(folder / "train") if entry.is_dir())
        if not 0 < len(names) <= self.classes:
            raise InputError(f"{folder / 'train'} must have 1 to 1000 folders, has {len(names)}")
        return names

    def _listed(self, folder: Path, names: list[str]) -> StreamedSplit:
        """All images of a folder of class folders, in order of class and name."""
        paths: list[str] = []
        labels: list[int] = []
        for label, name in enumerate(names):
            try:
                files = sorted(entry.path for entry in os.scandir(folder / name))
            except OSError:
                raise InputError(
                    f"{folder / name} is missing; {folder} must have a folder for each class"
                ) from None
            images = [path for path in files if path.endswith(".JPEG")]
            paths += images
            labels += [label] * len(images)
        if not paths:
            raise InputError(f"{folder} has no *.JPEG files in its class folders; {SOURCE}")
        return StreamedSplit(tuple(paths), torch.tensor(labels), self.input_size)
