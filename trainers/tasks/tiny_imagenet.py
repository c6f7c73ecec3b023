"""Tiny-ImageNet, read from the unpacked tiny-imagenet-200 folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.tasks.base import Splits, Task, required, with_validation
from trainers.tasks.image_file import read_rgb

VALIDATION = 10000
SPLIT_SEED = 20262


@dataclass(frozen=True)
class TinyImageNet(Task):
    """64x64 images of 200 classes: 90,000 train, 10,000 validation drawn from train, 10,000 test.

    The published test split has no labels, so the official validation folder is our test split, as
    in the papers' figures.
    """

    kind: ClassVar[str] = "tiny_imagenet"
    classes: ClassVar[int] = 200
    input_size: ClassVar[int] = 64

    @property
    def train_images(self) -> int:
        """The number of training images left by the validation split."""
        return 100_000 - VALIDATION

    def locate(self, data_root: Path | None) -> Path:
        """The folder `tiny-imagenet-200` under `data_root`."""
        source = "unpack tiny-imagenet-200.zip of Stanford's course CS231n"
        return required(data_root, self.kind, "tiny-imagenet-200", source)

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """The WordNet ids of wnids.txt."""
        return tuple(_lines(self.locate(data_root) / "wnids.txt"))

    def load(self, data_root: Path | None) -> Splits:
        """Decode all images to memory."""
        folder = self.locate(data_root)
        ids = _lines(folder / "wnids.txt")
        label_of = {name: index for index, name in enumerate(ids)}
        train = [
            (path, label)
            for name, label in label_of.items()
            for path in sorted((folder / "train" / name / "images").glob("*.JPEG"))
        ]
        test = []
        annotations = folder / "val" / "val_annotations.txt"
        for number, line in enumerate(_lines(annotations), start=1):
            name, _, rest = line.partition("\t")
            label = rest.partition("\t")[0]
            if label not in label_of or Path(name).name != name:
                raise InputError(
                    f"{annotations} line {number} must be a file, a class of wnids.txt and a box, "
                    f"with tabs between, got {line[:60]!r}; unpack tiny-imagenet-200.zip again"
                )
            test.append((folder / "val" / "images" / name, label_of[label]))
        if not train or not test:
            raise InputError(
                f"{folder} holds {len(train)} training and {len(test)} validation images; "
                "unpack tiny-imagenet-200.zip again"
            )
        return with_validation(_read(train), _read(test), validation=VALIDATION, seed=SPLIT_SEED)


def _lines(path: Path) -> list[str]:
    try:
        if not path.is_file():
            raise InputError(f"{path} is missing; unpack tiny-imagenet-200.zip again")
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} is not a text; unpack tiny-imagenet-200.zip again") from None


def _read(items: Sequence[tuple[Path, int]]) -> tuple[Tensor, Tensor]:
    """Decode to (N, 3, 64, 64) uint8 and labels; grey images become three channels."""
    images = torch.empty(len(items), 3, 64, 64, dtype=torch.uint8)
    for i, (path, _) in enumerate(items):
        pixels = np.array(read_rgb(path))
        if pixels.shape != (64, 64, 3):
            height, width, _ = pixels.shape
            raise InputError(f"{path} is {width}x{height}, not a 64x64 JPEG; unpack it again")
        images[i] = torch.from_numpy(pixels).permute(2, 0, 1)
    return images, torch.tensor([label for _, label in items])
