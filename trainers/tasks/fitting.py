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
