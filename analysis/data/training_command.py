"""The command line that trains a network, and the files that it reads."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchspace.schema import content_key, to_json
from trainers import RECIPES, TASKS, Recipe, Task


@dataclass(frozen=True)
class TrainingCommand:
    """Options of `trainers.train` for a task, recipe and seed; `files` by name, as JSON values."""

    options: tuple[str, ...]
    files: Mapping[str, Any]

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

    A task with other settings than its defaults is a file. A recipe is the named one with the
    fewest differences, and these.
    """
    files: dict[str, Any] = {}
    name = task.kind
    if TASKS[task.kind]() != task:
        file = f"task-{task.kind}-{content_key(task)[:6]}.json"
        files[file] = to_json(task)
        name = str(folder / file)
    return TrainingCommand(("--task", name, *_recipe(recipe), "--seed", str(seed)), files)


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
