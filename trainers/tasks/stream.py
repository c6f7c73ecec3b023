"""Image files that do not fit in memory, decoded in threads ahead of their use.

Pillow decodes and resizes outside Python's lock, so threads keep all cores busy, and need neither a
copy of the program nor a second random state.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from random import Random
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trainers.tasks.base import Crop, Split, Splits, StoredSplit, in_parts, statistics
from trainers.tasks.fitting import Fit
from trainers.tasks.image_file import read_rgb

AHEAD = 3
"""Batches that are being decoded while one is used."""
STORED_BYTES = 2 << 30
"""Of all splits together; larger sets are read while they are needed."""
SAMPLED = 2000
"""Images behind the mean and standard deviation of a set that is not stored."""
CENTRE = 0.875
"""Side of the measured centre, as a share of the shorter side (RS-Net Section 4.1)."""

Box = tuple[float, float, float, float]
Pending = tuple[Tensor, Tensor, list["Future[None]"]]


@dataclass(frozen=True)
class StreamedSplit(Split):
    """Image files and their labels (N,); batches are uint8 (N, 3, size, size).

    Without a `Crop`, the centre of each image is resized: what measurement sees. `centre` is the
    side of that square as a share of the shorter side. With the fit `pad`, measurement sees the
    whole image. A crop with sizes of its own makes (N, 3, pixels of all sizes).
    """

    paths: Sequence[str]
    labels: Tensor
    size: int
    device: torch.device = torch.device("cpu")
    workers: int | None = None
    centre: float = CENTRE
    fit: Fit = "resize"

    crops: ClassVar[bool] = True

    def __len__(self) -> int:
        return len(self.paths)

    def part(self, indices: Tensor) -> "StreamedSplit":
        """The images at `indices`, in that order."""
        paths = tuple(self.paths[index] for index in indices.tolist())
        return replace(self, paths=paths, labels=self.labels[indices])

    def stored(self) -> StoredSplit:
        """All images in memory, as they are measured."""
        images = torch.cat([images for images, _ in self.batches(256)])
        return StoredSplit(images, self.labels)

    def to(self, device: torch.device) -> "StreamedSplit":
        """The same split with its batches on another device; decoding stays on the CPU."""
        return replace(self, device=device)

    def with_threads(self, count: int) -> "StreamedSplit":
        """The same split, decoded by `count` threads."""
        return replace(self, workers=count)

    def batches(
        self, size: int, order: Tensor | None = None, crop: Crop | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images are decoded by `workers` threads, by default one for each core of this process."""
        indices = torch.arange(len(self)) if order is None else order.cpu()
        pending: deque[Pending] = deque()
        pool = ThreadPoolExecutor(self.workers or len(os.sched_getaffinity(0)))
        try:
            for picked in in_parts(indices, size):
                pending.append(self._start(pool, picked, crop))
                if len(pending) > AHEAD:
                    yield self._finish(pending.popleft())
            while pending:
                yield self._finish(pending.popleft())
        finally:
            # Also when the caller stops before the end.
            pool.shutdown(cancel_futures=True)

    def _start(self, pool: ThreadPoolExecutor, picked: Tensor, crop: Crop | None) -> Pending:
        pinned = self.device.type == "cuda"
        shape: tuple[int, ...] = (self.size, self.size)
        if crop and crop.sizes:
            shape = (sum(size**2 for size in crop.sizes),)
        images = torch.empty(len(picked), 3, *shape, dtype=torch.uint8, pin_memory=pinned)
        jobs = [
            pool.submit(self._decode, images[place], index, crop)
            for place, index in enumerate(picked.tolist())
        ]
        return images, self.labels[picked], jobs

    def _finish(self, batch: Pending) -> tuple[Tensor, Tensor]:
        images, labels, jobs = batch
        for job in jobs:
            job.result()
        device = self.device
        return images.to(device, non_blocking=True), labels.to(device, non_blocking=True)

    def _decode(self, into: Tensor, index: int, crop: Crop | None) -> None:
        image = read_rgb(self.paths[index])
        if self.fit == "pad" and crop is None:
            into.copy_(torch.from_numpy(np.array(padded(image, self.size))).permute(2, 0, 1))
            return
        box = random_box(image.size, crop, index) if crop else centre_box(image.size, self.centre)
        for view in crop.views(into) if crop and crop.sizes else [into]:
            size = view.shape[-2], view.shape[-1]
            sized = image.resize(size, Image.Resampling.BILINEAR, box)
            view.copy_(torch.from_numpy(np.array(sized)).permute(2, 0, 1))


def splits_of_files(train: StreamedSplit, validation: StreamedSplit, test: StreamedSplit) -> Splits:
    """The splits in memory if they fit into `STORED_BYTES`, otherwise as streams.

    Mean and standard deviation of streams are those of a sample.
    """
    count = len(train) + len(validation) + len(test)
    if 3 * train.size**2 * count > STORED_BYTES:
        sample = train.part(torch.arange(0, len(train), max(1, len(train) // SAMPLED)))
        return Splits(train, validation, test, *statistics(sample.stored().images))
    stored = train.stored()
    return Splits(stored, validation.stored(), test.stored(), *statistics(stored.images))


def padded(image: Image.Image, size: int) -> Image.Image:
    """The whole image on a black square, scaled down if it is larger, never enlarged."""
    scale = min(1.0, size / max(image.size))
    width, height = (max(1, round(scale * side)) for side in image.size)
    square = Image.new(image.mode, (size, size))
    scaled = image.resize((width, height), Image.Resampling.BILINEAR)
    square.paste(scaled, ((size - width) // 2, (size - height) // 2))
    return square


def centre_box(size: tuple[int, int], share: float = CENTRE) -> Box:
    """Left, top, right, bottom of the square that measurement sees."""
    side = share * min(size)
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    return left, top, left + side, top + side


def random_box(size: tuple[int, int], crop: Crop, index: int) -> Box:
    """Left, top, right, bottom, distributed as by `trainers.augment.geometry.boxes`."""
    # Seeded with text, this generator is the same on every machine and Python version.
    random = Random(f"{crop.seed} {index}")
    width, height = size
    share = random.uniform(*crop.area)
    tallest, widest = width * share / height, width / (height * share)
    low, high = (min(max(bound, tallest), widest) for bound in crop.aspect)
    ratio = exp(random.uniform(log(low), log(high)))
    box_width = min(sqrt(share * width * height * ratio), width)
    box_height = min(sqrt(share * width * height / ratio), height)
    left, top = random.uniform(0, width - box_width), random.uniform(0, height - box_height)
    return left, top, min(left + box_width, width), min(top + box_height, height)
