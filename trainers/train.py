"""Train one job from start to end."""

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
) -> Result:
    """Train `job` and measure it; `report` is called after every epoch.

    With a `checkpoint_dir`, the state is saved there after every epoch, and a job that was
    interrupted continues from it; on CPU, continued equals uninterrupted bit for bit.
    """
    training = Training(job, data_root=data_root, device=device)
    if checkpoint_dir is not None:
        load_checkpoint(training, checkpoint_dir)
    while not training.done:
        progress = training.epoch()
        if report is not None:
            report(progress)
        if checkpoint_dir is not None:
            save_checkpoint(training, checkpoint_dir)
    return training.result()
