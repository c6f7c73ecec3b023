"""Accuracy and loss on a split, at one size or at several, and of their ensemble."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace import ensemble_logits
from trainers.learning.switchable_loss import resize
from trainers.runtime.out_of_memory import is_out_of_memory
from trainers.runtime.ranks import ALONE, Ranks
from trainers.tasks import Split

EVALUATION_BATCH = 512
RIGHT, AMONG_FIVE = 1, 2
"""Bits of what is kept of each image, so that processes exchange one number for it."""


@dataclass(frozen=True)
class SplitMetrics:
    """Accuracies in [0, 1], mean cross-entropy in nats, and (N,) which images are right.

    `top5_accuracy` is None where it was not asked for.
    """

    accuracy: float
    loss: float
    right: Tensor = field(compare=False, repr=False)
    top5_accuracy: float | None = None


@torch.no_grad()
def measure_split(
    network: nn.Module,
    split: Split,
    prepare: Callable[[Tensor], Tensor],
    sizes: Sequence[int],
    ensemble: Sequence[int] = (),
    ranks: Ranks = ALONE,
    *,
    top5: bool = False,
) -> list[SplitMetrics]:
    """Metrics at each size, in evaluation mode, and last those of the ensemble of `ensemble`.

    `prepare` makes stored images a network's input; `ensemble` is empty or some of `sizes`.
    Batches are halved while memory is short. Each of the processes `ranks` measures some of the
    images, and each image is measured once; the metrics are those of all. `top5` asks for top-5
    accuracies too: the share of images whose class is among the five with the largest logits.
    """
    network.eval()
    batch = EVALUATION_BATCH
    while True:
        try:
            return _measure(network, split, prepare, sizes, ensemble, batch, ranks, top5)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or batch == 1:
                raise
        batch //= 2


def _measure(
    network: nn.Module,
    split: Split,
    prepare: Callable[[Tensor], Tensor],
    sizes: Sequence[int],
    ensemble: Sequence[int],
    batch: int,
    ranks: Ranks,
    top5: bool,
) -> list[SplitMetrics]:
    device = next(network.parameters()).device
    loss = torch.zeros(len(sizes) + bool(ensemble), device=device)
    count, share = len(split), ranks.share(len(split))
    parts = [torch.zeros(len(loss), 0, dtype=torch.uint8, device=device)]
    order = None if ranks.count == 1 else torch.arange(share.start, share.stop, device=device)
    for stored, labels in split.batches(batch, order):
        images = prepare(stored)
        logits = [network(resize(images, size)).float() for size in sizes]
        if ensemble:
            among = [logits[sizes.index(size)] for size in ensemble]
            logits.append(ensemble_logits(network, among))
        parts.append(torch.stack([_grades(z, labels, top5) for z in logits]))
        loss += torch.stack([F.cross_entropy(z, labels, reduction="sum") for z in logits])
    # Zeros where other processes have measured.
    grades = torch.zeros(len(loss), count, dtype=torch.uint8)
    grades[:, share.start : share.stop] = torch.cat(parts, 1).cpu()
    losses = loss.cpu()
    ranks.sum([grades, losses])
    right, in_five = grades & RIGHT, grades & AMONG_FIVE
    return [
        SplitMetrics(
            int(flags.sum()) / count,
            total / count,
            flags.bool(),
            int(fives.count_nonzero()) / count if top5 else None,
        )
        for flags, fives, total in zip(right, in_five, losses.tolist(), strict=True)
    ]


def _grades(logits: Tensor, labels: Tensor, top5: bool) -> Tensor:
    """(N,) of uint8: whether each image is right, and whether it is so among five, a bit each."""
    right: Tensor = RIGHT * (logits.argmax(1) == labels)
    return (right + AMONG_FIVE * among_largest(logits, labels, 5) if top5 else right).byte()


def among_largest(logits: Tensor, labels: Tensor, k: int) -> Tensor:
    """(N,) of bool: whether the class `labels` (N,) is among the `k` largest `logits` (N, C).

    Of equal logits those of lower classes come first, so that k = 1 asks for the first of the
    largest logits. A logit that is not a number is behind no other.
    """
    own = logits.gather(1, labels[:, None])
    later = torch.arange(logits.shape[1], device=logits.device) > labels[:, None]
    behind = (logits < own) | ((logits == own) & later)
    # The class itself is not behind.
    return logits.shape[1] - behind.sum(1) <= k
