"""The state of torch's global random generators that belongs to one job."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class RngState:
    """A job's state of the global generators, from which initial weights and dropout draw.

    It is swapped in while the job computes; outside, the caller's state is unchanged.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.devices = [device] if device.type == "cuda" else []
        self.state: list[Tensor] = []
        with torch.random.fork_rng(devices=self.devices):
            torch.manual_seed(seed)
            self.state = self.current()

    @contextmanager
    def active(self) -> Iterator[None]:
        """In this context the global generators continue from this job's state."""
        with torch.random.fork_rng(devices=self.devices):
            self.set(self.state)
            try:
                yield
            finally:
                self.state = self.current()

    def seed(self, text: str) -> None:
        """Set the state of the global generators to one that follows from a text."""
        digest = hashlib.sha256(text.encode()).digest()
        torch.manual_seed(int.from_bytes(digest[:8]) >> 1)

    def current(self) -> list[Tensor]:
        """The present state of the global generators."""
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(d) for d in self.devices)]

    def set(self, state: list[Tensor]) -> None:
        """Set the state of the global generators."""
        torch.set_rng_state(state[0])
        for device, part in zip(self.devices, state[1:], strict=True):
            torch.cuda.set_rng_state(part, device)
