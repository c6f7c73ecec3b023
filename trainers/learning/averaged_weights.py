"""An exponential moving average of a network's weights, measured in place of the weights."""

import copy

import torch
from torch import Tensor, nn

from trainers.runtime.tensors import copy_all


class AveragedWeights:
    """average = decay * average + (1 - decay) * weights after every step.

    Running statistics are averaged as the weights are; whole numbers are copied. The first steps
    use a smaller decay, (1 + step) / (10 + step), so that the initial weights are soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Add the weights after one more step to the average."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        copied = [pair for pair in pairs if not pair[0].is_floating_point()]
        torch._foreach_lerp_([old for old, _ in averaged], [new for _, new in averaged], 1 - decay)
        copy_all([old for old, _ in copied], [new for _, new in copied])


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
