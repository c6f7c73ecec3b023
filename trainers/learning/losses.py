"""A batch, and the loss of a plain network on it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from searchspace import InputError
from trainers.recipe import LossName
from trainers.runtime.ranks import ALONE, Ranks
from trainers.teacher import Teacher
from trainers.user_function import UserFunction

Forward = Callable[[Tensor], Tensor]
Criterion = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, classes) and targets, labels (N,) or probabilities (N, classes), to a mean loss."""


@dataclass(frozen=True)
class Batch:
    """Crops (N, C, H, W) of the same images and the targets of each crop.

    There is one crop, or one for each size of a switchable network, of that size or to be resized.
    The images are those of this process; `total` counts those of all processes that share the
    batch.
    """

    crops: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    total: int | None = None
    ranks: Ranks = ALONE

    def __len__(self) -> int:
        return len(self.crops[0])

    @property
    def images(self) -> int:
        """The number of images of the whole batch."""
        return len(self) if self.total is None else self.total

    @classmethod
    def of_whole(
        cls, crops: Sequence[Tensor], targets: Sequence[Tensor], ranks: Ranks = ALONE
    ) -> "Batch":
        """The part of this process of the crops and targets of a whole batch."""
        parts = [tuple(ranks.part(tensor) for tensor in whole) for whole in (crops, targets)]
        return cls(parts[0], parts[1], len(crops[0]), ranks)

    def pieces(self, count: int) -> "Iterator[Batch]":
        """The batch in `count` parts that differ in size by at most one image, over all processes.

        A piece holds the same images whatever the number of processes that share it.
        """
        size, longer = divmod(self.images, count)
        ends = [size * piece + min(piece, longer) for piece in range(1, count)]
        cuts = [self.ranks.below(end) for end in ends]
        sizes = [end - start for start, end in zip([0, *ends], [*ends, self.images], strict=True)]
        crops = zip(*(crop.tensor_split(cuts) for crop in self.crops), strict=True)
        targets = zip(*(target.tensor_split(cuts) for target in self.targets), strict=True)
        for piece_crops, piece_targets, images in zip(crops, targets, sizes, strict=True):
            yield Batch(piece_crops, piece_targets, images, self.ranks)


def criterion(name: LossName | UserFunction) -> Criterion:
    """The classification loss of a recipe."""
    if isinstance(name, UserFunction):
        return _checked(name)
    return F.cross_entropy if name == "cross_entropy" else binary_cross_entropy


def _checked(named: UserFunction) -> Criterion:
    function = named.load()

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        value = function(logits, targets)
        if not isinstance(value, Tensor) or value.ndim:
            got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise InputError(f"the loss {named.name} must return one number as a tensor, got {got}")
        return value

    return loss


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean over images and classes of each class's own cross-entropy, present or not.

    Wightman et al., ResNet strikes back, Section 3.2. https://arxiv.org/abs/2110.00476
    """
    if targets.ndim == 1:
        targets = F.one_hot(targets, logits.shape[1])
    return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))


class Loss(Protocol):
    """A loss that adds its gradients to the network's parameters."""

    def backward(self, batch: Batch, scale: Callable[[Tensor], Tensor]) -> Tensor:
        """Forward pass, and backward pass from `scale(loss)`; returns the loss, detached."""

    def save_memory(self) -> bool:
        """Use less memory for the same result from now on; False if impossible."""


class DistilledLoss:
    """The criterion's loss and what a teacher says of the same images (`trainers.teacher`)."""

    def __init__(
        self, forward: Forward, criterion: Criterion, teacher: Teacher, taught: Forward
    ) -> None:
        self.forward, self.criterion = forward, criterion
        self.teacher, self.taught = teacher, taught

    def backward(self, batch: Batch, scale: Callable[[Tensor], Tensor]) -> Tensor:
        """Forward pass, and backward pass from `scale(loss)`; returns the loss, detached."""
        images, share, softness = batch.crops[0], self.teacher.share, self.teacher.temperature
        logits = self.forward(images).float()
        with torch.no_grad():
            wanted = (self.taught(images).float() / softness).log_softmax(1)
        own = (logits / softness).log_softmax(1)
        apart = F.kl_div(own, wanted, reduction="batchmean", log_target=True)
        loss = (1 - share) * self.criterion(logits, batch.targets[0])
        loss = loss + share * softness**2 * apart
        scale(loss).backward()
        return loss.detach()

    def save_memory(self) -> bool:
        """False: it keeps nothing that could be recomputed."""
        return False


class PlainLoss:
    """The loss of a network with one input size: the criterion of its predictions."""

    def __init__(self, forward: Forward, criterion: Criterion) -> None:
        self.forward, self.criterion = forward, criterion

    def backward(self, batch: Batch, scale: Callable[[Tensor], Tensor]) -> Tensor:
        """Forward pass, and backward pass from `scale(loss)`; returns the loss, detached."""
        loss = self.criterion(self.forward(batch.crops[0]).float(), batch.targets[0])
        scale(loss).backward()
        return loss.detach()

    def save_memory(self) -> bool:
        """False: it keeps nothing that could be recomputed."""
        return False
