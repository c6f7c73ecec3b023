"""Out-of-memory errors: how they are recognised, and how a training step is undone and repeated."""

import torch
from torch import nn

from trainers.runtime.rng_state import RngState
from trainers.runtime.tensors import copy_all

HOST_ALLOCATORS = ("can't allocate memory", "std::bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the host could not give the memory that was asked for."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The host's allocators, torch's and C++'s, have no error class of their own.
    return isinstance(error, RuntimeError) and any(words in str(error) for words in HOST_ALLOCATORS)


class StepState:
    """What forward and backward passes change: buffers, gradients and the random state.

    A step that runs out of memory restores it and is tried again in smaller pieces.
    """

    def __init__(self, network: nn.Module, rng_state: RngState) -> None:
        self.network, self.rng_state = network, rng_state
        self.buffers = list(network.buffers())
        self.copies = [torch.empty_like(buffer) for buffer in self.buffers]
        self.state = rng_state.state

    def remember(self) -> None:
        """Copy the buffers and the random state; there are no gradients yet."""
        copy_all(self.copies, self.buffers)
        self.state = self.rng_state.current()

    def restore(self) -> None:
        """Return to the copies, drop gradients and free unused device memory."""
        self.network.zero_grad(set_to_none=True)
        copy_all(self.buffers, self.copies)
        self.rng_state.set(self.state)
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
