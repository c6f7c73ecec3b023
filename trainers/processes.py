"""The further processes of a training: started from this one, reused for job after job.

A follower does what the first process does, but saves and reports nothing. It ends with the
process that started it, however that ends. A follower that is lost ends the training here with a
`LostProcess`: the state is that of the last checkpoint.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch._C._distributed_c10d import TCPStore

from trainers.job import Job, Result
from trainers.loop import TrainCallbacks, run, start_training
from trainers.runtime.allocator import keep_freed_memory
from trainers.runtime.ranks import TIMEOUT, LostProcess, Ranks, join, leave
from trainers.tasks import Splits

HOST = "127.0.0.1"
NO_MEMORY = 77
"""The exit status of a follower that ran out of memory."""
READY, DONE = "ready", "done"
PATIENCE = 10.0
"""Seconds that a follower is given to end its part once the first process has ended its own."""
START_SECONDS = 300.0
"""Seconds that a new process is given to load its libraries."""


@dataclass(frozen=True)
class Shared:
    """What several processes train: a job, how its data are read, and where and how they compute.

    `load` reads the data, by default from `data_root`; it is sent to other processes. `threads`
    are those of each process, None for torch's own choice.
    """

    job: Job
    load: Callable[[], Splits] | None = None
    data_root: Path | None = None
    device: str = "cpu"
    recompute: bool = False
    threads: int | None = None


class Processes:
    """`count` processes of which this one is the first; the others are started when needed.

    `dumps` makes bytes of what they train, which `pickle.loads` reads.
    """

    def __init__(
        self,
        count: int,
        timeout: float = TIMEOUT,
        dumps: Callable[[object], bytes] = pickle.dumps,
    ) -> None:
        self.count, self.timeout, self.dumps = count, timeout, dumps
        self.store: TCPStore | None = None
        self.followers: list[tuple[multiprocessing.process.BaseProcess, Connection]] = []

    @contextmanager
    def training(self, shared: Shared) -> Iterator[Ranks]:
        """The ranks with which this process trains the job; the others do so meanwhile."""
        if self.count == 1:
            yield Ranks()
            return
        ranks = self.begin(shared)
        ended = False
        try:
            yield ranks
            ended = True
        finally:
            self.end(cleanly=ended)

    def begin(self, shared: Shared) -> Ranks:
        """Let the others begin and join them; a LostProcess if one of them ends meanwhile."""
        if len(self.followers) != self.count - 1 or not all(
            p.is_alive() for p, _ in self.followers
        ):
            self.close()
            self.followers = [_start(rank) for rank in range(1, self.count)]
        patience = timedelta(seconds=self.timeout)
        store = TCPStore(HOST, 0, is_master=True, timeout=patience, wait_for_workers=False)
        self.store = store
        for rank, (_, pipe) in enumerate(self.followers, 1):
            with suppress(OSError):
                pipe.send_bytes(self.dumps((shared, rank, self.count, store.port, self.timeout)))
        if not all(_answers(pipe, READY, START_SECONDS) for _, pipe in self.followers):
            self.close()
            raise LostProcess("a process of the training could not be started")
        join(0, self.count, torch.device(shared.device), store=store, timeout=self.timeout)
        return Ranks(0, self.count, self._out_of_memory)

    def end(self, *, cleanly: bool) -> None:
        """Leave the others; those that are not done soon after a clean end are killed."""
        if not cleanly or not all(_answers(pipe, DONE, PATIENCE) for _, pipe in self.followers):
            self.close()
        leave(lost=not self.followers)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Kill the others at the end."""
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Kill the others."""
        for process, pipe in self.followers:
            process.kill()
            process.join()
            pipe.close()
        self.followers = []

    def _out_of_memory(self) -> bool:
        """Whether a follower that has ended, or does so now, ran out of memory."""
        for process, _ in self.followers:
            process.join(PATIENCE if process.exitcode is None else 0)
        return any(process.exitcode == NO_MEMORY for process, _ in self.followers)


def _start(rank: int) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_follow, args=(theirs,), name=f"rank {rank}", daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _answers(pipe: Connection, word: str, seconds: float) -> bool:
    """Whether a follower says the word in time."""
    try:
        return pipe.poll(seconds) and pipe.recv() == word
    except (EOFError, OSError):
        return False


def _follow(pipe: Connection) -> None:
    """A follower: trains job after job."""
    # The first process decides when to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            shared, rank, count, port, timeout = pickle.loads(pipe.recv_bytes())
        except EOFError:
            return
        pipe.send(READY)
        store = TCPStore(HOST, port, timeout=timedelta(seconds=timeout))
        with suppress(LostProcess):
            device = place(shared, rank)
            join(rank, count, device, store=store, timeout=timeout)
            train_along(shared, Ranks(rank, count), device)
        leave(lost=False)
        pipe.send(DONE)


def place(shared: Shared, local_rank: int) -> torch.device:
    """Make this process ready for its device: on GPUs the one of its number on this machine."""
    if shared.threads is not None:
        torch.set_num_threads(shared.threads)
    if shared.device == "cpu":
        keep_freed_memory()
        return torch.device("cpu")
    device = torch.device("cuda", local_rank) if shared.device == "cuda" else shared.device
    torch.cuda.set_device(device)
    return torch.device(device)


def train_along(shared: Shared, ranks: Ranks, device: torch.device) -> None:
    """Train as another than the first process; exits if memory runs out here."""
    training = start_training(
        shared.job,
        load=shared.load,
        data_root=shared.data_root,
        device=str(device),
        recompute=shared.recompute,
        ranks=ranks,
    )
    if isinstance(training, Result):
        return
    run(training, TrainCallbacks(), None, 0.0)
    if training.status == "out_of_memory":
        sys.exit(NO_MEMORY)
    training.result()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
