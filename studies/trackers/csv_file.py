"""Epochs of all jobs as one CSV file."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from studies.trackers.tracker import TrackedJob, Tracker, epoch_metrics, final_metrics
from trainers import Epoch, Result

COLUMNS = (
    "key", "arm", "seed", "epoch", "train_loss", "validation_accuracy", "validation_loss",
    "status", "final_validation_accuracy", "final_test_accuracy", "seconds",
)  # fmt: skip


class CsvFile(Tracker):
    """A row for each epoch, and one with a status for each end; rows are added to a file."""

    name = "csv"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: TextIO | None = None

    def started(self, job: TrackedJob) -> None:
        """Write nothing yet."""

    def epochs(self, job: TrackedJob, epochs: Sequence[Epoch]) -> None:
        """Write a row for each epoch."""
        for epoch in epochs:
            self._write(job, epoch=epoch.epoch, **epoch_metrics(epoch))

    def ended(self, job: TrackedJob, result: Result) -> None:
        """Write a row with the status and the last numbers."""
        self._write(job, status=result.status, **final_metrics(result))

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def _write(self, job: TrackedJob, **values: Any) -> None:
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            begun = self.path.exists() and self.path.stat().st_size
            self.file = self.path.open("a", encoding="utf-8", newline="")
            if not begun:
                csv.writer(self.file).writerow(COLUMNS)
        row = {"key": job.key, "arm": job.arm, "seed": job.job.seed, **values}
        csv.DictWriter(self.file, COLUMNS, extrasaction="ignore").writerow(row)
        self.file.flush()
