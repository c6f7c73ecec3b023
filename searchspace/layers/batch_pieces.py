"""The number of samples that a CPU processes at a time.

Results are still in cache when they are read, and memory is reused instead of asked for anew, which
costs more than the arithmetic.
"""

import torch
from torch import Tensor

CACHED_NUMBERS = 2**20
"""How many numbers one core works on at a time."""


def samples_at_a_time(x: Tensor, numbers: int) -> int:
    """How many samples, of `numbers` each, fit a CPU's cache; on other devices all of them."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return x.shape[0]
    return max(2, CACHED_NUMBERS * torch.get_num_threads() // numbers)
