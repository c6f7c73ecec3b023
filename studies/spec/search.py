"""What a search is asked for: a space within limits, a task, and what is traded against what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from searchspace import Architecture, InputError
from searchspace.checks import MAX_RUNS, MAX_TRIALS, check_integer, check_one_of
from searchspace.schema import OMIT_DEFAULT, from_json, to_json
from searchspace.space import Limits, Space
from studies.spec.experiment import Split
from studies.spec.latency import LatencyMethod
from trainers import Job, Recipe, Task
from trainers.tasks.fingerprint import check_same_data

Objective = Literal["accuracy", "macs", "params", "latency"]
"""Validation accuracy is to be high; deployed MACs, parameters and milliseconds are to be low."""
Duplicates = Literal["answer", "seed"]
"""A network proposed again is answered from the store, or trained with a new seed."""

SAME = ("space", "limits", "task", "recipe", "seed", "scheduler", "scheduler_settings")
GROWING = ("trials", "replicates", "contested")

Setting = bool | int | float | str
Settings = Mapping[str, Setting]


@dataclass(frozen=True)
class Search:
    """A search of a space within limits: an `Experiment`.

    Every architecture that is proposed lies in `space` within `limits`. Its first run has `seed`;
    replicates have the seeds that follow. `replicates` is the number of runs of every architecture,
    `contested` the number of further runs given, after the trials, to architectures whose place on
    the front is uncertain. Selection sees validation accuracies only. `latency_method` counts
    only if latency is an objective.
    """

    kind: ClassVar[str] = "search"
    reported_split: ClassVar[Split] = "validation"

    name: str
    space: Space
    task: Task
    recipe: Recipe
    trials: int
    limits: Limits = field(default_factory=Limits)
    objectives: tuple[Objective, ...] = ("accuracy", "macs")
    sampler: str = "informed"
    sampler_settings: Settings = field(default_factory=dict)
    scheduler: str = "none"
    scheduler_settings: Settings = field(default_factory=dict)
    seed: int = 0
    replicates: int = 1
    contested: int = 0
    duplicates: Duplicates = "answer"
    latency_method: LatencyMethod = field(default=LatencyMethod(), metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        check_integer(1, MAX_TRIALS, trials=self.trials)
        check_integer(1, MAX_RUNS, replicates=self.replicates)
        check_integer(0, seed=self.seed)
        check_integer(0, MAX_TRIALS, contested=self.contested)
        check_one_of(get_args(Duplicates), duplicates=self.duplicates)
        if self.task.splits == "resampled":
            raise InputError(
                "a search selects on images that resampled splits test on with other seeds; use a "
                "task with fixed splits, got splits=resampled"
            )
        if len(set(self.objectives)) < len(self.objectives) or "accuracy" not in self.objectives:
            raise InputError(
                "objectives must be distinct and include accuracy, got "
                f"{', '.join(self.objectives) or 'none'}"
            )

    @property
    def question(self) -> str:
        """Which networks of the space have the best trade-offs."""
        words = {"macs": "MACs", "params": "parameters"}
        costs = " and ".join(words.get(name, name) for name in self.costs)
        space = self.space.name or "this space"
        return f"Which networks of {space} trade validation accuracy best for {costs}?"

    @property
    def costs(self) -> tuple[Objective, ...]:
        """The objectives beside accuracy."""
        return tuple(name for name in self.objectives if name != "accuracy")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The only task."""
        return (self.task,)

    def recipe_of(self, arm: str, task: Task) -> Recipe:
        """The recipe of all networks."""
        return self.recipe

    @property
    def min_jobs(self) -> int:
        """The number of trials, unless jobs of earlier trials may stand for theirs."""
        return self.trials if self.duplicates == "seed" else 0

    def label(self) -> str:
        """The search with its task and sampler."""
        return f"{self.name} on {self.task.label()}, sampler {self.sampler}"

    def arm_jobs(self) -> Iterator[tuple[str, Job]]:
        """None: the log of the run says which jobs there are."""
        return iter(())

    def task_space(self) -> Space:
        """The space with the task's classes and channels."""
        space, task = self.space, self.task
        if (space.num_classes, space.in_chs) == (task.classes, task.in_chs):
            # The same object has its cost tables already.
            return space
        return replace(space, num_classes=task.classes, in_chs=task.in_chs)

    @cached_property
    def within(self) -> Space:
        """The space with its limits: the networks that may be proposed."""
        return self.space.with_limits(self.limits)

    def job(self, architecture: Architecture, seed: int) -> Job:
        """The training of a proposed network."""
        return Job(architecture, self.task, self.recipe, seed)

    def identified(self, data_root: Path | None) -> "Search":
        """The search with what identifies the data of its task."""
        return replace(self, task=self.task.identified(data_root))

    def extending(self, earlier: "Search") -> "Search":
        """The same search with the trials of `earlier` if it has more; refuses another question."""
        check_same_data(to_json(earlier.task), self.task)
        for name in SAME:
            if getattr(self, name) != getattr(earlier, name):
                raise InputError(
                    f"it holds a search with another {name.replace('_', ' ')} than the one asked "
                    "for; give another --out, and --warm-start to learn from this one"
                )
        most = {name: max(getattr(self, name), getattr(earlier, name)) for name in GROWING}
        return replace(self, **most)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Search.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "search") -> "Search":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)
