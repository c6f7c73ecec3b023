"""The networks of a run in a form small enough to put ten thousand of them into a page."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.data.runs import Run
from analysis.data.training_command import training_command
from trainers import Recipe


class _Distinct:
    """Distinct values in order of appearance."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._indices: dict[str, int] = {}

    def index(self, value: Any) -> int:
        """The index of a value, which is added if it is new."""
        text = repr(value)
        if text not in self._indices:
            self._indices[text] = len(self.values)
            self.values.append(value)
        return self._indices[text]


def networks_json(run: Run) -> dict[str, Any]:
    """All networks of a run, in the order of `Run.architectures`, and the commands that train them.

    Choices, slots and all else are stored once: a network is the index of its `base` (everything
    but choices) and pairs of indices of slot and choice. `commands` are by recipes (one for each
    task) and task.
    """
    bases, choices, slots, recipes = (_Distinct() for _ in range(4))
    trials = dict(zip(run.frame["arm"], run.frame["trial"], strict=True))
    networks = [
        {
            "name": arm if pd.isna(trials[arm]) else f"trial {trials[arm]}, {arm}",
            "file": re.sub(r"[^A-Za-z0-9]+", "-", arm).strip("-"),
            "base": bases.index({k: v for k, v in data.items() if k != "choices"}),
            "choices": [
                index
                for slot, choice in data["choices"].items()
                for index in (slots.index(slot), choices.index(choice))
            ],
            "recipe": recipes.index([run.experiment.recipe_of(arm, task) for task in run.tasks]),
        }
        for arm, data in run.architectures.items()
    ]
    return {
        "bases": bases.values,
        "slots": slots.values,
        "choices": choices.values,
        "networks": networks,
        "commands": [_commands(run, by_task) for by_task in recipes.values],
    }


def _commands(run: Run, recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    pairs = zip(run.tasks, recipes, strict=True)
    commands = [training_command(task, recipe) for task, recipe in pairs]
    return [{"line": command.line("NAME"), "files": command.files} for command in commands]
