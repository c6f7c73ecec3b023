"""A job, which determines one training run, and its result."""

import base64
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from torch import Tensor

from searchspace import Architecture, InputError
from searchspace.checks import check_integer
from searchspace.schema import OMIT_DEFAULT, content_key, from_json, to_json
from trainers.recipe import Recipe
from trainers.tasks import Task


@dataclass(frozen=True)
class Job:
    """One network on one task with one recipe and one seed; equal jobs give equal results.

    `weights_seed` draws the initial weights and what else the network draws, if it is not `seed`.
    """

    architecture: Architecture
    task: Task
    recipe: Recipe
    seed: int
    weights_seed: int | None = field(default=None, metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        check_integer(0, seed=self.seed)
        if self.weights_seed is not None:
            check_integer(0, weights_seed=self.weights_seed)

    @cached_property
    def key(self) -> str:
        """A content hash of everything that decides the result."""
        return content_key(self)

    @property
    def training_sizes(self) -> tuple[int, ...]:
        """The input sizes in pixels that the network is trained at, the largest first."""
        return self.architecture.training_sizes(self.task.input_size)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Job.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "job") -> "Job":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)


Status = Literal["finished", "diverged", "out_of_memory", "truncated", "failed"]
"""Truncated: stopped early by a scheduler. Failed: raised, ran into its time limit, or lost."""


@dataclass(frozen=True)
class Point:
    """The metrics of a network at one input size: accuracies in [0, 1], losses in nats.

    `test_accuracy` is measured once, at the end of the job, and selects nothing. A size that is not
    `trained` lies between two sizes of a switchable network, whose norms it interpolates, or is one
    at which a network of one size is tested too. `test_right` says which test images are classified
    correctly, a bit each in the split's order (`trainers.unpack_flags` reads it).
    `test_top5_accuracy` is the share of test images whose class is among the five with the largest
    logits; None for tasks of five classes or fewer, and in records from before it was measured.
    """

    size: int
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    validation_images: int
    test_images: int
    trained: bool = field(default=True, metadata=OMIT_DEFAULT)
    test_right: str | None = field(default=None, metadata=OMIT_DEFAULT)
    test_top5_accuracy: float | None = field(default=None, metadata=OMIT_DEFAULT)


@dataclass(frozen=True)
class Ensemble:
    """The weighted mean of a switchable network's logits at all its sizes (RS-Net eq. 5).

    `weights` are in the order of the network's sizes and sum to 1; the rest is as in `Point`.
    """

    weights: tuple[float, ...]
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float


@dataclass(frozen=True)
class Epoch:
    """Progress after one pass: mean training loss, and accuracy and loss on validation.

    Those of a switchable network are means over the sizes that it is trained at.
    """

    epoch: int
    train_loss: float
    validation_accuracy: float
    validation_loss: float


@dataclass(frozen=True)
class Result:
    """How a job ended. `points` holds one entry per input size that the network serves.

    Only a finished job has points. One that diverged (a loss that is not finite) or ran out of
    memory has a `reason` that says when it happened, and the last entry of `curve` holds the last
    finite figures; one that was truncated has the curve so far; one that failed may have none.
    `seconds` is the wall time of training passes, measurement excluded. `accumulation` is the
    number of pieces that batches were processed in, more than the recipe's where memory was short.
    `peak_memory` is in bytes: on a GPU the most that was allocated at once, the stored data
    included; on a CPU the most that weights, the optimizer's state and the tensors of one step hold
    (None for compiled networks). Of the `processes` that trained the job together at its end, time
    and memory are those of the first.
    """

    status: Status
    points: tuple[Point, ...]
    curve: tuple[Epoch, ...]
    seconds: float
    reason: str = ""
    ensemble: Ensemble | None = field(default=None, metadata=OMIT_DEFAULT)
    accumulation: int = field(default=1, metadata=OMIT_DEFAULT)
    peak_memory: int | None = field(default=None, metadata=OMIT_DEFAULT)
    processes: int = field(default=1, metadata=OMIT_DEFAULT)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Result.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "result") -> "Result":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)


def pack_flags(flags: Tensor) -> str:
    """Flags (N,) of bool as base64 text, one bit each, the first in the highest bit of a byte."""
    return base64.b64encode(np.packbits(flags.cpu().numpy()).tobytes()).decode()


def unpack_flags(text: str, count: int) -> np.ndarray:
    """The inverse of `pack_flags`: flags (count,) of bool."""
    packed = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    if len(packed) != -(-count // 8):
        raise InputError(f"flags of {count} images take {-(-count // 8)} bytes, got {len(packed)}")
    return np.unpackbits(packed, count=count).astype(bool)
