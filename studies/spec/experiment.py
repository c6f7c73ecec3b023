"""What an ablation and a search have in common: a run directory holds either of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

from searchspace import Space
from trainers import Job, Recipe, Task

Split = Literal["validation", "test"]


class Experiment(Protocol):
    """What is asked of one run directory; `study.json` holds its JSON form, with its kind."""

    kind: ClassVar[str]
    reported_split: ClassVar[Split]
    """The split whose accuracy reports show: a search must not show what it selects by on test."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def question(self) -> str:
        """What it is to answer, in a sentence."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What networks are trained on."""

    @property
    def recipe(self) -> Recipe:
        """How networks are trained that have no recipe of their own."""

    def recipe_of(self, arm: str, task: Task) -> Recipe:
        """How the network that tables call `arm` is trained on a task."""

    @property
    def min_jobs(self) -> int:
        """How many jobs a complete run has at least."""

    def label(self) -> str:
        """Name and settings in a few words."""

    def arm_jobs(self) -> Iterator[tuple[str, Job]]:
        """Jobs that are known before any is trained, with the names of their arms."""

    def task_space(self) -> Space | None:
        """The space of its networks with the task's classes; None if the networks are listed."""

    def identified(self, data_root: Path | None) -> Self:
        """The experiment with what identifies the data of its tasks.

        An InputError if data are missing, or are not those that a task asks for.
        """

    def extending(self, earlier: Self) -> Self:
        """The experiment with the seeds or trials of `earlier` if it has more.

        An InputError refuses one that asks something else.
        """

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
