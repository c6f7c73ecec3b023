"""Parses tasks and recipes given on command lines: by name, from a JSON file, with changes."""

from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from searchspace import InputError
from searchspace.files import read_json
from searchspace.parsing import parse_json
from searchspace.schema import from_json, to_json
from trainers.named_recipes import RECIPES
from trainers.recipe import Recipe
from trainers.tasks import TASKS, Task


def parse_task(name: str) -> Task:
    """A task by its name, with default settings, or from a file whose name ends in .json."""
    if name.endswith(".json"):
        # The family of tasks decides which of them it is.
        chosen: Task = from_json(cast(type[Any], Task), read_json(Path(name)), name)
        return chosen
    if name not in TASKS:
        raise InputError(f"there is no task {name!r}; known tasks are {', '.join(TASKS)}")
    return TASKS[name]()


def parse_recipe(name: str, changes: list[str]) -> Recipe:
    """A recipe by its name or from a .json file; each change is `field=value`, JSON or text."""
    if name.endswith(".json"):
        chosen = from_json(Recipe, read_json(Path(name)), name)
    elif name in RECIPES:
        chosen = RECIPES[name]
    else:
        raise InputError(f"there is no recipe {name!r}; known recipes are {', '.join(RECIPES)}")
    return from_json(Recipe, {**to_json(chosen), **parse_changes(changes)}, "recipe")


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """Fields of a recipe from texts `field=value`, JSON or text."""
    names = {field.name for field in fields(Recipe)}
    changed = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or name not in names:
            raise InputError(f"--set takes FIELD=VALUE with a field of the recipe, got {change!r}")
        changed[name] = parse_value(value)
    return changed


def parse_value(text: str) -> Any:
    """A JSON value, or text as it is."""
    try:
        return parse_json(text, "value")
    except InputError:
        return text
