"""Augmentations of colour in images (N, 3, H, W) in [0, 1], with a strength for every image.

torchvision's functionals take one strength for a batch. Most of them blend an image with a plainer
one, which they return at strength 0: theirs is the plainer image, ours the blend.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from trainers.augment.geometry import uniform


def blend(images: Tensor, plain: Tensor, factor: Tensor) -> Tensor:
    """Go from `plain`, where `factor` (N,) is 0, over `images`, where it is 1, and beyond."""
    return torch.lerp(plain, images, factor[:, None, None, None]).clamp(0, 1)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply each image by its factor."""
    return (images * factor[:, None, None, None]).clamp(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's mean grey."""
    return blend(images, torchvision("adjust_contrast", images, 0.0), factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the grey image."""
    return blend(images, torchvision("adjust_saturation", images, 0.0), factor)


def sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the smoothed image."""
    return blend(images, torchvision("adjust_sharpness", images, 0.0), factor)


def hue(images: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue of each image by its share (N,) of a full circle; grey images have none."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(1)
    value, index = images.max(1)
    chroma = value - images.amin(1)
    safe = chroma.clamp_min(torch.finfo(images.dtype).tiny)
    # Sixths of the circle, from the two other channels' difference and the largest channel.
    sixths = torch.stack([(green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4])
    sixth = sixths.gather(0, index[None])[0] + 6 * shift[:, None, None]
    channels = []
    for offset in (5, 3, 1):
        place = (sixth + offset).remainder(6)
        channels.append(value - chroma * torch.minimum(place, 4 - place).clamp(0, 1))
    return torch.stack(channels, 1)


def jitter(
    images: Tensor,
    strengths: tuple[float, float, float, float],
    generator: Generator,
) -> Tensor:
    """Change brightness, contrast, saturation (factors up to 1 +- strength) and hue (shift).

    In this order, while torchvision's ColorJitter draws one for each call.
    """
    operators: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (brightness, contrast, saturation)
    for operator, strength in zip(operators, strengths[:3], strict=True):
        if strength:
            factor = uniform(max(0.0, 1 - strength), 1 + strength, len(images), generator)
            images = operator(images, factor)
    if strengths[3]:
        images = hue(images, uniform(-strengths[3], strengths[3], len(images), generator))
    return images


def torchvision(name: str, images: Tensor, *strength: float) -> Tensor:
    """What torchvision's functional of that name makes of a batch."""
    # Seconds to import, and only needed by recipes that change colours.
    from torchvision.transforms.v2 import functional

    result: Tensor = getattr(functional, name)(images, *strength)
    return result
