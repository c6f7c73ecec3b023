"""What `python -m trainers.train` wrote, read back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from searchspace import InputError, build
from searchspace.schema import from_json
from searchspace.serialization.files import check_regular, read_json
from trainers.job import Job, Point, Result
from trainers.kept_files import find_kept_files
from trainers.learning.quantisation import quantise
from trainers.training_folder import CONFIG, METRICS, WEIGHTS


@dataclass(frozen=True)
class TrainedModel:
    """A finished training: its job, its result, and the measured network in training form."""

    folder: Path
    job: Job
    result: Result
    network: nn.Module

    @property
    def sizes(self) -> tuple[int, ...]:
        """The input sizes that the network is trained at, the largest first."""
        return tuple(point.size for point in self.result.points if point.trained)

    def point(self, size: int) -> Point:
        """What was measured at one input size."""
        for point in self.result.points:
            if point.size == size:
                return point
        raise InputError(
            f"size must be one of {', '.join(str(p.size) for p in self.result.points)}, the sizes "
            f"that the network was measured at, got {size}"
        )


def read_trained(folder: Path) -> TrainedModel:
    """Read a training's folder; an InputError says what is missing or not finished."""
    find_kept_files(folder / CONFIG)
    config = _read(folder / CONFIG)
    if "job" not in config:
        raise InputError(f"{folder / CONFIG} names no job; it is not a training's")
    job = Job.from_json(config["job"], str(folder / CONFIG))
    result = from_json(Result, _read(folder / METRICS), str(folder / METRICS))
    if result.status != "finished":
        raise InputError(f"the training in {folder} did not finish: {result.reason}")
    with torch.random.fork_rng(devices=[]):
        network = untrained(job)
    check_regular(folder / WEIGHTS)
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"cannot read the weights {folder / WEIGHTS}: {first}") from None
    return TrainedModel(folder, job, result, network.eval())


def untrained(job: Job) -> nn.Module:
    """The network of a job as it is measured, with weights that mean nothing."""
    network = build(job.architecture, job.task.classes, job.task.in_chs)
    return quantise(network, job.recipe.weight_bits, job.recipe.activation_bits)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise InputError(
            f"{path} does not exist; name a folder that `python -m trainers.train` has finished"
        )
    data = read_json(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected an object")
    return data
