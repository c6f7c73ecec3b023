"""Where the jobs of a run are executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from searchspace.checks import MAX_RUNS, check_at_least, check_integer, check_one_of
from searchspace.errors import InputError

KeepWeights = Literal["front", "all", "none"]


@dataclass(frozen=True)
class Resources:
    """Where jobs run: on this machine, or on the Ray cluster at `address`.

    Each worker has one CPU core and `gpus_per_trial` of a GPU; there are at most `workers` at once
    (None: as many as fit). A job that runs longer than `time_limit` seconds fails. Its state is
    saved about every `checkpoint_seconds`, so that little is lost with a worker. A relative
    `data_root` is made absolute. `keep_weights` says of which jobs the run directory keeps the
    weights: those of networks on the front, all or none.
    """

    workers: int | None = None
    gpus_per_trial: float = 0.0
    address: str | None = None
    data_root: Path | None = None
    time_limit: float | None = None
    checkpoint_seconds: float = 60.0
    keep_weights: KeepWeights = "front"

    def __post_init__(self) -> None:
        if self.workers is not None:
            check_integer(1, MAX_RUNS, workers=self.workers)
        check_at_least(0, 1024, gpus_per_trial=self.gpus_per_trial)
        if self.gpus_per_trial > 1:
            raise InputError(
                "gpus_per_trial must be at most 1, as one process trains a job on one GPU, "
                f"got {self.gpus_per_trial:g}"
            )
        if self.time_limit is not None:
            check_at_least(0, 1e9, time_limit=self.time_limit)
        if self.data_root is not None:
            # Workers have another working directory.
            object.__setattr__(self, "data_root", self.data_root.absolute())
        check_at_least(0, 1e9, checkpoint_seconds=self.checkpoint_seconds)
        check_one_of(get_args(KeepWeights), keep_weights=self.keep_weights)
