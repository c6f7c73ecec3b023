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


@dataclass(frozen=True)
class SplitMetrics:
    """Accuracy in [0, 1], mean cross-entropy in nats, and (N,) which images are right."""

    accuracy: float
    loss: float
    right: Tensor = field(compare=False, repr=False)


@torch.no_grad()
def measure_split(
    network: nn.Module,
    split: Split,
    prepare: Callable[[Tensor], Tensor],
    sizes: Sequence[int],
    ensemble: Sequence[int] = (),
    ranks: Ranks = ALONE,
) -> list[SplitMetrics]:
    """Metrics at each size, in evaluation mode, and last those of the ensemble of `ensemble`.

    `prepare` makes stored images a network's input; `ensemble` is empty or some of `sizes`.
    Batches are halved while memory is short. Each of the processes `ranks` measures some of the
    images, and each image is measured once; the metrics are those of all.
    """
    network.eval()
    batch = EVALUATION_BATCH
    while True:
        try:
            return _measure(network, split, prepare, sizes, ensemble, batch, ranks)
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
) -> list[SplitMetrics]:
    device = next(network.parameters()).device
    loss = torch.zeros(len(sizes) + bool(ensemble), device=device)
    count, share = len(split), ranks.share(len(split))
    parts = [torch.zeros(len(loss), 0, dtype=torch.bool, device=device)]
    order = None if ranks.count == 1 else torch.arange(share.start, share.stop, device=device)
    for stored, labels in split.batches(batch, order):
        images = prepare(stored)
        logits = [network(resize(images, size)).float() for size in sizes]
        if ensemble:
            among = [logits[sizes.index(size)] for size in ensemble]
            logits.append(ensemble_logits(network, among))
        parts.append(torch.stack([z.argmax(1) == labels for z in logits]))
        loss += torch.stack([F.cross_entropy(z, labels, reduction="sum") for z in logits])
    # Zeros where other processes have measured.
    right = torch.zeros(len(loss), count, dtype=torch.uint8)
    right[:, share.start : share.stop] = torch.cat(parts, 1).cpu()
    losses = loss.cpu()
    ranks.sum([right, losses])
    return [
        SplitMetrics(int(flags.sum()) / count, total / count, flags.bool())
        for flags, total in zip(right, losses.tolist(), strict=True)
    ]
