"""Targets that are not one class: label smoothing, mixup and cutmix."""

from math import pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from trainers.augment.geometry import box_mask, uniform


def smooth(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels (N,) as (N, classes): a share `smoothing` spread evenly over all classes."""
    return F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes


def symmetric_beta(alpha: float, count: int, generator: Generator) -> Tensor:
    """`count` draws from Beta(alpha, alpha), each from three uniform ones.

    Devroye, Random variate generation in one line of code, 1996: the symmetric beta distribution.
    torch's own sampler cannot be given a generator.
    """
    shape = (3, count)
    first, second, sign = torch.rand(
        shape, generator=generator, device=generator.device, dtype=torch.float64
    )
    odds = (first.pow(-1 / alpha) - 1) * (2 * pi * second).cos().square()
    distance = (1 + 1 / odds).rsqrt() / 2
    return (0.5 + torch.where(sign < 0.5, -distance, distance)).float()


def mix(
    images: Tensor, targets: Tensor, mixup: float, cutmix: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Mix each image with another of the batch; where both ways are on, a coin for each decides.

    `mixup` and `cutmix` are the parameters of the Beta distributions of the first image's share,
    0 for off. Images are float (N, C, H, W), targets (N, classes).
    """
    count = len(images)
    partner = torch.randperm(count, generator=generator, device=images.device)
    if not cutmix:
        return _mixup(images, targets, partner, symmetric_beta(mixup, count, generator))
    keep, share = _cutmix_mask(images, symmetric_beta(cutmix, count, generator), generator)
    if mixup:
        # A blend is a cut whose every pixel keeps the share of the whole.
        blended = symmetric_beta(mixup, count, generator)
        coin = uniform(0.0, 1.0, count, generator) < 0.5
        share = torch.where(coin, blended, share)
        keep = torch.where(coin[:, None, None], blended[:, None, None], keep)
    return _combine(images, targets, partner, keep[:, None], share)


def _mixup(
    images: Tensor, targets: Tensor, partner: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """Zhang et al., mixup: beyond empirical risk minimization, eq. 1; a share for each image."""
    return _combine(images, targets, partner, share[:, None, None, None], share)


def _cutmix_mask(images: Tensor, share: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Yun et al., CutMix, Section 3.1: 1 where the image stays (N, H, W), and its true share.

    The box has the image's aspect and area 1 - share before it is cut at the border.
    """
    height, width = images.shape[2:]
    side = (1 - share).sqrt()
    left = uniform(0.0, width, len(images), generator) - side * width / 2
    top = uniform(0.0, height, len(images), generator) - side * height / 2
    keep = ~box_mask((height, width), left, top, side * width, side * height)
    keep = keep.to(images.dtype)
    return keep, keep.mean((1, 2))


def _combine(
    images: Tensor, targets: Tensor, partner: Tensor, keep: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    mixed = torch.lerp(images[partner], images, keep)
    return mixed, torch.lerp(targets[partner], targets, share[:, None])
