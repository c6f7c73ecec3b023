"""An epoch of a worker that keeps the memory it frees, against one that gives it back.

    python -m benchmarks.allocator [--repeats 5]

Each figure is of a process of its own, for the setting cannot be taken back: the mean of three
epochs after a first one, of networks of the study `operators_at_equal_cost`, one thread.
"""

import json
import subprocess
import sys
import time
from typing import Annotated

import torch
import typer

from benchmarks.timing import pair_of, show
from searchspace.cli import run_command, whole_number

STUDY = "operators_at_equal_cost"
ARMS = "static", "CoConv", "Multiception", "MS-SAR"
EPOCHS = 3


def epoch(arm: str, *, keep: bool) -> float:
    """Milliseconds of an epoch in this process."""
    from studies.papers.catalog import STUDIES
    from trainers import Training
    from trainers.runtime.allocator import keep_freed_memory

    torch.set_num_threads(1)
    if keep:
        keep_freed_memory()
    jobs = STUDIES[STUDY].ablation("quick").jobs()
    training = Training(next(job for one, job in jobs if one.name == arm))
    training.epoch(lambda: None)
    began = time.perf_counter()
    for _ in range(EPOCHS):
        training.epoch(lambda: None)
    return 1e3 * (time.perf_counter() - began) / EPOCHS


def elsewhere(arm: str, *, keep: bool) -> float:
    """The same in a new process."""
    command = [sys.executable, "-m", "benchmarks.allocator", "--arm", arm]
    command += ["--keep"] if keep else []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def allocator(
    repeats: Annotated[int, typer.Option(parser=whole_number)] = 5,
    arm: Annotated[str, typer.Option(hidden=True)] = "",
    keep: Annotated[bool, typer.Option("--keep", hidden=True)] = False,
) -> int:
    """Compare epochs with and without keeping freed memory."""
    if arm:
        print(json.dumps(epoch(arm, keep=keep)))
        return 0
    rows = []
    for one in ARMS:
        times = [
            (elsewhere(one, keep=False), elsewhere(one, keep=True)) for _ in range(max(repeats, 2))
        ]
        rows.append((one, pair_of(times)))
    show("an epoch, memory given back against kept", rows)
    return 0


if __name__ == "__main__":
    run_command(allocator, "python -m benchmarks.allocator")
