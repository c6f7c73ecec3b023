"""Where the jobs of a run are executed."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Resources:
    """Where jobs run: on this machine, or on the Ray cluster at `address`.

    Each worker has one CPU core and `gpus_per_trial` of a GPU; there are at most `workers` at once
    (None: as many as fit). A job that runs longer than `time_limit` seconds fails. Its state is
    saved about every `checkpoint_seconds`, so that little is lost with a worker.
    """

    workers: int | None = None
    gpus_per_trial: float = 0.0
    address: str | None = None
    data_root: Path | None = None
    time_limit: float | None = None
    checkpoint_seconds: float = 60.0
