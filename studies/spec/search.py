"""What a search is asked for: a space within limits, a task, and what is traded against what."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

from searchspace import Architecture, InputError
from searchspace.checks import check_integer, check_one_of
from searchspace.schema import from_json, to_json
from searchspace.space import Space, Within
from searchspace.space.budget import Limits
from trainers import Job, Recipe, Task

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
    """The counterpart of `Ablation` for a search; `study.json` holds its JSON form, with its kind.

    Every architecture that is proposed lies in `space` within `limits`. Its first run has `seed`;
    replicates have the seeds that follow. `replicates` is the number of runs of every architecture,
    `contested` the number of further runs given, after the trials, to architectures whose place on
    the front is uncertain. Selection sees validation accuracies only.
    """

    kind: ClassVar[str] = "search"

    name: str
    space: Space
    task: Task
    recipe: Recipe
    trials: int
    limits: Limits = field(default_factory=Limits)
    objectives: tuple[Objective, ...] = ("accuracy", "macs")
    sampler: str = "tpe"
    sampler_settings: Settings = field(default_factory=dict)
    scheduler: str = "none"
    scheduler_settings: Settings = field(default_factory=dict)
    seed: int = 0
    replicates: int = 1
    contested: int = 0
    duplicates: Duplicates = "answer"

    def __post_init__(self) -> None:
        check_integer(1, trials=self.trials, replicates=self.replicates)
        check_integer(0, seed=self.seed, contested=self.contested)
        check_one_of(get_args(Duplicates), duplicates=self.duplicates)
        if len(set(self.objectives)) < len(self.objectives) or "accuracy" not in self.objectives:
            raise InputError(
                "objectives must be distinct and include accuracy, got "
                f"{', '.join(self.objectives) or 'none'}"
            )

    @cached_property
    def within(self) -> Within:
        """The networks that may be proposed."""
        limits = self.limits
        return self.space.within(
            max_macs=limits.max_macs,
            min_macs=limits.min_macs,
            max_params=limits.max_params,
            min_params=limits.min_params,
            form=limits.form,
            size=limits.size,
        )

    def job(self, architecture: Architecture, seed: int) -> Job:
        """The training of a proposed network."""
        return Job(architecture, self.task, self.recipe, seed)

    def extending(self, earlier: "Search") -> "Search":
        """The same search with the trials of `earlier` if it has more; refuses another question."""
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
