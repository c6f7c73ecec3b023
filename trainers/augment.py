"""Augmentation of whole batches on their device, from an explicit generator."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image of (N, C, H, W) left to right with probability one half."""
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def pad_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """Shift each image of (N, C, H, W) by up to `padding` pixels each way, filling with zeros."""
    count, _, height, width = images.shape
    span = 2 * padding + 1
    shifts = torch.randint(span, (2, count, 1), generator=generator, device=images.device)
    rows = shifts[0] + torch.arange(height, device=images.device)
    columns = shifts[1] + torch.arange(width, device=images.device)
    padded = F.pad(images, (padding,) * 4)
    batch = torch.arange(count, device=images.device)[:, None, None]
    # Advanced indices around a slice put the channels last: (N, H, W, C).
    return padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
