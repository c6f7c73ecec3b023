"""Augmentation of whole batches on their device, from an explicit generator.

A draw of its own for every image, whatever the batch. What is off draws nothing, so a recipe sees
the same random numbers whether or not others know more augmentations.
"""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from searchspace.errors import InputError
from trainers.augment.colour import jitter
from trainers.augment.geometry import (
    erase,
    flip,
    pad_crop,
    pad_crop_flip,
    random_resized_crop,
    resized_crops,
    rotate,
)
from trainers.augment.mixing import mix, smooth
from trainers.augment.randaugment import rand_augment
from trainers.recipe import Recipe
from trainers.tasks import Crop, Split
from trainers.user_function import UserFunction

__all__ = [
    "augment",
    "augmented",
    "erase",
    "flip",
    "jitter",
    "mix",
    "pad_crop",
    "pad_crop_flip",
    "rand_augment",
    "random_resized_crop",
    "resized_crops",
    "rotate",
    "smooth",
]


def augmented(
    split: Split,
    order: Tensor,
    recipe: Recipe,
    generator: Generator,
    *,
    classes: int,
    fill: Tensor,
    seed: str,
    sizes: tuple[int, ...] = (),
) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Batches of the images at `order`, augmented: one view, or one of each of `sizes`.

    Views of several sizes share their random resized crop and nothing else; `seed` is for crops
    that a stream makes.
    """
    crop = Crop(recipe.crop_area, recipe.crop_aspect, seed, sizes) if recipe.crop_area else None
    for images, labels in split.batches(recipe.batch_size, order, crop):
        cropped = split.crops or bool(sizes)
        yield [
            augment(view, labels, recipe, generator, classes=classes, fill=fill, cropped=cropped)
            for view in _views(images, split, crop, generator)
        ]


def _views(images: Tensor, split: Split, crop: Crop | None, generator: Generator) -> list[Tensor]:
    """The images as they are, or their crop in each of its sizes."""
    if crop is None or not crop.sizes:
        return [images]
    if split.crops:
        return crop.views(images)
    return resized_crops(images.float(), crop.area, crop.aspect, crop.sizes, generator)


def augment(
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    generator: Generator,
    *,
    classes: int,
    fill: Tensor,
    cropped: bool = False,
) -> tuple[Tensor, Tensor]:
    """Augment stored images (N, C, H, W), before they are normalised, and their labels (N,).

    `fill`, (C,), is the mean of the pixels: what is uncovered has the value 0 once normalised.
    `cropped` says that the random resized crop has been made already. Images stay uint8 if they
    were and nothing needs more; targets are the labels, or (N, classes) if the recipe mixes or
    smooths them.
    """
    eight_bit = images.dtype == torch.uint8
    if recipe.crop_area and not cropped:
        images = random_resized_crop(
            images.float(), recipe.crop_area, recipe.crop_aspect, generator
        )
    if recipe.crop_padding:
        move = pad_crop_flip if recipe.flip else pad_crop
        images = move(images, recipe.crop_padding, generator, fill)
    elif recipe.flip:
        images = flip(images, generator)
    if recipe.rotation:
        images = rotate(images.float(), recipe.rotation, generator, fill)
    if any(recipe.jitter) or recipe.rand_augment_operators:
        if not eight_bit:
            raise InputError("only a task with 8-bit images can have its colours changed")
        images = 255 * _recoloured(images.float() / 255, recipe, generator, fill / 255)
    if recipe.erasing:
        images = erase(images.float(), recipe.erasing, generator, fill)
    if recipe.augmentation is not None:
        images = _changed(images.float(), recipe.augmentation, generator)
    if not (recipe.label_smoothing or recipe.mixup or recipe.cutmix):
        return images, labels
    targets = smooth(labels, classes, recipe.label_smoothing)
    if recipe.mixup or recipe.cutmix:
        images, targets = mix(images.float(), targets, recipe.mixup, recipe.cutmix, generator)
    return images, targets


def _changed(images: Tensor, named: UserFunction, generator: Generator) -> Tensor:
    """What a function of the user's makes of the images, of the same shape."""
    changed = named.load()(images, generator)
    if not isinstance(changed, Tensor) or changed.shape != images.shape:
        got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        raise InputError(
            f"the augmentation {named.name} must return images of shape {tuple(images.shape)}, "
            f"got {got}"
        )
    return changed


def _recoloured(images: Tensor, recipe: Recipe, generator: Generator, fill: Tensor) -> Tensor:
    """What is defined for pixels in [0, 1]."""
    images = jitter(images, recipe.jitter, generator)
    return rand_augment(
        images, recipe.rand_augment_operators, recipe.rand_augment_magnitude, generator, fill
    )
