"""The command line that trains a network, and the files that it reads."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchspace.schema import content_key, to_json
from searchspace.serialization import user_code
from trainers import RECIPES, TASKS, Recipe, Task
from trainers.tasks.python_data import PythonData


@dataclass(frozen=True)
class TrainingCommand:
    """Options of `trainers.train` for a task, recipe and seed.

    `files` are JSON values by name, `code` is the text of Python files by name.
    """

    options: tuple[str, ...]
    files: Mapping[str, Any]
    code: Mapping[str, str]

    def words(self, architecture: str, out: str) -> list[str]:
        """The command for the architecture in a file, which writes into the folder `out`."""
        return ["python", "-m", "trainers.train", architecture, *self.options, "--out", out]

    def line(self, name: str) -> str:
        """The command for the architecture in `name`.json, for a shell."""
        return shlex.join(self.words(f"{name}.json", name))


def training_command(
    task: Task, recipe: Recipe, seed: int = 0, folder: Path = Path()
) -> TrainingCommand:
    """The command for a task, recipe and seed, with its files in `folder`.

    A task with other settings than its defaults is a file, and so is the code that makes its data;
    code must lie beside the task's file. A recipe is the named one with the
    fewest differences, and these.
    """
    files: dict[str, Any] = {}
    name = task.kind
    if TASKS[task.kind]() != task:
        file = f"task-{task.kind}-{content_key(task)[:6]}.json"
        files[file] = to_json(task)
        name = str(folder / file)
    options = ("--task", name, *_recipe(recipe), "--seed", str(seed))
    return TrainingCommand(options, files, _code(task))


def _code(task: Task) -> dict[str, str]:
    """The file whose function makes a task's data, as the run has kept it."""
    if not isinstance(task, PythonData) or task.code not in user_code.FILES:
        return {}
    return {task.source.rpartition(":")[0]: user_code.FILES[task.code].text}


def _recipe(recipe: Recipe) -> list[str]:
    """The options of the named recipe with the fewest differences."""
    changes = {name: _changes(named, recipe) for name, named in RECIPES.items()}
    nearest = min(changes, key=lambda name: len(changes[name]))
    sets = [word for change in changes[nearest] for word in ("--set", change)]
    return ["--recipe", nearest, *sets]


def _changes(named: Recipe, recipe: Recipe) -> list[str]:
    old, new = vars(named), vars(recipe)
    return [f"{name}={_text(new[name])}" for name in new if new[name] != old[name]]


def _text(value: Any) -> str:
    return json.dumps(to_json(value)).strip('"')
