"""Parses tasks and recipes given on command lines: by name, from a file, with changes."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from searchspace import InputError
from searchspace.backbones.graft.sources import files_beside
from searchspace.checks import MAX_SIZE, check_integer, shown
from searchspace.schema import from_json, to_json
from searchspace.serialization import user_code
from searchspace.serialization.files import read_data, read_text
from searchspace.serialization.parsing import parse_json
from searchspace.serialization.user_code import UserFile
from trainers.named_recipes import RECIPES
from trainers.recipe import Recipe
from trainers.recipe_files import with_files
from trainers.tasks import TASKS, Folder, PythonData, Task, Torchvision, folder_task
from trainers.tasks.collected_task import CollectedTask, counted
from trainers.tasks.published import PUBLISHED
from trainers.tasks.python_data import SYNTAX

SUFFIXES = (".json", ".yaml", ".yml")
OWN_DATA = {
    "folder": ("a folder of images", "path: FOLDER"),
    "python": ("a function that makes datasets", "source: FILE.py:FUNCTION"),
    "huggingface": ("a dataset of Hugging Face", "path: FOLDER"),
    "webdataset": ("a folder of tar files", "path: FOLDER"),
}
"""Tasks that a name alone does not describe: what they are, and the field that says where."""


def parse_task(name: str) -> tuple[Task, Path | None]:
    """A task by its name, with default settings, or from a JSON or YAML file.

    Also the folder that the user's images are in, if the file names one.
    """
    return task_from_fields(task_fields(name), Path(), name)


def task_fields(name: str) -> dict[str, Any]:
    """The fields of the task that a command line names; a path to images is made absolute."""
    if Path(name).suffix in SUFFIXES:
        data = read_data(Path(name))
        if not isinstance(data, dict):
            raise InputError(f"{name}: expected an object, got {shown(data)}")
        for field in ("path", "source"):
            if field in data:
                data[field] = str((Path(name).parent / str(data[field])).resolve())
        return data
    if name in OWN_DATA:
        raise InputError(
            f"{OWN_DATA[name][0]} is named by a file: write {{kind: {name}, {OWN_DATA[name][1]}}} "
            "into images.yaml and give it in place of the task's name"
        )
    if name not in TASKS and name not in PUBLISHED:
        raise InputError(
            f"there is no task {name!r}; known tasks are {', '.join([*TASKS, *PUBLISHED])}"
        )
    return {"kind": name}


def task_from_fields(data: Mapping[str, Any], folder: Path, where: str) -> tuple[Task, Path | None]:
    """A task, and the folder that its images are in if `path` names them, relative to `folder`.

    Classes and images of such a folder are counted, and those of the datasets that `source`, a file
    and a function, makes. The name of a published dataset stands for the kind that reads it.
    """
    fields, root = dict(data), None
    if isinstance(fields.get("kind"), str) and fields["kind"] in PUBLISHED:
        fields = {**fields, "kind": Torchvision.kind, "name": fields["kind"]}
    if fields.get("kind") == Folder.kind and "path" in fields:
        path, size = str(fields.pop("path")), fields.get("size", Folder.size)
        images = (folder / path).resolve()
        check_integer(1, MAX_SIZE, size=size)
        fields, root = {**to_json(folder_task(images, size)), **fields}, images.parent
    elif issubclass(TASKS.get(str(fields.get("kind")), Task), CollectedTask):
        return _collected_task(fields, folder, where)
    # The family of tasks decides which of them it is.
    task: Task = from_json(cast(type[Any], Task), fields, where)
    return task, root


def _collected_task(fields: dict[str, Any], folder: Path, where: str) -> tuple[Task, Path | None]:
    """A task of the user's own data, counted unless it was before, and its data root."""
    root: Path | None = None
    if fields["kind"] == PythonData.kind:
        path, colon, function = str(fields.get("source", "")).rpartition(":")
        if not colon or not path.endswith(".py"):
            raise InputError(f"{where}: {SYNTAX}, got {shown(fields.get('source'))}")
        file = (folder / path).resolve()
        fields["source"], root = f"{file.name}:{function}", file.parent
        if "fingerprint" not in fields or file.is_file():
            code = user_code.keep(UserFile(file, read_text(file)))
            fields = {"code": code, **fields}
    elif "path" in fields:
        data = (folder / str(fields.pop("path"))).resolve()
        fields["name"], root = data.name, data.parent
    task: CollectedTask = from_json(cast(type[Any], Task), fields, where)
    if "fingerprint" in fields:
        return task, root
    if root is None:
        raise InputError(f"{where}: field 'path' is missing")
    del fields["kind"]
    return counted(type(task), root, fields), root


def parse_recipe(name: str, changes: list[str]) -> Recipe:
    """A recipe by its name or from a file; each change is `field=value`, JSON or text."""
    if Path(name).suffix in SUFFIXES:
        with files_beside(Path(name).parent):
            chosen = from_json(Recipe, with_files(_object(read_data(Path(name)), name)), name)
    elif name in RECIPES:
        chosen = RECIPES[name]
    else:
        raise InputError(f"there is no recipe {name!r}; known recipes are {', '.join(RECIPES)}")
    changed = with_files(parse_changes(changes))
    return from_json(Recipe, {**to_json(chosen), **changed}, "recipe")


def _object(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected an object, got {shown(data)}")
    return data


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
