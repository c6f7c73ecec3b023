"""Learning curves for TensorBoard, as they grow."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from searchspace import InputError
from studies.trackers.tracker import TrackedJob, Tracker, epoch_metrics, final_metrics
from trainers import Epoch, Result


class TensorBoard(Tracker):
    """An event file for each job, in a folder by arm and seed."""

    name = "tensorboard"

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError(
                "--track tensorboard needs tensorboard; install it with "
                "`pip install 'convfrontier[dashboards]'`"
            ) from None
        self._writer = SummaryWriter
        self.folder = folder
        self.open: dict[str, Any] = {}

    def started(self, job: TrackedJob) -> None:
        """Open the file of a job."""
        if job.key not in self.open:
            place = self.folder / _file_name(job.arm) / f"seed-{job.job.seed}"
            # From a checkpoint a job reports its epochs again: what was there before is hidden.
            self.open[job.key] = self._writer(str(place), purge_step=0)

    def epochs(self, job: TrackedJob, epochs: Sequence[Epoch]) -> None:
        """Write the numbers of each epoch."""
        for epoch in epochs:
            for name, value in epoch_metrics(epoch).items():
                self.open[job.key].add_scalar(name, value, epoch.epoch)
        self.open[job.key].flush()

    def ended(self, job: TrackedJob, result: Result) -> None:
        """Write the last numbers and close the file."""
        writer = self.open.pop(job.key, None)
        if writer is not None:
            for name, value in final_metrics(result).items():
                writer.add_scalar(name, value, job.job.recipe.epochs)
            writer.close()

    def close(self) -> None:
        """Close all files."""
        for writer in self.open.values():
            writer.close()
        self.open.clear()


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=_-]+", "-", text)
