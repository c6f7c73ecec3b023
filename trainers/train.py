"""Train one job from start to end; as a program, train a network from a file."""

import time
from collections.abc import Callable
from pathlib import Path

from trainers.checkpoint import load_checkpoint, save_checkpoint
from trainers.job import Epoch, Job, Result
from trainers.training import Training


def train(
    job: Job,
    report: Callable[[Epoch], None] | None = None,
    checkpoint_dir: Path | None = None,
    *,
    data_root: Path | None = None,
    device: str = "cpu",
    checkpoint_seconds: float = 600.0,
    recompute: bool = False,
) -> Result:
    """Train `job` and measure it; `report` is called after every epoch.

    With a `checkpoint_dir`, the state is saved there after every epoch, and within epochs every
    `checkpoint_seconds`; a job that was interrupted continues from it. On CPU, continued equals
    uninterrupted bit for bit. `recompute` is as in `Training`.
    """
    training = Training(job, data_root=data_root, device=device, recompute=recompute)
    run(training, report, checkpoint_dir, checkpoint_seconds)
    return training.result()


def run(
    training: Training,
    report: Callable[[Epoch], None] | None,
    checkpoint_dir: Path | None,
    checkpoint_seconds: float,
) -> None:
    """Go on from a checkpoint, if there is one, until the training is done."""
    if checkpoint_dir is not None:
        load_checkpoint(training, checkpoint_dir)
    saved = time.monotonic()

    def after_step() -> None:
        nonlocal saved
        if checkpoint_dir is not None and time.monotonic() - saved >= checkpoint_seconds:
            save_checkpoint(training, checkpoint_dir)
            saved = time.monotonic()

    while not training.done:
        progress = training.epoch(after_step)
        if report is not None:
            report(progress)
        if checkpoint_dir is not None:
            save_checkpoint(training, checkpoint_dir)
            saved = time.monotonic()
