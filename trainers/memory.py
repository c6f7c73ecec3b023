"""Running out of memory: how to tell, and what a step must put back before it is tried again."""

import torch
from torch import nn

from trainers.randomness import Randomness
from trainers.tensors import copy_all


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the host could not give the memory that was asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The host's allocator has no error class of its own.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


class Undo:
    """The state that forward and backward passes change: buffers, gradients and randomness."""

    def __init__(self, network: nn.Module, randomness: Randomness) -> None:
        self.network, self.randomness = network, randomness
        self.buffers = list(network.buffers())
        self.copies = [torch.empty_like(buffer) for buffer in self.buffers]
        self.state = randomness.state

    def remember(self) -> None:
        """Note the present buffers and random state; gradients are none yet."""
        copy_all(self.copies, self.buffers)
        self.state = self.randomness.now()

    def restore(self) -> None:
        """Go back to what was noted last, and give unused device memory back."""
        self.network.zero_grad(set_to_none=True)
        copy_all(self.buffers, self.copies)
        self.randomness.set(self.state)
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
