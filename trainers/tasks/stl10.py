"""STL-10, read from the unpacked stl10_binary folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.tasks.base import Splits, Task, required, with_validation
from trainers.tasks.downloading import download

VALIDATION = 500
SPLIT_SEED = 20263
SIDE = 96
FOLDER = "stl10_binary"
ARCHIVE = "stl10_binary.tar.gz of Stanford's STL-10 page"


@dataclass(frozen=True)
class Stl10(Task):
    """96x96 images, 10 classes: 4,500 train, 500 validation drawn from train, 8,000 test.

    The 100,000 unlabelled images are not used and need not be there.
    """

    kind: ClassVar[str] = "stl10"
    classes: ClassVar[int] = 10
    input_size: ClassVar[int] = SIDE

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 5000 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The folder `stl10_binary` under `data_root`."""
        return required(data_root, self.kind, FOLDER, f"unpack {ARCHIVE}")

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """The lines of class_names.txt; the label's number if it is missing."""
        path = self.locate(data_root) / "class_names.txt"
        try:
            names = path.read_text(encoding="utf-8").split() if path.is_file() else []
        except (OSError, UnicodeDecodeError):
            names = []
        return tuple(names) if len(names) == self.classes else super().class_names(data_root)

    def download(self, data_root: Path | None) -> None:
        """Fetch and unpack the archive unless its folder is there."""
        from torchvision.datasets import STL10

        if data_root is None or not (data_root / FOLDER).exists():
            download("STL-10", lambda root: STL10(root, download=True), data_root, FOLDER)

    def load(self, data_root: Path | None) -> Splits:
        """Read both labelled sets."""
        folder = self.locate(data_root)
        train, test = (_read(folder, name) for name in ("train", "test"))
        return with_validation(train, test, validation=VALIDATION, seed=SPLIT_SEED)


def _read(folder: Path, name: str) -> tuple[Tensor, Tensor]:
    """Three planes for each image, each column by column; labels from 1 to 10."""
    pixels, labels = (_bytes(folder / f"{name}_{part}.bin") for part in ("X", "y"))
    if not len(labels) or len(pixels) != len(labels) * 3 * SIDE * SIDE:
        raise InputError(
            f"{folder / name}_X.bin has {len(pixels)} bytes, not {3 * SIDE * SIDE} for each of the "
            f"{len(labels)} labels in {name}_y.bin; unpack {ARCHIVE} again"
        )
    if labels.min() < 1 or labels.max() > 10:
        raise InputError(f"{folder / name}_y.bin has labels outside 1 to 10; unpack it again")
    images = pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 1, 3, 2)
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64) - 1)


def _bytes(path: Path) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    try:
        # A pipe would be waited for.
        if not path.is_file():
            raise InputError(f"{path} is missing; unpack {ARCHIVE} again")
        return np.fromfile(path, np.uint8)
    except OSError:
        raise InputError(f"{path} is missing; unpack {ARCHIVE} again") from None
