"""A job, all that decides one training run, and its result."""

from dataclasses import dataclass
from typing import Any, Literal

from searchspace import Architecture
from searchspace.checks import whole
from searchspace.schema import content_key, from_json, to_json
from trainers.recipe import Recipe
from trainers.tasks import Task


@dataclass(frozen=True)
class Job:
    """One network on one task with one recipe and one seed; equal jobs give equal results."""

    architecture: Architecture
    task: Task
    recipe: Recipe
    seed: int

    def __post_init__(self) -> None:
        whole(0, seed=self.seed)

    @property
    def key(self) -> str:
        """A content hash of everything that decides the result."""
        return content_key(self)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Job.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "job") -> "Job":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)


Status = Literal["finished", "diverged"]


@dataclass(frozen=True)
class Point:
    """What a network does at one input size: accuracies in [0, 1], losses in nats.

    `test_accuracy` is measured once, at the end of the job, and selects nothing.
    """

    size: int
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    validation_images: int
    test_images: int


@dataclass(frozen=True)
class Epoch:
    """Progress after one pass: mean training loss, and accuracy and loss on validation."""

    epoch: int
    train_loss: float
    validation_accuracy: float
    validation_loss: float


@dataclass(frozen=True)
class Result:
    """How a job ended. `points` holds one entry per input size that the network serves.

    A diverged job (a loss that is not finite) has no points; `reason` says when it happened.
    `seconds` is the time spent in training passes, measurement excluded.
    """

    status: Status
    points: tuple[Point, ...]
    curve: tuple[Epoch, ...]
    seconds: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Result.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "result") -> "Result":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)
