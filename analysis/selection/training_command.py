"""The command that trains a network, and the files that it reads."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from searchspace.schema import content_key, to_json
from trainers import RECIPES, TASKS, Recipe, Task


@dataclass(frozen=True)
class TrainingCommand:
    """A command line, less the architecture's file and `--out`, and other files by name."""

    options: tuple[str, ...]
    files: Mapping[str, Any]

    def line(self, name: str) -> str:
        """The command for the architecture in `name`.json."""
        words = ("python", "-m", "trainers.train", f"{name}.json", *self.options, "--out", name)
        return shlex.join(words)


def training_command(task: Task, recipe: Recipe, seed: int = 0) -> TrainingCommand:
    """How `trainers.train` is told this task, recipe and seed."""
    files: dict[str, Any] = {}
    options = ["--task", _task(task, files), *_recipe(recipe)]
    return TrainingCommand((*options, "--seed", str(seed)), files)


def _task(task: Task, files: dict[str, Any]) -> str:
    if TASKS[task.kind]() == task:
        return task.kind
    name = f"task-{task.kind}-{content_key(task)[:6]}.json"
    files[name] = to_json(task)
    return name


def _recipe(recipe: Recipe) -> list[str]:
    """The named recipe with the fewest differences, and these."""
    changes = {name: _changes(known, recipe) for name, known in RECIPES.items()}
    best = min(changes, key=lambda name: len(changes[name]))
    sets = [word for change in changes[best] for word in ("--set", change)]
    return ["--recipe", best, *sets]


def _changes(known: Recipe, wanted: Recipe) -> list[str]:
    old, new = vars(known), vars(wanted)
    return [f"{name}={_text(new[name])}" for name in new if new[name] != old[name]]


def _text(value: Any) -> str:
    text = json.dumps(to_json(value))
    return text.strip('"')
