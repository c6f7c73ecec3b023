"""What a study asks, and the jobs that answer it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from searchspace import Architecture, Cost, InputError, measure
from searchspace.schema import from_json, to_json
from studies.spec.design import Arm as Arm
from studies.spec.design import Design as Design
from studies.spec.design import Published as Published
from studies.spec.experiment import Split
from trainers import Job, Recipe, Task
from trainers.tasks.fingerprint import check_same_data


@dataclass(frozen=True)
class Study:
    """A named question, its baseline arm, and its designs by preset name."""

    name: str
    question: str
    source: str
    baseline: str
    presets: Mapping[str, Design]
    published: tuple[Published, ...] = ()

    def __post_init__(self) -> None:
        for preset, design in self.presets.items():
            names = [arm.name for arm in design.arms]
            if self.baseline not in names or len(set(names)) < len(names):
                raise InputError(
                    f"study {self.name}, preset {preset}: arms must have distinct names and "
                    f"include the baseline {self.baseline!r}, got {names}"
                )

    def ablation(
        self, preset: str, *, tasks: tuple[Task, ...] = (), seeds: int | None = None
    ) -> "Ablation":
        """The study as it will be run: one preset, with other tasks or seeds where given."""
        design = self.presets[preset]
        others = [task.label() for task in tasks if task not in design.tasks]
        if others:
            note = f"On {', '.join(others)} in place of the preset's own tasks."
            # A pilot is about the preset's own tasks.
            design = replace(design, note=note, pilot=None)
        design = replace(design, tasks=tasks or design.tasks, seeds=seeds or design.seeds)
        return Ablation(replace(self, presets={preset: design}))


@dataclass(frozen=True)
class Ablation:
    """A study with the one preset that a run directory is made with: an `Experiment`.

    `tuned` holds the recipes that tuning has chosen so far, by arm and task; they follow from the
    results and are no part of the JSON form.
    """

    kind: ClassVar[str] = "ablation"
    reported_split: ClassVar[Split] = "test"

    study: Study
    tuned: Mapping[tuple[str, Task], Recipe] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if len(self.study.presets) != 1:
            raise InputError(
                f"an ablation has one preset of its study, got {', '.join(self.study.presets)}"
            )

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name

    @property
    def question(self) -> str:
        """The study's question."""
        return self.study.question

    @property
    def preset(self) -> str:
        """The name of the preset."""
        return next(iter(self.study.presets))

    @property
    def design(self) -> Design:
        """The preset's design."""
        return self.study.presets[self.preset]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks on which every arm is trained."""
        return self.design.tasks

    @property
    def recipe(self) -> Recipe:
        """The recipe of arms that have none of their own."""
        return self.design.recipe

    def own_recipe(self, arm: str) -> Recipe:
        """The recipe that the design gives the arm of that name."""
        recipes = {arm.name: arm.recipe for arm in self.design.arms}
        return recipes.get(arm) or self.design.recipe

    def recipe_of(self, arm: str, task: Task) -> Recipe:
        """The recipe of an arm on a task: its tuned one if it is known, else its own."""
        return self.tuned.get((arm, task)) or self.own_recipe(arm)

    @property
    def min_jobs(self) -> int:
        """The number of jobs that compare arms, which is known beforehand."""
        return len(self.design.arms) * len(self.design.tasks) * self.design.seeds

    def label(self) -> str:
        """The study with its preset and source."""
        return f"study {self.name}, preset {self.preset}, after {self.study.source}"

    def jobs(self, seeds: int | None = None) -> Iterator[tuple[Arm, Job]]:
        """The jobs of so many seeds, by default the design's, as far as their recipes are known.

        They come seed by seed, so that a part of a run is paired as far as it goes. Those of an arm
        whose tuning is not over are not known yet.
        """
        for arm, job in self.untuned_jobs(seeds):
            if self.design.tune is None:
                yield arm, job
            elif (arm.name, job.task) in self.tuned:
                yield arm, replace(job, recipe=self.tuned[arm.name, job.task])

    def untuned_jobs(self, seeds: int | None = None) -> Iterator[tuple[Arm, Job]]:
        """The jobs as they would be without tuning."""
        design = self.design
        for seed in range(design.seeds if seeds is None else seeds):
            for task in design.tasks:
                for arm in design.arms:
                    yield arm, arm.job(task, design.recipe, seed)

    def arm_jobs(self) -> Iterator[tuple[str, Job]]:
        """All jobs that there may be, up to the planned maximum, with the names of their arms."""
        seeds = self.design.max_seeds or self.design.seeds
        return ((arm.name, job) for arm, job in self.jobs(seeds))

    def task_space(self) -> None:
        """None: the arms are listed."""
        return None

    def identified(self, data_root: Path | None) -> "Ablation":
        """The ablation with what identifies the data of its tasks."""
        return self.changed(tasks=tuple(task.identified(data_root) for task in self.tasks))

    def extending(self, earlier: "Ablation") -> "Ablation":
        """The same ablation with the seeds of `earlier` if it has more."""
        asked = (self.name, self.preset, self.tasks)
        if asked != (earlier.name, earlier.preset, earlier.tasks):
            names = ", ".join(task.label() for task in earlier.tasks)
            if asked[:2] == (earlier.name, earlier.preset):
                for before, task in zip(earlier.tasks, self.tasks, strict=False):
                    check_same_data(to_json(before), task)
                now = ", ".join(task.label() for task in self.tasks)
                raise InputError(
                    f"it holds {earlier.name} on {names}, another run than the one asked for, on "
                    f"{now}; restore images that have changed, or give another --out"
                )
            raise InputError(
                f"it holds {earlier.name} with preset {earlier.preset} on {names}, another run "
                "than the one asked for; give another --out"
            )
        max_seeds = self._planned(earlier)
        seeds = max(self.design.seeds, earlier.design.seeds)
        if max_seeds is not None and seeds > max_seeds:
            raise InputError(
                f"{seeds} seeds are more than the planned maximum of {max_seeds}, which is kept "
                "once a study may be looked at; give another --out"
            )
        extended = self.changed(seeds=seeds, max_seeds=max_seeds)
        tune = earlier.design.tune
        return extended.also_untuned() if tune and tune.untuned else extended

    def _planned(self, earlier: "Ablation") -> int | None:
        """The planned maximum of seeds; an InputError for a rule that changes after a look."""
        now, before = self.design, earlier.design
        if before.max_seeds is None:
            return now.max_seeds
        if now.max_seeds not in (None, before.max_seeds):
            raise InputError(
                f"its seeds are added until it is decided, {before.max_seeds} at most, which "
                f"cannot be changed to {now.max_seeds} after a look; give --max-seeds "
                f"{before.max_seeds} or another --out"
            )
        if (now.claims, now.margin) != (before.claims, before.margin):
            raise InputError(
                "its seeds are added until its claims are decided, so that neither claims nor "
                "margin can be changed after a look; restore them or give another --out"
            )
        return before.max_seeds

    def changed(self, **changes: Any) -> "Ablation":
        """The same ablation with fields of its design changed."""
        design = replace(self.design, **changes)
        return Ablation(replace(self.study, presets={self.preset: design}))

    def also_untuned(self) -> "Ablation":
        """The same ablation with its arms trained with their own recipes as well."""
        tune = self.design.tune
        return self.changed(tune=replace(tune, untuned=True)) if tune else self

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Ablation.from_json` reads it back."""
        return {"kind": self.kind, "study": to_json(self.study)}

    @classmethod
    def from_json(cls, data: Any, path: str = "ablation") -> "Ablation":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)


def costs(architecture: Architecture, task: Task, size: int | None = None) -> tuple[Cost, Cost]:
    """The deployed and the training cost on one image of the task, at another `size` if given.

    Otherwise at the largest size that the network is trained at.
    """
    shape = {"num_classes": task.classes, "in_chs": task.in_chs}
    side = architecture.training_sizes(task.input_size)[0] if size is None else size
    deployed = measure(architecture, side, "deployed", **shape)
    return deployed, measure(architecture, side, "training", **shape)
