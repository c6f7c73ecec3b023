"""Augmentations that move pixels, with a draw of its own for every image of a batch."""

from collections.abc import Sequence
from math import pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image of (N, C, H, W) left to right with probability one half."""
    return _mirror(images, _coins(len(images), generator))


def pad_crop(
    images: Tensor, padding: int, generator: Generator, fill: Tensor | None = None
) -> Tensor:
    """Shift each image of (N, C, H, W) by up to `padding` pixels each way.

    The border is filled with `fill`, (C,), whose type the result then has, or with zeros.
    """
    rows, columns = _shifts(len(images), padding, generator)
    return _window(images, padding, rows, columns, fill)


def pad_crop_flip(
    images: Tensor, padding: int, generator: Generator, fill: Tensor | None = None
) -> Tensor:
    """`pad_crop`, then `flip`, at half the time: stored images of 8 bits are mirrored first."""
    rows, columns = _shifts(len(images), padding, generator)
    coins = _coins(len(images), generator)
    columns = torch.where(coins, 2 * padding - columns, columns)
    return _window(_mirror(images, coins), padding, rows, columns, fill)


def _coins(count: int, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device) < 0.5


def _shifts(count: int, padding: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Rows and columns (N,) at which crops of padded images start, from 0 to 2 * padding."""
    shape = (2, count, 1)
    shifts = torch.randint(2 * padding + 1, shape, generator=generator, device=generator.device)
    return shifts[0, :, 0], shifts[1, :, 0]


def _mirror(images: Tensor, chosen: Tensor) -> Tensor:
    """The chosen images (N,) mirrored; whole images are copied, faster than pixels by a mask."""
    count = len(images)
    indices = torch.arange(count, device=images.device) + count * chosen
    return torch.cat([images, images.flip(3)]).index_select(0, indices)


def _window(
    images: Tensor, padding: int, rows: Tensor, columns: Tensor, fill: Tensor | None
) -> Tensor:
    """Of each padded image the window (H, W) that starts at its row and column."""
    count, chs, height, width = images.shape
    fill = images.new_zeros(chs) if fill is None else fill
    # Windows of the last image are addressed as views that reach into one image more.
    shape = (count + 1, chs, height + 2 * padding, width + 2 * padding)
    padded = fill[:, None, None].expand(shape).clone(memory_format=torch.contiguous_format)
    padded[:count, :, padding : padding + height, padding : padding + width] = images
    image, plane, row, _ = padded.stride()
    # One window for every place in memory: picking one of each image copies whole rows.
    windows = padded.as_strided((count * image, chs, height, width), (1, plane, row, 1))
    first = torch.arange(count, device=images.device) * image
    return windows.index_select(0, first + rows * row + columns)


def warp(
    images: Tensor, inverse: Tensor, fill: Tensor | None = None, mode: str = "bilinear"
) -> Tensor:
    """Move pixels by one affine map for each image: out(p) = in(inverse @ p).

    `inverse`, (N, 2, 3), acts on (x, y, 1) in pixels from the image's centre. Beyond the border is
    `fill`, (C,), or, without it, the pixel of the border.
    """
    height, width = images.shape[2:]
    # Filled there, for numbers that are sent would make the host wait for the device.
    halves = [torch.full((1,), side / 2, device=images.device) for side in (width, height)]
    half = torch.cat(halves)
    scale = torch.cat([half, half.new_ones(1)]) / half[:, None]
    grid = F.affine_grid(inverse * scale, list(images.shape), align_corners=False)
    if fill is None:
        return F.grid_sample(images, grid, mode, padding_mode="border", align_corners=False)
    level = fill[:, None, None]
    moved = F.grid_sample(images - level, grid, mode, padding_mode="zeros", align_corners=False)
    return moved + level


def uniform(low: Tensor | float, high: Tensor | float, count: int, generator: Generator) -> Tensor:
    """`count` numbers between bounds, which may differ from number to number."""
    drawn = torch.rand(count, generator=generator, device=generator.device)
    return low + (high - low) * drawn


