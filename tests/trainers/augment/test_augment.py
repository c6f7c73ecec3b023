"""Every augmentation against its definition; what holds for all of them over a table."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor
from torchvision.transforms.v2 import functional

from searchspace import InputError
from trainers import Recipe
from trainers.augment import (
    augment,
    colour,
    flip,
    pad_crop,
    pad_crop_flip,
    rand_augment,
    random_resized_crop,
    resized_crops,
    rotate,
)
from trainers.augment.geometry import boxes, erase, rotation, warp

FILL = torch.tensor([100.0, 110.0, 120.0])
OFF = Recipe(epochs=1, batch_size=1, lr=0.1)
ON: dict[str, dict[str, object]] = {
    "flip": {"flip": True},
    "pad_crop": {"crop_padding": 2},
    "random_resized_crop": {"crop_area": (0.2, 1.0)},
    "rotation": {"rotation": 40.0},
    "brightness": {"jitter": (0.5, 0.0, 0.0, 0.0)},
    "contrast": {"jitter": (0.0, 0.5, 0.0, 0.0)},
    "saturation": {"jitter": (0.0, 0.0, 0.5, 0.0)},
    "hue": {"jitter": (0.0, 0.0, 0.0, 0.5)},
    "rand_augment": {"rand_augment_operators": 2, "rand_augment_magnitude": 20},
    "erasing": {"erasing": 0.7},
    "mixup": {"mixup": 0.5},
    "cutmix": {"cutmix": 1.0},
    "mixup_and_cutmix": {"mixup": 0.5, "cutmix": 1.0},
}


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def stored(count: int = 8, side: int = 12) -> Tensor:
    return torch.randint(0, 256, (count, 3, side, side), generator=seeded(9), dtype=torch.uint8)


def run(images: Tensor, recipe: Recipe, seed: int = 0) -> tuple[Tensor, Tensor]:
    labels = torch.arange(len(images)) % 5
    return augment(images, labels, recipe, seeded(seed), classes=5, fill=FILL)


@pytest.mark.parametrize("name", ON)
def test_images_keep_shape_and_range_and_repeat_with_the_generator(name: str) -> None:
    images, recipe = stored(), replace(OFF, **ON[name])
    first, targets = run(images, recipe)
    assert first.shape == images.shape
    assert first.min() >= 0 and first.max() <= 255.01
    assert torch.equal(first, run(images, recipe)[0])
    assert torch.equal(targets, run(images, recipe)[1])
    assert not torch.equal(first, run(images, recipe, seed=1)[0])


@pytest.mark.parametrize("name", [name for name in ON if name not in ("mixup", "cutmix")])
def test_images_of_a_batch_are_drawn_apart(name: str) -> None:
    images = stored(1).expand(24, -1, -1, -1)
    results = run(images, replace(OFF, **ON[name]))[0].flatten(1)
    distinct = len({bytes(row.numpy()) for row in results})
    # A flip has two results, mixed equal images one.
    assert distinct >= {"flip": 2, "mixup_and_cutmix": 1}.get(name, 5)


@pytest.mark.parametrize(
    "zero",
    [
        OFF,
        replace(OFF, crop_area=(1.0, 1.0), crop_aspect=(1.0, 1.0)),
        replace(OFF, rand_augment_operators=3, rand_augment_magnitude=0),
    ],
)
def test_zero_strength_is_the_identity(zero: Recipe) -> None:
    # Autocontrast and equalisation have no strength: this image is a fixed point of both.
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(40, 3, -1, -1)
    result, targets = run(images, zero)
    torch.testing.assert_close(result.float(), images.float(), rtol=0, atol=0.02)
    assert torch.equal(targets, torch.arange(40) % 5)


@pytest.mark.parametrize(
    "operator",
    [
        lambda x, g: pad_crop(x, 0, g, FILL),
        lambda x, g: rotate(x, 0.0, g, FILL),
        lambda x, g: erase(x, 0.0, g, FILL),
        lambda x, g: 255 * colour.jitter(x / 255, (0.0,) * 4, g),
        lambda x, g: 255 * colour.hue(x / 255, torch.zeros(len(x))),
        lambda x, g: 255 * colour.contrast(x / 255, torch.ones(len(x))),
        lambda x, g: 255 * colour.sharpness(x / 255, torch.ones(len(x))),
    ],
)
def test_operators_without_strength_are_the_identity(
    operator: Callable[[Tensor, Generator], Tensor],
) -> None:
    images = stored().float()
    torch.testing.assert_close(operator(images, seeded()), images, rtol=0, atol=1e-3)


def test_what_is_off_leaves_stored_images_and_labels_alone() -> None:
    images = stored()
    result, targets = run(images, replace(OFF, flip=True))
    assert result.dtype == torch.uint8 and targets.dtype == torch.int64


def test_crops_that_a_stream_made_are_not_made_again() -> None:
    images, labels = stored(), torch.arange(8)
    recipe = replace(OFF, crop_area=(0.2, 0.5))
    result, _ = augment(images, labels, recipe, seeded(), classes=8, fill=FILL, cropped=True)
    assert torch.equal(result, images)


def test_flip_mirrors_each_image_or_leaves_it() -> None:
    images = torch.randn(64, 3, 4, 5)
    out = flip(images, seeded())
    mirrored = torch.tensor([torch.equal(a, b.flip(2)) for a, b in zip(out, images, strict=True)])
    same = torch.tensor([torch.equal(a, b) for a, b in zip(out, images, strict=True)])
    assert torch.equal(mirrored, ~same)
    assert 16 < mirrored.sum() < 48


@pytest.mark.parametrize("fill", [None, torch.tensor([0.5, -1.0])])
def test_pad_crop_gives_every_shift_of_the_padded_image(fill: Tensor | None) -> None:
    image = torch.arange(1.0, 1 + 2 * 4 * 3).reshape(1, 2, 4, 3)
    out = pad_crop(image.expand(400, -1, -1, -1), 1, seeded(), fill)
    border = torch.zeros(2) if fill is None else fill
    padded = border[:, None, None].repeat(1, 6, 5)
    padded[:, 1:5, 1:4] = image[0]
    shifts = {(r, c): padded[:, r : r + 4, c : c + 3] for r in range(3) for c in range(3)}
    found = [k for crop in out for k, shift in shifts.items() if torch.equal(crop, shift)]
    assert len(found) == 400
    assert set(found) == set(shifts)


@pytest.mark.parametrize("padding", [1, 3])
def test_crop_and_flip_in_one_equal_one_after_the_other(padding: int) -> None:
    images, generator = stored(40), seeded(4)
    wanted = flip(pad_crop(images, padding, generator, FILL), generator)
    assert torch.equal(pad_crop_flip(images, padding, seeded(4), FILL), wanted)
    generator = seeded(4)
    wanted = flip(pad_crop(images, padding, generator), generator)
    assert torch.equal(pad_crop_flip(images, padding, seeded(4)), wanted)
    assert wanted.dtype == torch.uint8


def test_cropping_stored_images_equals_cropping_normalised_ones_bit_for_bit() -> None:
    images, std = stored(), torch.tensor([60.0, 61.0, 62.0])

    def normalised(x: Tensor) -> Tensor:
        return (x.float() - FILL[:, None, None]) / std[:, None, None]

    first = normalised(run(images, replace(OFF, crop_padding=3, flip=True))[0])
    generator = seeded()
    second = flip(pad_crop(normalised(images), 3, generator), generator)
    assert torch.equal(first, second)


def test_crops_resized_are_torchvisions_of_the_same_boxes() -> None:
    images = stored(side=20).float()
    area, aspect = (0.1, 0.9), (0.5, 2.0)
    found = random_resized_crop(images, area, aspect, seeded(3))
    left, top, width, height = boxes(len(images), (20, 20), area, aspect, seeded(3))
    ramp = torch.arange(20.0) + 0.5
    for i in range(len(images)):
        # Bilinear samples at the centres of the output's pixels, by hand along one axis each.
        x = (left[i] + ramp * width[i] / 20 - 0.5).clamp(0, 19)
        y = (top[i] + ramp * height[i] / 20 - 0.5).clamp(0, 19)
        columns = torch.lerp(images[i][..., x.long()], images[i][..., x.ceil().long()], x.frac())
        rows = torch.lerp(columns[:, y.long()], columns[:, y.ceil().long()], y.frac()[:, None])
        torch.testing.assert_close(found[i], rows, rtol=1e-4, atol=0.05)


def test_crops_of_several_sizes_are_pillows_of_one_box() -> None:
    images = stored(3, side=20).float()
    found = resized_crops(images, (0.1, 0.9), (0.5, 2.0), (24, 11, 5), seeded(3))
    left, top, width, height = boxes(3, (20, 20), (0.1, 0.9), (0.5, 2.0), seeded(3))
    edges = torch.stack([left, top, left + width, top + height], 1).tolist()
    for size, view in zip((24, 11, 5), found, strict=True):
        for image, box, made in zip(images, edges, view, strict=True):
            planes = [Image.fromarray(plane.numpy()) for plane in image]
            sized = [plane.resize((size, size), Image.Resampling.BILINEAR, box) for plane in planes]
            wanted = torch.stack([torch.from_numpy(np.array(plane)) for plane in sized])
            torch.testing.assert_close(made, wanted, rtol=1e-4, atol=0.01)


@pytest.mark.parametrize("shape", [(20, 20), (10, 40)])
def test_boxes_have_the_area_and_aspect_that_was_asked_for(shape: tuple[int, int]) -> None:
    left, top, width, height = boxes(2000, shape, (0.1, 0.9), (0.5, 2.0), seeded())
    share, ratio = width * height / (shape[0] * shape[1]), width / height
    assert 0.1 - 1e-5 <= share.min() < 0.12 and 0.88 < share.max() <= 0.9 + 1e-5
    assert share.mean().item() == pytest.approx(0.5, abs=0.02)
    widest = torch.maximum(torch.tensor(2.0), share * shape[1] / shape[0])
    assert ratio.min() >= 0.5 - 1e-5 and (ratio <= widest + 1e-4).all()
    for start, side, whole in ((left, width, shape[1]), (top, height, shape[0])):
        assert start.min() >= 0 and (start + side).max() <= whole + 1e-4


def test_rotation_is_torchvisions_with_an_angle_for_each_image() -> None:
    images, angles = stored(4, 15).float(), torch.tensor([0.0, 90.0, -17.0, 33.0])
    found = warp(images, rotation(angles), torch.zeros(3), "nearest")
    for image, angle, turned in zip(images, angles.tolist(), found, strict=True):
        # To a pixel or two, whose nearest neighbour is a matter of rounding.
        same = (functional.rotate(image, angle) - turned).abs().amax(0) < 1e-3
        assert same.float().mean() > 0.97


@pytest.mark.parametrize(
    ("ours", "theirs", "amounts"),
    [
        (colour.brightness, functional.adjust_brightness, (0.0, 0.4, 1.0, 1.7)),
        (colour.contrast, functional.adjust_contrast, (0.0, 0.4, 1.0, 1.7)),
        (colour.saturation, functional.adjust_saturation, (0.0, 0.4, 1.0, 1.7)),
        (colour.sharpness, functional.adjust_sharpness, (0.0, 0.4, 1.0, 1.7)),
        (colour.hue, functional.adjust_hue, (-0.5, -0.2, 0.1, 0.4)),
    ],
)
def test_colours_are_torchvisions_with_a_strength_for_each_image(
    ours: Callable[[Tensor, Tensor], Tensor],
    theirs: Callable[[Tensor, float], Tensor],
    amounts: tuple[float, ...],
) -> None:
    images = stored(4).float() / 255
    found = ours(images, torch.tensor(amounts))
    wanted = torch.stack([theirs(x, a) for x, a in zip(images, amounts, strict=True)])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_colours_need_eight_bits() -> None:
    with pytest.raises(InputError, match="only a task with 8-bit images"):
        run(stored().float(), replace(OFF, jitter=(0.1, 0.0, 0.0, 0.0)))


def test_erasing_fills_one_box_of_the_stated_area_in_the_stated_share() -> None:
    images = torch.zeros(600, 3, 40, 30)
    erased = erase(images, 0.4, seeded(), FILL)
    inside = (erased == FILL[:, None, None]).all(1)
    assert torch.equal(erased != 0, inside[:, None].expand_as(erased))
    shares = inside.float().mean((1, 2))
    assert 0.34 < (shares > 0).float().mean() < 0.46
    for mask, share in zip(inside, shares, strict=True):
        if share:
            rows, columns = mask.any(1), mask.any(0)
            assert torch.equal(mask, rows[:, None] & columns[None])
            # Each side is rounded to whole pixels.
            assert 0.01 < share < 0.36


def test_rand_augment_applies_the_stated_number_of_operators() -> None:
    images = stored(400, 8).float() / 255
    once, twice = (rand_augment(images, n, 15, seeded(), FILL / 255) for n in (1, 2))

    def unchanged(result: Tensor) -> float:
        return (result == images).flatten(1).all(1).float().mean().item()

    # The identity is one of 14; two operators leave an image alone when both are it.
    assert unchanged(once) == pytest.approx(1 / 14, abs=0.04)
    assert unchanged(twice) < 0.03
    assert torch.equal(rand_augment(images, 0, 15, seeded(), FILL), images)
