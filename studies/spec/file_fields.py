"""Fields that files of studies and of searches share: task, recipe, operators.

Beside the JSON form of its parts, a file may use short forms: a name for a task or recipe stands
for it with its settings as they are.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from searchspace import InputError
from searchspace.checks import shown
from searchspace.schema import from_json, to_json
from searchspace.serialization.files import read_data
from studies.spec.user_operators import load_operators
from trainers import RECIPES, Recipe, Task
from trainers.arguments import task_from_fields
from trainers.recipe_files import with_files


def read_fields(path: Path) -> Mapping[str, Any]:
    """The fields of a YAML or JSON file, by name."""
    return as_mapping(read_data(path), str(path))


def check_fields(
    data: Mapping[str, Any], known: Collection[str], required: Collection[str], where: str
) -> None:
    """Raise an InputError for a field that is not known, or one that is missing."""
    for name in data:
        if name not in known:
            raise InputError(f"{where}: unknown field {name!r}; expected {', '.join(known)}")
    for name in required:
        if name not in data:
            raise InputError(f"{where}: field {name!r} is missing")


def load_operator_files(data: Any, folder: Path) -> None:
    """Register the operators of the files that `operators` names."""
    for name in as_list(data):
        load_operators(folder / str(name))


def parse_tasks(data: Any, folder: Path, where: str) -> tuple[tuple[Task, ...], Path | None]:
    """The tasks, and the folder that all folders of the user's images are in, if there are any."""
    tasks: list[Task] = []
    roots: dict[Path, None] = {}
    for i, entry in enumerate(as_list(data)):
        at = f"{where}[{i}]" if isinstance(data, list) else where
        task, root = task_from_fields(as_mapping(with_kind(entry), at), folder, at)
        tasks.append(task)
        if root is not None:
            roots[root] = None
    if len(roots) > 1:
        raise InputError(
            f"{where}: folders of images must lie side by side, got {[*map(str, roots)]}"
        )
    return tuple(tasks), next(iter(roots), None)


def parse_recipe_field(data: Any, where: str) -> Recipe:
    """A recipe by name, or by its differences from the one that `base` names."""
    fields = {"base": data} if isinstance(data, str) else dict(as_mapping(data, where))
    base = fields.pop("base", "quick")
    if not isinstance(base, str) or base not in RECIPES:
        raise InputError(
            f"{where}: there is no recipe {shown(base)}; known ones are {', '.join(RECIPES)}"
        )
    try:
        fields = with_files(fields)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return from_json(Recipe, {**to_json(RECIPES[base]), **fields}, where)


def with_kind(entry: Any) -> Any:
    """The JSON form of a value that is named by its kind alone; anything else as it is."""
    return {"kind": entry} if isinstance(entry, str) else entry


def as_mapping(data: Any, where: str) -> Mapping[str, Any]:
    """`data`, which must be an object."""
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: expected an object, got {shown(data)}")
    return {str(name): value for name, value in data.items()}


def as_list(data: Any) -> list[Any]:
    """`data` if it is a list, else a list of it alone."""
    return data if isinstance(data, list) else [data]
