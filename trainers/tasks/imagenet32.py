"""ImageNet32x32, read from its pickled batches by a reader that makes arrays and nothing else."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.tasks.array_pickle import read_pickle
from trainers.tasks.base import Splits, Task, required, with_validation

VALIDATION = 10_000
SPLIT_SEED = 20264
SIDE = 32
TRAIN = tuple(f"train_data_batch_{i}" for i in range(1, 11))
TEST = "val_data"
SOURCE = "unpack Imagenet32_train.zip and Imagenet32_val.zip of image-net.org there"


@dataclass(frozen=True)
class ImageNet32(Task):
    """ImageNet at 32x32, 1000 classes: 1,271,167 train, 10,000 validation from it, 50,000 test.

    The official validation set is our test split. In memory: 4 GB, and while it loads twice that.
    """

    kind: ClassVar[str] = "imagenet32"
    classes: ClassVar[int] = 1000
    input_size: ClassVar[int] = SIDE

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 1_281_167 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The folder `imagenet32` under `data_root`, with all eleven files."""
        folder = required(data_root, self.kind, "imagenet32", SOURCE)
        for name in (*TRAIN, TEST):
            if not (folder / name).is_file():
                raise InputError(f"{folder / name} is missing; {SOURCE}")
        return folder

    def load(self, data_root: Path | None) -> Splits:
        """Read all batches to memory."""
        folder = self.locate(data_root)
        train = _joined([_read(folder / name) for name in TRAIN])
        return with_validation(train, _read(folder / TEST), validation=VALIDATION, seed=SPLIT_SEED)


_DAMAGE = pickle.UnpicklingError, OSError, LookupError, TypeError, ValueError, OverflowError


def _joined(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    images, labels = zip(*parts, strict=True)
    return torch.cat(images), torch.cat(labels)


def _read(path: Path) -> tuple[Tensor, Tensor]:
    """Rows of R, G and B planes; labels from 1 to 1000."""
    try:
        content = read_pickle(path)
        pixels = np.asarray(content["data"], np.uint8).reshape(-1, 3, SIDE, SIDE)
        labels = np.asarray(content["labels"])
        if labels.dtype.kind not in "iu":
            raise TypeError("labels are not whole numbers")
        labels = labels.astype(np.int64) - 1
    except _DAMAGE as error:
        raise InputError(f"{path} is not a batch of ImageNet32x32 ({error}); {SOURCE}") from None
    valid = (labels >= 0) & (labels < ImageNet32.classes)
    if not len(labels) or len(labels) != len(pixels) or not valid.all():
        raise InputError(f"{path} needs a label from 1 to 1000 for each image; {SOURCE}")
    return torch.from_numpy(pixels), torch.from_numpy(labels)
