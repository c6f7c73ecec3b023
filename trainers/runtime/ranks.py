"""The processes that train one job together: which of them this one is, and what they exchange.

Each holds the whole network and learns from its part of every batch. Gradients are summed by one
explicit all-reduce of a flat buffer at the end of a step, not by DistributedDataParallel: a step
has several backward passes (pieces of a batch, the sizes of a switchable network, recomputed ones),
which its hooks would take for as many steps; and the same buffer carries the loss and the running
statistics, so that all processes hold the same state after each step and any of them can be
saved. What is given up is that gradients travel while others are still computed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from trainers.runtime.tensors import copy_all

TIMEOUT = 600.0
"""Seconds that a process waits for the others in an exchange before it counts them as lost."""


class LostProcess(RuntimeError):
    """Another process of the same training has ended or does not answer; the state is as saved."""


def _nothing_known() -> bool:
    return False


@dataclass(frozen=True)
class Ranks:
    """Which process this is, `rank`, of `count` that train together; one alone by default.

    `out_of_memory` says, once a process is lost, whether that was for want of memory.
    """

    rank: int = 0
    count: int = 1
    out_of_memory: Callable[[], bool] = _nothing_known

    def part(self, batch: Tensor) -> Tensor:
        """Of a whole batch the images, or targets, of this process: every `count`-th."""
        return batch if self.count == 1 else batch[self.rank :: self.count]

    def below(self, end: int) -> int:
        """How many of the first `end` images of a batch are this process's."""
        return len(range(self.rank, end, self.count))

    def share(self, images: int) -> range:
        """Of a split that is measured the images of this process; each is that of one process."""
        first, end = (images * place // self.count for place in (self.rank, self.rank + 1))
        return range(first, end)

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes, equal bit for bit in all of them."""
        if self.count == 1:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            same = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in same])
            with exchange():
                dist.all_reduce(flat)
            parts = flat.split([tensor.numel() for tensor in same])
            copy_all(same, [p.view(t.shape) for p, t in zip(parts, same, strict=True)])

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.count == 1:
            return flag
        # On the CPU: no device is waited for.
        flags = torch.tensor([int(flag)])
        with exchange():
            dist.all_reduce(flags)
        return bool(flags)

    def joined(self, part: Tensor, images: int) -> Tensor:
        """The whole batch of `images` images, from the part of each process; inverse of `part`."""
        longest = -(-images // self.count)
        padded = part.new_zeros(longest, *part.shape[1:])
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in range(self.count)]
        with exchange():
            dist.all_gather(parts, padded)
        # Image i is the (i // count)-th of process i % count; what is padded comes last.
        return torch.stack(parts, 1).flatten(0, 1)[:images]

    def from_first(self, payload: bytes) -> bytes:
        """What the first process has."""
        if self.count == 1:
            return payload
        size = torch.tensor([len(payload)])
        with exchange():
            dist.broadcast(size, 0)
        data = torch.zeros(int(size), dtype=torch.uint8)
        if self.rank == 0:
            data.copy_(torch.frombuffer(bytearray(payload), dtype=torch.uint8))
        with exchange():
            dist.broadcast(data, 0)
        return data.numpy().tobytes()


ALONE = Ranks()


@contextmanager
def exchange() -> Iterator[None]:
    """Calls of torch.distributed; their errors mean that a process is lost."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcess("a process of the training was lost") from error


def join(
    rank: int, count: int, device: torch.device, *, store: Any = None, timeout: float = TIMEOUT
) -> None:
    """Make this process one of `count`; without a store they meet as torchrun's environment says.

    Exchanges are by gloo on CPUs and by NCCL between GPUs.
    """
    gpu = device.type == "cuda"
    with exchange():
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if gpu else "gloo",
            store=store,
            rank=rank,
            world_size=count,
            timeout=timedelta(seconds=timeout),
        )


def leave(*, lost: bool = False) -> None:
    """Be alone again; if other processes are `lost`, nothing is waited for."""
    if not dist.is_initialized():
        return
    if lost and dist.get_backend() != "gloo":
        dist.distributed_c10d._abort_process_group()
    else:
        dist.destroy_process_group()
