"""Train one job from start to end, with checkpoints on the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trainers.checkpoint import load_checkpoint, save_checkpoint
from trainers.job import Epoch, Job, Result
from trainers.runtime.out_of_memory import is_out_of_memory
from trainers.training import Training

CHECKPOINT_SECONDS = 600.0


def train(
    job: Job,
    report: Callable[[Epoch], None] | None = None,
    checkpoint_dir: Path | None = None,
    *,
    data_root: Path | None = None,
    device: str = "cpu",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    recompute: bool = False,
) -> Result:
    """Train `job` and measure it; `report` is called after every epoch.

    With a `checkpoint_dir`, the state is saved there after every epoch, and within epochs every
    `checkpoint_seconds`; a job that was interrupted continues from it. On CPU, continued equals
    uninterrupted bit for bit. `recompute` is as in `Training`.
    """
    try:
        training = Training(job, data_root=data_root, device=device, recompute=recompute)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = f"the network and its data do not fit in the memory of {device}"
        return Result("out_of_memory", (), (), 0.0, reason)
    run(training, Events(epoch=report), checkpoint_dir, checkpoint_seconds)
    return training.result()


@dataclass(frozen=True)
class Events:
    """What is called on the way: after an epoch, after a step, and to ask whether to stop now."""

    epoch: Callable[[Epoch], None] | None = None
    step: Callable[[], None] | None = None
    stop: Callable[[], bool] | None = None


def run(
    training: Training, events: Events, checkpoint_dir: Path | None, checkpoint_seconds: float
) -> None:
    """Go on from a checkpoint, if there is one, until the training is done.

    If `events.stop` says so, the state is saved and KeyboardInterrupt raised.
    """
    if checkpoint_dir is not None:
        load_checkpoint(training, checkpoint_dir)
    saved = time.monotonic()

    def save() -> None:
        nonlocal saved
        if checkpoint_dir is not None:
            save_checkpoint(training, checkpoint_dir)
        saved = time.monotonic()

    def after_step() -> None:
        if events.step is not None:
            events.step()
        stopping = events.stop is not None and events.stop()
        if stopping or time.monotonic() - saved >= checkpoint_seconds:
            save()
        if stopping:
            raise KeyboardInterrupt

    while not training.done:
        progress = training.epoch(after_step)
        if events.epoch is not None:
            events.epoch(progress)
        save()
