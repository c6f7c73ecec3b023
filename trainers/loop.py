"""Train one job from start to end, with checkpoints on the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from searchspace import InputError
from trainers.checkpoint import follow_first, load_checkpoint, save_checkpoint
from trainers.job import Epoch, Job, Result
from trainers.runtime.out_of_memory import is_out_of_memory
from trainers.runtime.ranks import ALONE, Ranks
from trainers.tasks import Splits
from trainers.training import Training

CHECKPOINT_SECONDS = 600.0


@dataclass(frozen=True)
class TrainCallbacks:
    """What is called during training: after an epoch, after a step, and to ask whether to stop."""

    epoch: Callable[[Epoch], None] | None = None
    step: Callable[[], None] | None = None
    stop: Callable[[], bool] | None = None


class Checkpoints:
    """The checkpoints of one training in a folder; none are kept without a folder.

    `seconds` is the least time between two that `save_if_due` writes.
    """

    def __init__(self, training: Training, folder: Path | None, seconds: float) -> None:
        self.training, self.folder, self.seconds = training, folder, seconds
        self.saved_at = time.monotonic()

    def load(self, *, pass_over_bad: bool = False) -> bool:
        """Restore the training from its checkpoint, if there is one; whether it was restored.

        Of several processes the first has the folder, and the others restore what it has. A
        checkpoint that cannot be used is an InputError, or passed over.
        """
        restored = False
        try:
            restored = self.folder is not None and load_checkpoint(self.training, self.folder)
        except InputError:
            if not pass_over_bad:
                raise
        return follow_first(self.training, restored=restored)

    def save(self) -> None:
        """Write the state now."""
        if self.folder is not None:
            save_checkpoint(self.training, self.folder)
        self.saved_at = time.monotonic()

    def save_if_due(self) -> None:
        """Write the state unless the last checkpoint is recent."""
        if time.monotonic() - self.saved_at >= self.seconds:
            self.save()


def start_training(
    job: Job,
    *,
    load: Callable[[], Splits] | None = None,
    data_root: Path | None = None,
    device: str = "cpu",
    recompute: bool = False,
    ranks: Ranks = ALONE,
) -> Training | Result:
    """The training of a job at its start, or the result of a job that does not fit in memory.

    `load` reads the task's data, by default from `data_root`.
    """
    training = None
    try:
        data = None if load is None else load()
        training = Training(
            job,
            data_root=data_root,
            data=data,
            device=device,
            recompute=recompute,
            ranks=ranks,
        )
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    if not ranks.any(training is None) and training is not None:
        return training
    reason = f"the network and its data do not fit in the memory of {device}"
    return Result("out_of_memory", (), (), 0.0, reason)


def train(
    job: Job,
    report: Callable[[Epoch], None] | None = None,
    checkpoint_dir: Path | None = None,
    *,
    data_root: Path | None = None,
    device: str = "cpu",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    recompute: bool = False,
    ranks: Ranks = ALONE,
) -> Result:
    """Train `job` and measure it; `report` is called after every epoch.

    With a `checkpoint_dir`, the state is saved there after every epoch, and within epochs every
    `checkpoint_seconds`; a job that was interrupted continues from it. On CPU, continued equals
    uninterrupted bit for bit. `recompute` and `ranks` are as in `Training`.
    """
    training = start_training(
        job, data_root=data_root, device=device, recompute=recompute, ranks=ranks
    )
    if isinstance(training, Result):
        return training
    run(training, TrainCallbacks(epoch=report), checkpoint_dir, checkpoint_seconds)
    return training.result()


def run(
    training: Training,
    callbacks: TrainCallbacks,
    checkpoint_dir: Path | None,
    checkpoint_seconds: float,
) -> None:
    """Train to the end, from the checkpoint in `checkpoint_dir` if there is one.

    If `callbacks.stop` says so, the state is saved and KeyboardInterrupt raised.
    """
    checkpoints = Checkpoints(training, checkpoint_dir, checkpoint_seconds)
    checkpoints.load()

    def after_step() -> None:
        if callbacks.step is not None:
            callbacks.step()
        if callbacks.stop is not None and callbacks.stop():
            checkpoints.save()
            raise KeyboardInterrupt
        checkpoints.save_if_due()

    while not training.done:
        progress = training.epoch(after_step)
        if callbacks.epoch is not None:
            callbacks.epoch(progress)
        checkpoints.save()
