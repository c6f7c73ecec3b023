"""Training of resolution-switchable networks: all sizes of a crop in one step (RS-Net, Section 3).

loss = sum over sizes of the classification loss (eq. 2) + the ensemble's loss, which reaches only
its scores (eq. 6) + distillation, whose teachers are constants (eqs. 7, 8 and 10).

Without the ensemble a teacher is always a larger size, so sizes are processed from the largest on,
each forward and backward at once: memory is that of the largest, plus logits. The ensemble needs
all logits before any gradient; then either the activations of all sizes are kept, or all but the
largest size's are computed again when their turn comes, which gives the same bits.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from searchspace import Resolutions, ensemble_logits
from trainers.learning.losses import Batch, Criterion, Forward
from trainers.runtime.tensors import copy_all


def resize(images: Tensor, size: int) -> Tensor:
    """(N, C, H, W) to (N, C, size, size), bilinear; shrinking averages all pixels (antialias)."""
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def teachers(resolutions: Resolutions) -> tuple[Tensor, float]:
    """Which predictions teach which, (S, 1 + S), and the factor of the distillation loss.

    Row s is the student p_s from the largest size on; column 0 is the ensemble p_0, column t the
    size p_t. Without the ensemble ("higher") eq. 10 loses its terms of p_0 and keeps its factor;
    "highest" is eq. 8 with p_1 in the place of p_0 (Table 5 names no factor).
    """
    count = len(resolutions.sizes)
    # Eq. 10: t < s, the ensemble being 0.
    mask = torch.ones(count, count + 1).tril()
    if resolutions.distillation == "full":
        return mask, 2 / (count + 1)
    if resolutions.distillation == "higher":
        mask[:, 0] = 0
        return mask, 2 / (count + 1)
    taught = torch.zeros(count, count + 1)
    if resolutions.distillation == "vanilla":
        taught[:, 0] = 1
    elif resolutions.distillation == "highest":
        taught[1:, 1] = 1
    return taught, 1.0


def distillation(logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """Sum of mask[s, t] * KL(p_t || p_s), the mean over images (eq. 7).

    `logits` (S, N, classes) are the students', `teacher_logits` (T, N, classes) constants; `mask`
    is (S, T).
    """
    log_probabilities = teacher_logits.detach().log_softmax(-1)
    probabilities = log_probabilities.exp()
    # Each student meets the sum of its teachers once: sum_t p_t * log p_s = (sum_t p_t) * log p_s.
    mixture = torch.einsum("st,tnc->snc", mask, probabilities)
    entropies = (probabilities * log_probabilities).sum((1, 2))
    cross = (mixture * logits.log_softmax(-1)).sum()
    return ((mask.sum(0) * entropies).sum() - cross) / logits.shape[1]


class SwitchableLoss:
    """The loss of a switchable network.

    `forward` computes the logits of `network` (it may be a compiled form). With `recompute`, less
    is kept in memory for the same result.
    """

    def __init__(
        self,
        network: nn.Module,
        forward: Forward,
        resolutions: Resolutions,
        criterion: Criterion,
        *,
        recompute: bool = False,
    ) -> None:
        self.network, self.forward = network, forward
        self.resolutions, self.criterion = resolutions, criterion
        self.recompute = recompute
        mask, self.factor = teachers(resolutions)
        self.mask = mask.to(next(network.parameters()).device)

    def backward(self, batch: Batch, scale: Callable[[Tensor], Tensor]) -> Tensor:
        """Forward pass, and backward pass from `scale(loss)`; returns the loss, detached."""
        if self.resolutions.ensemble:
            return self._together(batch, scale)
        return self._one_by_one(batch, scale)

    def save_memory(self) -> bool:
        """Recompute activations instead of keeping them; False if that is so already."""
        if self.recompute or not self.resolutions.ensemble:
            return False
        self.recompute = True
        return True

    def _one_by_one(self, batch: Batch, scale: Callable[[Tensor], Tensor]) -> Tensor:
        total = torch.zeros((), device=self.mask.device)
        earlier: list[Tensor] = []
        for index, (images, target) in enumerate(self._views(batch)):
            logits = self.forward(images).float()
            loss = self.criterion(logits, target)
            if index and self.resolutions.distillation != "none":
                mask = self.mask[index : index + 1, 1 : index + 1]
                taught = distillation(logits[None], torch.stack(earlier), mask)
                loss = loss + self.factor * taught
            scale(loss).backward()
            # A copy: a CUDA graph overwrites its outputs when it is run again.
            earlier.append(logits.detach().clone())
            total += loss.detach()
        return total

    def _together(self, batch: Batch, scale: Callable[[Tensor], Tensor]) -> Tensor:
        views = list(self._views(batch))
        # The largest size last: its backward pass comes first and frees its memory.
        logits = [
            self._logits(images, index) for index, (images, _) in reversed(list(enumerate(views)))
        ]
        loss = self.loss(logits[::-1], [target for _, target in views])
        scale(loss).backward()
        return loss.detach()

    def loss(self, logits: list[Tensor], targets: list[Tensor]) -> Tensor:
        """The whole loss of the logits (N, classes) of all sizes, the largest first (eq. 9)."""
        total = torch.stack(
            [self.criterion(z, y) for z, y in zip(logits, targets, strict=True)]
        ).sum()
        students = torch.stack(logits)
        teaching = students.detach()
        if self.resolutions.ensemble:
            mixed = ensemble_logits(self.network, logits)
            total = total + self.criterion(mixed, targets[0])
            teaching = torch.cat([mixed.detach()[None], teaching])
        mask = self.mask if self.resolutions.ensemble else self.mask[:, 1:]
        return total + self.factor * distillation(students, teaching, mask)

    def _logits(self, images: Tensor, index: int) -> Tensor:
        if not self.recompute or index == 0:
            return self.forward(images).float()

        def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
            buffers = RecomputeBuffers(self.network)
            return buffers.first_pass(), buffers.second_pass()

        logits: Tensor = checkpoint(self.forward, images, use_reentrant=False, context_fn=contexts)
        return logits.float()

    def _views(self, batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
        sizes = self.resolutions.sizes
        several = len(batch.crops) > 1
        for index, size in enumerate(sizes):
            which = index if several else 0
            yield resize(batch.crops[which], size), batch.targets[which]


class RecomputeBuffers:
    """Gives the recomputed forward pass the buffers of the first one, then restores the present."""

    def __init__(self, network: nn.Module) -> None:
        self.buffers = list(network.buffers())
        self.before: list[Tensor] = []

    @contextmanager
    def first_pass(self) -> Iterator[None]:
        """Copies the buffers before the pass changes them."""
        self.before = [buffer.clone() for buffer in self.buffers]
        yield

    @contextmanager
    def second_pass(self) -> Iterator[None]:
        """Puts the copies in place, and afterwards what was there."""
        after = [buffer.clone() for buffer in self.buffers]
        copy_all(self.buffers, self.before)
        try:
            yield
        finally:
            copy_all(self.buffers, after)