def boxes(
    count: int,
    shape: tuple[int, int],
    area: tuple[float, float],
    aspect: tuple[float, float],
    generator: Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random boxes inside an image of `shape` (H, W): left, top, width, height, each (count,).

    The area is uniform in `area` (shares of the image), the logarithm of width / height uniform in
    that part of `aspect` with which such an area fits, the place uniform.
    """
    height, width = shape
    share = uniform(*area, count, generator)
    widest, tallest = width / (height * share), width * share / height
    low = torch.clamp(torch.full_like(share, aspect[0]), tallest, widest)
    high = torch.clamp(torch.full_like(share, aspect[1]), tallest, widest)
    ratio = uniform(low.log(), high.log(), count, generator).exp()
    box_width = (share * height * width * ratio).sqrt().clamp(max=width)
    box_height = (share * height * width / ratio).sqrt().clamp(max=height)
    left = uniform(0.0, width - box_width, count, generator)
    top = uniform(0.0, height - box_height, count, generator)
    return left, top, box_width, box_height


def random_resized_crop(
    images: Tensor, area: tuple[float, float], aspect: tuple[float, float], generator: Generator
) -> Tensor:
    """A random box of each image of (N, C, H, W), resized to (H, W) bilinearly; see `boxes`."""
    height, width = images.shape[2:]
    left, top, box_width, box_height = boxes(
        len(images), (height, width), area, aspect, generator
    )  # fmt: skip
    zero = torch.zeros_like(left)
    across = [box_width / width, zero, left + (box_width - width) / 2]
    down = [zero, box_height / height, top + (box_height - height) / 2]
    inverse = torch.stack([torch.stack(across, 1), torch.stack(down, 1)], 1)
    return warp(images, inverse)


def resized_crops(
    images: Tensor,
    area: tuple[float, float],
    aspect: tuple[float, float],
    sizes: Sequence[int],
    generator: Generator,
) -> list[Tensor]:
    """A random box of each image of (N, C, H, W), resized to (size, size) for each of `sizes`.

    Shrinking averages all pixels, as Pillow's bilinear filter does; for the boxes, see `boxes`.
    """
    height, width = images.shape[2:]
    left, top, box_width, box_height = boxes(len(images), (height, width), area, aspect, generator)
    return [
        _bilinear(top, box_height, height, size)[:, None]
        @ images
        @ _bilinear(left, box_width, width, size)[:, None].mT
        for size in sizes
    ]


def _bilinear(start: Tensor, length: Tensor, pixels: int, size: int) -> Tensor:
    """Shares (N, size, pixels) of an axis' pixels in `size` samples of [start, start + length]."""
    scale = (length / size)[:, None, None]
    outputs, inputs = (torch.arange(n, device=start.device) + 0.5 for n in (size, pixels))
    centres = start[:, None, None] + scale * outputs[:, None]
    shares = (1 - (inputs - centres).abs() / scale.clamp(min=1)).clamp(min=0)
    return shares / shares.sum(2, keepdim=True)


def rotation(angles: Tensor) -> Tensor:
    """The maps (N, 2, 3) that `warp` needs to turn images by `angles` (N,) in degrees."""
    cosine, sine = (angles * (pi / 180)).cos(), (angles * (pi / 180)).sin()
    zero = torch.zeros_like(angles)
    rows = [torch.stack([cosine, -sine, zero], 1), torch.stack([sine, cosine, zero], 1)]
    return torch.stack(rows, 1)


def rotate(images: Tensor, degrees: float, generator: Generator, fill: Tensor) -> Tensor:
    """Turn each image of (N, C, H, W) about its centre by up to `degrees` either way."""
    angles = uniform(-degrees, degrees, len(images), generator)
    return warp(images, rotation(angles), fill)


def erase(images: Tensor, probability: float, generator: Generator, fill: Tensor) -> Tensor:
    """Fill a random box of each image with `fill`, (C,), with some probability.

    Zhong et al., Random erasing data augmentation, Section 3.1, with the box's area from 2 to 33 %
    of the image and its aspect from 0.3 to 1 / 0.3; `fill` is the mean colour.
    """
    count, _, height, width = images.shape
    left, top, box_width, box_height = boxes(
        count, (height, width), (0.02, 0.33), (0.3, 1 / 0.3), generator
    )
    inside = box_mask((height, width), left, top, box_width, box_height)
    chosen = uniform(0.0, 1.0, count, generator) < probability
    return torch.where((inside & chosen[:, None, None])[:, None], fill[:, None, None], images)


def box_mask(
    shape: tuple[int, int], left: Tensor, top: Tensor, box_width: Tensor, box_height: Tensor
) -> Tensor:
    """Which pixels of (N, H, W) lie in each image's box, by their centres."""
    y = torch.arange(shape[0], device=left.device) + 0.5
    x = torch.arange(shape[1], device=left.device) + 0.5
    rows = (y >= top[:, None]) & (y < (top + box_height)[:, None])
    columns = (x >= left[:, None]) & (x < (left + box_width)[:, None])
    return rows[:, :, None] & columns[:, None, :]
