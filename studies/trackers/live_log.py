"""The live log of a run directory: what runs now, for those who watch; nothing resumes from it."""

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from studies.trackers.tracker import TrackedJob, Tracker
from trainers import Epoch, Result

FILE = "live.jsonl"

Standing = Callable[[], tuple[int, float, str]]
"""About how many jobs there are, the share of the work that is done, and the time left in words."""


class LiveLog(Tracker):
    """Writes a line of JSON for every start, place, report of epochs, end and note.

    Each command begins it anew. Lines hold `event`, `time` (seconds since 1970) and what
    the event is about.
    """

    name = "the live log"

    def __init__(self, folder: Path, standing: Standing) -> None:
        self.path, self.standing = folder / FILE, standing
        self.file: TextIO | None = None

    def started(self, job: TrackedJob) -> None:
        """Write the name of a job and how long it trains."""
        planned = job.job.recipe.epochs
        self._write("started", key=job.key, name=job.name, arm=job.arm, planned=planned)

    def placed(self, job: TrackedJob, host: str, pid: int) -> None:
        """Write where a job trains."""
        self._write("placed", key=job.key, host=host, pid=pid)

    def epochs(self, job: TrackedJob, epochs: Sequence[Epoch]) -> None:
        """Write the epochs, and how far the run is."""
        values = [[e.epoch, e.train_loss, e.validation_accuracy] for e in epochs]
        self._write("epochs", key=job.key, epochs=values, **self._standing())

    def ended(self, job: TrackedJob, result: Result) -> None:
        """Write how a job ended."""
        accuracy = result.points[0].validation_accuracy if result.points else None
        self._write("ended", key=job.key, name=job.name, status=result.status,
                    accuracy=accuracy, reason=result.reason, **self._standing())  # fmt: skip

    def note(self, text: str) -> None:
        """Write a sentence of the run."""
        self._write("note", text=text)

    def close(self) -> None:
        """Write that the command is over."""
        if self.file is not None:
            self._write("closed")
            self.file.close()
            self.file = None

    def _standing(self) -> dict[str, Any]:
        total, done, left = self.standing()
        return {"total": total, "done": round(done, 4), "left": left}

    def _write(self, event: str, **values: Any) -> None:
        if self.file is None:
            self.file = self.path.open("w", encoding="utf-8")
            self._write("run", pid=os.getpid(), host=socket.gethostname())
        line = {"event": event, "time": round(time.time(), 2), **values}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
