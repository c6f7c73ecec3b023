"""Who trains with this process: none, processes that it starts, or those of torchrun."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from searchspace import InputError
from trainers.processes import Processes, Shared, place
from trainers.runtime.ranks import ALONE, LostProcess, Ranks, join, leave

TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE")


@contextmanager
def joined(shared: Shared, processes: int | None) -> Iterator[tuple[Ranks, torch.device]]:
    """The ranks of this process and its device; an InputError says that another one was lost.

    `processes` is how many train together, by default as many as torchrun has started, or one.
    """
    under_torchrun = torchrun_place()
    try:
        if under_torchrun is not None:
            rank, local_rank, count = under_torchrun
            if processes not in (None, count):
                raise InputError(f"--processes is {processes}, and torchrun has started {count}")
            _check_gpus(shared, local_rank + 1)
            device = place(shared, local_rank)
            ignore_stop_signals(rank)
            join(rank, count, device)
            yield Ranks(rank, count), device
        elif processes is None or processes == 1:
            yield ALONE, place(shared, 0)
        else:
            _check_gpus(shared, processes)
            if shared.device == "cpu" and shared.threads is None:
                shared = replace(shared, threads=max(1, torch.get_num_threads() // processes))
            others = Processes(processes)
            with others.closing(), others.training(shared) as ranks:
                yield ranks, place(shared, 0)
    except LostProcess as error:
        raise InputError(f"{error}; the same command continues") from None
    finally:
        leave()


def torchrun_place() -> tuple[int, int, int] | None:
    """Rank, rank on this machine and number of processes, as torchrun's environment has them."""
    if TORCHRUN[-1] not in os.environ:
        return None
    try:
        rank, local_rank, count = (int(os.environ[name]) for name in TORCHRUN)
    except (KeyError, ValueError):
        got = ", ".join(f"{name}={os.environ.get(name, '')}" for name in TORCHRUN)
        raise InputError(
            f"torchrun sets {', '.join(TORCHRUN)} to whole numbers, got {got}"
        ) from None
    return rank, local_rank, count


def ignore_stop_signals(rank: int) -> None:
    """Leave it to the first process to stop: it saves the state before."""
    if rank:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _check_gpus(shared: Shared, needed: int) -> None:
    there = torch.cuda.device_count()
    if shared.device != "cpu" and (shared.device != "cuda" or needed > there):
        raise InputError(
            "processes that train together need --device cuda and a GPU each, or --device cpu, "
            f"got --device {shared.device}, {there} GPUs and {needed} processes on this machine"
        )
