"""A run directory, read once: what was asked, its rows, and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.stats.arms import ArmSummary, arms_info
from analysis.stats.points import points_info
from analysis.stats.verdicts import Verdict, verdicts_info
from searchspace import Architecture, InputError
from searchspace.space.costs.limits import UNLIMITED, Limits
from studies import Ablation, load, load_curves, load_environments, read_experiment
from studies.execution.standing import standing
from studies.rundir.frames import load_untuned
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.tuning import ArmTuning, arm_tunings
from studies.spec.search import Search
from studies.stats.looks import Look
from trainers import Task

LABELLED = 1000
"""Up to this number of points all networks get a label, which takes a millisecond each."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run directory, read.

    `frame` is what `studies.load` gives, `curves` the learning curves, `environments` the versions
    and devices where jobs ran.
    """

    store: RunStore
    experiment: Ablation | Search
    frame: pd.DataFrame
    curves: pd.DataFrame
    environments: pd.DataFrame

    @property
    def folder(self) -> Path:
        """The run directory."""
        return self.store.folder

    @property
    def search(self) -> Search | None:
        """The search, if the run holds one."""
        return self.experiment if isinstance(self.experiment, Search) else None

    @property
    def is_ablation(self) -> bool:
        """Whether the run holds an ablation."""
        return isinstance(self.experiment, Ablation)

    @property
    def ablation(self) -> Ablation:
        """The ablation; an InputError if the run holds a search."""
        if not isinstance(self.experiment, Ablation):
            raise InputError(f"{self.folder} holds a search; its networks are no arms of a study")
        return self.experiment

    @property
    def name(self) -> str:
        """The name of the study or search."""
        return self.experiment.name

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that the networks were trained on."""
        return self.experiment.tasks

    def task_suffixes(self) -> list[tuple[Task, str]]:
        """The tasks, each with a suffix of section names that is empty for a single task."""
        if len(self.tasks) == 1:
            return [(self.tasks[0], "")]
        return [(task, f"-{task.kind}-{i + 1}") for i, task in enumerate(self.tasks)]

    def on_task(self, task: Task) -> str:
        """What a title adds to name the task: nothing if there is only one."""
        return f" on {task.label()}" if len(self.tasks) > 1 else ""

    @property
    def measure(self) -> str:
        """The column of the accuracy that points have: validation in a search, else test."""
        return f"{self.experiment.reported_split}_accuracy"

    @property
    def axis(self) -> str:
        """The title of the accuracy axis."""
        return f"{self.measure.replace('_', ' ')}, %"

    @property
    def main_cost(self) -> str:
        """The column of the first cost of a search's objectives; MACs in an ablation."""
        objectives = self.search.objectives if self.search else ("macs",)
        columns = {"macs": "macs", "params": "params", "latency": "latency_ms"}
        return next(columns[name] for name in [*objectives, "macs"] if name in columns)

    @cached_property
    def arms(self) -> Sequence[ArmSummary]:
        """The arms of an ablation on each task."""
        return arms_info(self.frame, self.ablation)

    @cached_property
    def verdicts(self) -> Sequence[Verdict]:
        """The verdicts on the claims of an ablation."""
        return verdicts_info(self.frame, self.ablation)

    @cached_property
    def tunings(self) -> Sequence[ArmTuning]:
        """What was tried for each arm of an ablation that tunes; empty for others."""
        return arm_tunings(self.ablation, self.store.records())

    @cached_property
    def look(self) -> Look | None:
        """The last look at an ablation that goes on until it is decided; None for others."""
        return standing(self.ablation, self.store).look

    @cached_property
    def untuned_verdicts(self) -> Sequence[Verdict]:
        """The verdicts on the same claims for the arms with their own recipes."""
        return verdicts_info(load_untuned(self.store), self.ablation)

    @cached_property
    def points(self) -> pd.DataFrame:
        """All networks with an accuracy, on all tasks; columns are in `POINT_COLUMNS`."""
        return points_info(self.frame, self.measure)

    @cached_property
    def architectures(self) -> dict[str, Any]:
        """The JSON form of each arm's network, in order of appearance."""
        first = self.frame.drop_duplicates("arm")
        return dict(zip(first["arm"], first["architecture"], strict=True))

    def labels(self, points: pd.DataFrame) -> list[str]:
        """The label of each point's network; empty off the front where there are very many."""
        few = len(points) <= LABELLED
        labels: dict[str, str] = {}
        for arm, on_front in zip(points["arm"], points["on_front"], strict=True):
            if arm not in labels and (few or on_front):
                labels[arm] = Architecture.from_json(self.architectures[arm]).label()
        return [labels.get(arm, "") for arm in points["arm"]]

    @cached_property
    def records(self) -> Sequence[Record]:
        """The records of the jobs that are asked for, in the order in which they ended."""
        asked = set(self.frame["key"])
        return [record for record in self.store.records() if record.key in asked]

    @property
    def complete(self) -> bool:
        """Whether every job of an ablation has ended."""
        ended = {record.key for record in self.records}
        if not {job.key for _, job in self.ablation.jobs()} <= ended:
            return False
        goes_on = self.ablation.design.max_seeds and (self.look is None or self.look.needed)
        return not goes_on and all(tuning.ended for tuning in self.tunings)


def read_run(folder: Path) -> Run:
    """A run directory; an InputError if it holds none."""
    store = RunStore(folder)
    experiment = read_experiment(store)
    frame = _within_limits(load(store), experiment)
    return Run(store, experiment, frame, load_curves(store, frame), load_environments(store))


def _within_limits(frame: pd.DataFrame, experiment: Ablation | Search) -> pd.DataFrame:
    """The frame without ensembles that cost more than a search's limit on MACs.

    A limit is on one image at the space's own size, the largest; all sizes together may exceed it.
    `attrs["over_limit"]` counts those left out.
    """
    limits = experiment.limits if isinstance(experiment, Search) else Limits()
    column = "ensemble_macs" if limits.form == "deployed" else "ensemble_training_macs"
    most = limits.max_macs if limits.size is None else None
    over = frame[column] > (UNLIMITED if most is None else most)
    columns = [str(name) for name in frame if str(name).startswith("ensemble_")]
    kept = frame.assign(**{name: frame[name].mask(over) for name in columns})
    kept.attrs = {**frame.attrs, "over_limit": int(frame["arm"][over].nunique())}
    return kept


def read_ablations(folders: Sequence[Path]) -> list[Run]:
    """Runs of studies, in the order given.

    An InputError if one holds no run, a search or no finished job, or two hold the same study with
    the same preset.
    """
    runs = [_read_ablation(folder) for folder in folders]
    seen: dict[tuple[str, str], Path] = {}
    for run in runs:
        key = (run.name, run.ablation.preset)
        if key in seen:
            raise InputError(
                f"{seen[key]} and {run.folder} both hold {run.name} with preset {key[1]}; "
                "give one of them"
            )
        seen[key] = run.folder
    return runs


def _read_ablation(folder: Path) -> Run:
    run = read_run(folder)
    if not run.is_ablation:
        raise InputError(f"{folder} holds a search, which has no claims; give runs of studies")
    if not run.arms:
        raise InputError(f"{folder} has no finished job yet; run the study again to train some")
    return run


def distinct_names(runs: Sequence[Run]) -> list[str]:
    """The runs' directory names, with their parents' where they coincide."""
    names = [run.folder.resolve().name for run in runs]
    if len(set(names)) == len(names):
        return names
    return [str(run.folder) for run in runs]
