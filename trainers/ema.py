"""An exponential moving average of a network's weights, which is what is then measured."""

import copy

import torch
from torch import Tensor, nn


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
        """Take in the weights after one more step."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        averaged = [(mine, new) for mine, new in pairs if mine.is_floating_point()]
        mine, new = ([pair[i] for pair in averaged] for i in (0, 1))
        torch._foreach_lerp_(mine, new, 1 - decay)
        for count, newest in pairs:
            if not count.is_floating_point():
                count.copy_(newest)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
