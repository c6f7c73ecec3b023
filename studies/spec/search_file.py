"""A search in a YAML or JSON file; docs/search.md has an example.

The fields of a file are in `FIELDS`. The options of the command line have the same names and are
put in their place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from searchspace import (
    Architecture,
    InputError,
    Space,
    named_space,
    parse_space,
    read_space,
    spaces,
)
from searchspace.backbones.graft.sources import files_beside
from searchspace.checks import check_one_of, parse_amount
from searchspace.schema import from_json, to_json
from searchspace.space.costs.limits import Limits
from studies.spec.file_fields import (
    as_list,
    as_mapping,
    check_fields,
    load_operator_files,
    parse_recipe_field,
    parse_tasks,
    read_fields,
)
from studies.spec.fitting import fitted
from studies.spec.latency import parse_latency
from studies.spec.search import Duplicates, Objective, Search
from trainers.initial import check_start

LIMITS = ("max_macs", "min_macs", "max_params", "min_params")
COPIED = (
    "objectives",
    "sampler",
    "sampler_settings",
    "scheduler",
    "scheduler_settings",
    "seed",
    "replicates",
    "contested",
    "duplicates",
)
"""Fields that have the name and form of the field of `Search`."""
DEFAULTS: Mapping[str, Any] = {"task": "digits", "recipe": "quick", "trials": 60}
FIELDS = (
    "name",
    "space",
    "operators",
    "task",
    "recipe",
    "trials",
    *LIMITS,
    *COPIED,
    "latency",
)
SUFFIXES = (".json", ".yaml", ".yml")


@dataclass(frozen=True)
class SearchFile:
    """A search, how its space was fitted to the task, and the folder of the user's images."""

    search: Search
    notes: tuple[str, ...]
    data_root: Path | None


def holds_search(path: Path) -> bool:
    """Whether a file holds a search: it has a `space`, where a study has `arms`."""
    data = read_fields(path)
    return "space" in data and "arms" not in data


def build_search(data: Mapping[str, Any], where: str, folder: Path) -> SearchFile:
    """The search that the fields ask for; an InputError names the place of a mistake.

    Paths are relative to `folder`.
    """
    check_fields(data, FIELDS, ("space",), where)
    data = {**DEFAULTS, **data}
    load_operator_files(data.get("operators", []), folder)
    tasks, data_root = parse_tasks(data["task"], folder, f"{where}: task")
    if len(tasks) != 1:
        raise InputError(f"{where}: task: a search has one task, got {len(tasks)}")
    space, space_name = _space(data["space"], folder, f"{where}: space")
    space, notes = fitted(space, tasks[0])
    with files_beside(folder):
        recipe = parse_recipe_field(data["recipe"], f"{where}: recipe")
    for backbone in space.backbones:
        try:
            check_start(Architecture(backbone), recipe, tasks[0])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    limits = {name: round(parse_amount(data[name])) for name in LIMITS if name in data}
    form = {
        "name": str(data.get("name", f"search-{space_name}")),
        "space": space.to_json(),
        "task": to_json(tasks[0]),
        "recipe": to_json(recipe),
        "trials": data["trials"],
        "limits": {**to_json(Limits()), **limits},
        **{name: data[name] for name in COPIED if name in data},
    }
    if "objectives" in form:
        form["objectives"] = as_list(form["objectives"])
        for name in form["objectives"]:
            check_one_of(get_args(Objective), objectives=name)
    if "latency" in data:
        if "latency" not in form.get("objectives", ()):
            raise InputError(
                f"{where}: latency says how latency is measured, which is no objective; add it to "
                "objectives, or leave latency out"
            )
        form["latency_method"] = to_json(
            parse_latency(data["latency"], folder, f"{where}: latency")
        )
    if "duplicates" in form:
        check_one_of(get_args(Duplicates), duplicates=form["duplicates"])
    return SearchFile(from_json(Search, form, where), tuple(notes), data_root)


def read_search(path: str | Path) -> SearchFile:
    """The search in a YAML or JSON file."""
    file = Path(path)
    return build_search(read_fields(file), str(file), file.parent)


def _space(data: Any, folder: Path, where: str) -> tuple[Space, str]:
    """A space and what it is called: by name, in a file of its own, or written out."""
    if not isinstance(data, str):
        with files_beside(folder):
            space = parse_space(as_mapping(data, where), where)
        return space, space.name or "space"
    if data in spaces():
        return named_space(data), data
    file = folder / data
    if data.endswith(SUFFIXES) or file.is_file():
        return read_space(file), file.stem
    raise InputError(
        f"{where}: there is no space {data!r}, and no such file; named spaces are "
        f"{', '.join(spaces())}"
    )
