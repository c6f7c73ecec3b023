"""Generated scenes of coloured rectangles, to try a dense model on without a dataset."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

CLASSES = 4
"""The background, and red, green and blue rectangles."""
MOST = 3
"""Rectangles in a scene, at most."""
NOISE = 0.1


@dataclass(frozen=True)
class Scenes:
    """Images (N, 3, S, S) in [0, 1]; `targets` as torchvision's detectors take them.

    `labels` are classes of pixels, (N, S, S), the background 0; rectangles further on lie above.
    """

    images: Tensor
    targets: list[dict[str, Tensor]]
    labels: Tensor


def scenes(count: int, size: int, generator: Generator) -> Scenes:
    """Scenes of one to three rectangles with sides from a quarter to a half of the image."""
    images = 0.4 + NOISE * torch.randn(count, 3, size, size, generator=generator)
    labels = torch.zeros(count, size, size, dtype=torch.long)
    targets = []
    for image, pixels in zip(images, labels, strict=True):
        number = int(torch.randint(1, MOST + 1, (1,), generator=generator))
        kinds = torch.randint(1, CLASSES, (number,), generator=generator)
        boxes: list[tuple[int, int, int, int]] = []
        masks: list[Tensor] = []
        for kind in kinds.tolist():
            box = _box(size, generator)
            left, top, right, bottom = box
            pixels[top:bottom, left:right] = kind
            image[:, top:bottom, left:right] = 0.1
            image[kind - 1, top:bottom, left:right] = 0.9
            mask = torch.zeros(size, size, dtype=torch.uint8)
            mask[top:bottom, left:right] = 1
            # What lies above hides what lies below.
            masks = [below & ~mask & 1 for below in masks] + [mask]
            boxes.append(box)
        # A rectangle that nothing is left of is not in the scene.
        seen = [i for i, mask in enumerate(masks) if mask.any()]
        targets.append(
            {
                "boxes": torch.tensor([boxes[i] for i in seen], dtype=torch.float),
                "labels": kinds[seen],
                "masks": torch.stack([masks[i] for i in seen]),
            }
        )
    return Scenes(images.clamp(0, 1), targets, labels)


def _box(size: int, generator: Generator) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, the last two excluded."""
    low, high = size // 4, size // 2 + 1
    width, height = torch.randint(low, high, (2,), generator=generator).tolist()
    left = int(torch.randint(0, size - width + 1, (1,), generator=generator))
    top = int(torch.randint(0, size - height + 1, (1,), generator=generator))
    return left, top, left + width, top + height
