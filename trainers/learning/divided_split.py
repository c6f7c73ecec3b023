"""A split whose images are files: each of several processes reads its part of every batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainers.runtime.ranks import Ranks
from trainers.tasks import Crop, Split
from trainers.tasks.base import in_parts


def divided(split: Split, ranks: Ranks) -> Split:
    """The split itself if its images are in memory or there is one process."""
    return DividedSplit(split, ranks) if split.crops and ranks.count > 1 else split


@dataclass(frozen=True)
class DividedSplit(Split):
    """The whole batches of a split; each process reads its part, then they exchange the parts.

    So decoding, which takes longest, is divided, and a batch can be augmented as a whole: images
    may be mixed with any other of the batch.
    """

    split: Split
    ranks: Ranks

    crops: ClassVar[bool] = True

    def __len__(self) -> int:
        return len(self.split)

    def to(self, device: torch.device) -> "DividedSplit":
        """The same split with its batches on another device."""
        return DividedSplit(self.split.to(device), self.ranks)

    def batches(
        self, size: int, order: Tensor | None = None, crop: Crop | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The same in every process; each has an image at least for each process."""
        order = torch.arange(len(self)) if order is None else order
        whole = in_parts(order, size)
        mine = torch.cat([self.ranks.part(picked) for picked in whole])
        longest = self.ranks.below(min(size, len(order)))
        parts = self.split.batches(longest, mine, crop)
        for picked, part in zip(whole, parts, strict=True):
            images, labels = (self.ranks.joined(tensor, len(picked)) for tensor in part)
            yield images, labels
