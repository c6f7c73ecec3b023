"""What the processes of a training exchange at the end of a step."""

import torch
from torch import Tensor, nn

from trainers.runtime.ranks import Ranks


@torch.no_grad()
def share_step(ranks: Ranks, network: nn.Module, loss: Tensor) -> None:
    """Sum gradients and loss over the processes; running statistics become their means.

    Each process has the gradients of its share of the batch's mean loss, so the sum is the
    gradient of the whole batch. Parameters without a gradient have none in any process.
    """
    if ranks.count == 1:
        return
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    statistics = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    ranks.sum([*gradients, *statistics, loss])
    if statistics:
        torch._foreach_div_(statistics, ranks.count)
