"""The published datasets that the task `torchvision` reads, and what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class PublishedSet:
    """A dataset of torchvision: classes, images of the official splits, and where its files lie.

    `side` is the images' height and width in pixels, None where they have several. `files` must be
    there under the data root, where torchvision puts them. `form` says how its class keeps images:
    in IDX files, as an array, or as one file for each image. `train` and `test` are the settings of
    the class for each part of a split; sets with an official validation split have it in `train`.
    """

    classes: int
    train_images: int
    test_images: int
    form: Literal["idx", "array", "files"]
    files: tuple[str, ...]
    side: int | None = None
    in_chs: int = 3
    train: tuple[Mapping[str, Any], ...] = ({"split": "train"},)
    test: tuple[Mapping[str, Any], ...] = ({"split": "test"},)
    loader: str = ""
    """The name of the class in `torchvision.datasets`; that of the set, if it is empty."""
    first_label: int = 0
    checked: bool = True
    """Whether torchvision knows checksums of the files that it fetches."""
    system_folder: Path | None = field(default=None)
    """Where a package of the operating system puts the files."""


def _idx(
    name: str, classes: int, counts: tuple[int, int], parts: tuple[str, str], **more: Any
) -> PublishedSet:
    """A set of 28x28 grey images in IDX files under NAME/raw, as MNIST has them."""
    files = tuple(
        f"{name}/raw/{part}-{content}-ubyte"
        for part in parts
        for content in ("images-idx3", "labels-idx1")
    )
    return PublishedSet(classes, *counts, "idx", files, side=28, in_chs=1, **more)


_MNIST = ("train", "t10k")
_BOOL: dict[str, Any] = {"train": ({"train": True},), "test": ({"train": False},)}
_WITH_VALIDATION = ({"split": "train"}, {"split": "val"})

PUBLISHED: dict[str, PublishedSet] = {
    "FashionMNIST": _idx(
        "FashionMNIST", 10, (60_000, 10_000), _MNIST, **_BOOL,
        system_folder=Path("/usr/share/datasets/fashion-mnist"),
    ),
    "MNIST": _idx("MNIST", 10, (60_000, 10_000), _MNIST, **_BOOL),
    "KMNIST": _idx("KMNIST", 10, (60_000, 10_000), _MNIST, **_BOOL),
    "EMNIST": _idx(
        "EMNIST", 47, (112_800, 18_800), ("emnist-balanced-train", "emnist-balanced-test"),
        train=({"split": "balanced", "train": True},),
        test=({"split": "balanced", "train": False},),
    ),
    "EMNIST-letters": _idx(
        "EMNIST", 26, (124_800, 20_800), ("emnist-letters-train", "emnist-letters-test"),
        train=({"split": "letters", "train": True},),
        test=({"split": "letters", "train": False},),
        loader="EMNIST",
        first_label=1,
    ),
    "SVHN": PublishedSet(
        10, 73_257, 26_032, "array", ("train_32x32.mat", "test_32x32.mat"), side=32
    ),
    "USPS": PublishedSet(
        10, 7291, 2007, "array", ("usps.bz2", "usps.t.bz2"), side=16, in_chs=1, **_BOOL
    ),
    "Food101": PublishedSet(101, 75_750, 25_250, "files", ("food-101",)),
    "Flowers102": PublishedSet(
        102, 2040, 6149, "files", ("flowers-102",), train=_WITH_VALIDATION
    ),
    "OxfordIIITPet": PublishedSet(
        37, 3680, 3669, "files", ("oxford-iiit-pet",), train=({"split": "trainval"},)
    ),
    "DTD": PublishedSet(47, 3760, 1880, "files", ("dtd",), train=_WITH_VALIDATION),
    "FGVCAircraft": PublishedSet(
        100, 6667, 3333, "files", ("fgvc-aircraft-2013b",), train=({"split": "trainval"},),
        checked=False,
    ),
    "GTSRB": PublishedSet(43, 26_640, 12_630, "files", ("gtsrb",)),
    "Country211": PublishedSet(
        211, 42_200, 21_100, "files", ("country211",),
        train=({"split": "train"}, {"split": "valid"}),
    ),
    "Imagenette": PublishedSet(
        10, 9469, 3925, "files", ("imagenette2-320",),
        train=({"split": "train", "size": "320px"},),
        test=({"split": "val", "size": "320px"},),
    ),
}  # fmt: skip

OWN_TASKS = {
    "CIFAR10": "cifar10",
    "CIFAR100": "cifar100",
    "STL10": "stl10",
    "ImageNet": "imagenet",
    "ImageFolder": "folder",
}
"""Datasets of torchvision that have a task of their own."""
