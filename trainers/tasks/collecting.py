"""Pairs of image and label, from whatever yields them, as tensors; mistakes are one sentence."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from searchspace.checks import MAX_CLASSES, MAX_SIZE, shown
from searchspace.errors import InputError
from trainers.tasks.base import StoredSplit
from trainers.tasks.fitting import Fit, fitted_image
from trainers.tasks.image_file import eight_bit

LEAST = 10
"""Images in a part of which some are set aside."""


def collected(
    parts: Mapping[str, Iterable[Any]], size: int | None, fit: Fit, where: str
) -> dict[str, StoredSplit]:
    """Images (N, C, S, S) and labels of each part, all of one size and number of channels.

    An item is an image and its label. An image is a Pillow image, a tensor (C, H, W) or (H, W), or
    an array (H, W, C) or (H, W); numbers are uint8 or float. Where some images are grey and others
    have three channels, grey ones get three equal channels. An InputError names the item that is
    wrong.
    """
    images: dict[str, list[Tensor]] = {}
    labels: dict[str, Tensor] = {}
    for name, part in parts.items():
        place = f"{where}: {name}"
        pairs = [_pair(item, size, fit, f"{place}[{i}]") for i, item in enumerate(_items(part))]
        if not pairs:
            raise InputError(f"{place} has no images")
        images[name] = [image for image, _ in pairs]
        labels[name] = torch.tensor([label for _, label in pairs])
    _same_channels(images.values(), where)
    first = images["train"][0]
    for name, listed in images.items():
        for i, image in enumerate(listed):
            _check_alike(image, first, f"{where}: {name}[{i}]")
    return {name: StoredSplit(torch.stack(images[name]), labels[name]) for name in images}


def count_classes(parts: Mapping[str, StoredSplit], given: int | None, where: str) -> int:
    """The number of classes: as given, otherwise one more than the largest label."""
    highest = max(int(part.labels.max()) for part in parts.values())
    classes = highest + 1 if given is None else given
    if highest >= classes:
        raise InputError(
            f"{where}: labels must be from 0 to {classes - 1}, as there are {classes} classes, "
            f"got {highest}"
        )
    train = parts["train"].labels
    if len(train.unique()) < 2:
        raise InputError(
            f"{where}: the training images must be of two classes or more, and all have the label "
            f"{int(train[0])}"
        )
    return classes


def _items(part: Any) -> Iterable[Any]:
    """A dataset's items: by index where it has a length, otherwise as it yields them."""
    if hasattr(part, "__len__") and hasattr(part, "__getitem__"):
        return (part[i] for i in range(len(part)))
    return iter(part)


def _pair(item: Any, size: int | None, fit: Fit, place: str) -> tuple[Tensor, int]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise InputError(f"{place} must be an image and a label, got {shown(item)}")
    image = _image(item[0], place)
    if size is not None and image.shape[1:] != (size, size):
        image = fitted_image(image, size, fit)
    return image, _label(item[1], place)


def _label(value: Any, place: str) -> int:
    if isinstance(value, np.ndarray | np.generic):
        value = torch.as_tensor(value) if value.dtype.kind in "iufb" else value
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 <= value < MAX_CLASSES:
        raise InputError(
            f"{place}: a label must be a whole number from 0 to {MAX_CLASSES - 1}, got "
            f"{shown(value)}"
        )
    return int(value)


def _image(value: Any, place: str) -> Tensor:
    """An image as (C, H, W), uint8 or float32."""
    if isinstance(value, Image.Image):
        value = np.array(eight_bit(value, place))
    if isinstance(value, np.ndarray):
        if value.ndim == 3:
            value = value.transpose(2, 0, 1)
        if value.dtype.kind not in "uf":
            raise InputError(f"{place}: pixels must be uint8 or float, got {value.dtype}")
        value = torch.from_numpy(np.ascontiguousarray(value))
    if not isinstance(value, Tensor):
        raise InputError(
            f"{place}: an image must be a tensor, an array or a Pillow image, got {shown(value)}"
        )
    if value.ndim == 2:
        value = value[None]
    if value.ndim != 3 or not 0 < min(value.shape) or max(value.shape[1:]) > MAX_SIZE:
        raise InputError(
            f"{place}: an image must have channels, height and width, got the shape "
            f"{tuple(value.shape)}"
        )
    if value.dtype == torch.uint8:
        return value
    if not value.is_floating_point() or not bool(value.isfinite().all()):
        kind = value.dtype if not value.is_floating_point() else "some that are not finite"
        raise InputError(f"{place}: pixels must be uint8 or finite floats, got {kind}")
    return value.float()


def _same_channels(images: Collection[list[Tensor]], where: str) -> None:
    """Give grey images three equal channels where others have three."""
    channels = {image.shape[0] for part in images for image in part}
    if channels == {1, 3}:
        for part in images:
            part[:] = [image if len(image) == 3 else image.expand(3, -1, -1) for image in part]
    elif len(channels) > 1:
        raise InputError(f"{where}: all images must have as many channels, got {sorted(channels)}")


def _check_alike(image: Tensor, first: Tensor, place: str) -> None:
    height, width = image.shape[1:]
    if image.shape != first.shape or height != width:
        other = "" if height != width else f", and others {first.shape[2]}x{first.shape[1]}"
        raise InputError(
            f"{place} has {width}x{height} pixels{other}; images must be square and of one size: "
            "give size"
        )
    if image.dtype != first.dtype:
        raise InputError(
            f"{place} has pixels of {image.dtype} and others of {first.dtype}; give one kind"
        )
