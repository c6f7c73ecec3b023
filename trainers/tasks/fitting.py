"""Images that are brought to the size of a task."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Fit = Literal["resize", "pad"]
"""`resize` cuts to a centred square and scales it. `pad` cuts nothing and enlarges nothing: images
that are too large are scaled down, and a black border fills the rest."""

CHUNK = 4096
"""Images that are scaled at once, so that their copies in single precision stay small."""


def fitted(images: Tensor, size: int, fit: Fit) -> Tensor:
    """Square images (N, C, side, side) of uint8 as (N, C, size, size), unchanged at their size."""
    side = images.shape[-1]
    if side == size:
        return images
    if fit == "pad" and side < size:
        before = (size - side) // 2
        after = size - side - before
        return F.pad(images, (before, after, before, after))
    return torch.cat([_scaled(chunk, size) for chunk in images.split(CHUNK)])


def _scaled(images: Tensor, size: int) -> Tensor:
    scaled = F.interpolate(images.float(), (size, size), mode="bilinear", antialias=True)
    return scaled.round_().clamp_(0, 255).to(torch.uint8)


def fitted_image(image: Tensor, size: int, fit: Fit) -> Tensor:
    """An image (C, H, W) of any shape as (C, size, size)."""
    height, width = image.shape[1:]
    if fit == "pad":
        scale = min(1.0, size / max(height, width))
        shape = [max(1, round(scale * side)) for side in (height, width)]
        inner = image if scale == 1 else _resized(image, (shape[0], shape[1]))
        square = torch.zeros(image.shape[0], size, size, dtype=image.dtype)
        top, left = (size - shape[0]) // 2, (size - shape[1]) // 2
        square[:, top : top + shape[0], left : left + shape[1]] = inner
        return square
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[:, top : top + side, left : left + side]
    return square if side == size else _resized(square, (size, size))


def _resized(image: Tensor, shape: tuple[int, int]) -> Tensor:
    scaled = F.interpolate(image[None].float(), shape, mode="bilinear", antialias=True)[0]
    return scaled.round_().clamp_(0, 255).to(torch.uint8) if image.dtype == torch.uint8 else scaled
