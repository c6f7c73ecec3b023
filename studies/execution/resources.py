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

    Each job has `gpus_per_trial`, a share of a GPU or whole ones, and `cpus_per_trial` CPU cores
    (None: one for each of its processes); all are on one machine. Whole GPUs above 1 are a process
    each, which share every batch; without GPUs each core is. There are at most `workers` jobs at
    once (None: as many as fit). A job that runs longer than `time_limit` seconds fails. Its state
    is saved about every `checkpoint_seconds`, so that little is lost with a worker. A relative
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
    cpus_per_trial: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None:
            check_integer(1, MAX_RUNS, workers=self.workers)
        check_at_least(0, 1024, gpus_per_trial=self.gpus_per_trial)
        if self.gpus_per_trial > 1 and self.gpus_per_trial != int(self.gpus_per_trial):
            raise InputError(
                "gpus_per_trial must be at most 1 or a whole number of GPUs, "
                f"got {self.gpus_per_trial:g}"
            )
        if self.cpus_per_trial is not None:
            check_integer(1, 1024, cpus_per_trial=self.cpus_per_trial)
        if self.time_limit is not None:
            check_at_least(0, 1e9, time_limit=self.time_limit)
        if self.data_root is not None:
            # Workers have another working directory.
            object.__setattr__(self, "data_root", self.data_root.absolute())
        check_at_least(0, 1e9, checkpoint_seconds=self.checkpoint_seconds)
        check_one_of(get_args(KeepWeights), keep_weights=self.keep_weights)

    @property
    def device(self) -> str:
        """The type of the device that jobs train on: cpu or cuda."""
        return "cuda" if self.gpus_per_trial else "cpu"

    @property
    def processes(self) -> int:
        """How many processes train a job together."""
        if self.gpus_per_trial:
            return max(1, int(self.gpus_per_trial))
        return self.cpus_per_trial or 1

    @property
    def cpus(self) -> int:
        """How many CPU cores are reserved for a job."""
        return self.cpus_per_trial or self.processes

    @property
    def threads(self) -> int:
        """How many threads decode images for each process: its share of the reserved cores."""
        return max(1, self.cpus // self.processes)

    def jobs_that_fit(self, cpus: float, gpus: float) -> int:
        """How many jobs fit on so many cores and GPUs at once."""
        fit = cpus // self.cpus
        return int(min(fit, gpus // self.gpus_per_trial) if self.gpus_per_trial else fit)
