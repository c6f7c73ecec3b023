"""A task in words, for sentences; tables and files have its label."""

from searchspace.schema import non_defaults
from trainers import Task
from trainers.tasks.base import UNLABELLED

NAMES = {
    "FashionMNIST": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "imagenet": "ImageNet",
    "stl10": "STL-10",
    "tiny_imagenet": "Tiny ImageNet",
}
"""Datasets that are written otherwise than a command line has them."""


def task_words(task: Task) -> str:
    """The dataset, then the size and the number of images where they are not as usual."""
    changed = {k: v for k, v in non_defaults(task).items() if k not in UNLABELLED}
    if task.short_name != task.kind:
        changed.pop("name", None)
    name = NAMES.get(task.short_name, task.short_name)
    count, size = changed.pop("train_size", None), changed.pop("size", None)
    images = f", {count:,} training images" if count else ""
    at = f" at {size} px" if size else ""
    if changed.pop("splits", None) is not None:
        changed["splits"] = "resampled for each seed"
    validation = changed.pop("validation", None)
    if validation is not None:
        images += f", {validation:,} validation images" if validation else ""
    rest = "".join(f", {key.replace('_', ' ')} {value}" for key, value in changed.items())
    return f"{name}{at}{images}{rest}"
