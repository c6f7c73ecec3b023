"""A study of one's own: from a YAML or JSON file, or from Python.

The fields of a file are in `FIELDS`; docs/ablation.md has an example. Beside the JSON form of its
parts, a file may use short forms: a name for an operator, backbone, task or recipe with its
settings as they are, the choices alone for an arm, and "a > b + 0.5" for a claim.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from searchspace import Architecture, InputError
from searchspace.schema import from_json, to_json
from searchspace.space.reading import read_data
from studies.cli.drive import prepare, train_missing
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.rundir.frames import load
from studies.rundir.store import RunStore
from studies.spec.ablation import Arm, Design, Study
from studies.spec.claims import Claim, Comparison, exceeds
from studies.spec.user_operators import load_operators
from trainers import RECIPES, Folder, Recipe, Task, folder_task

PRESET = "own"
FIELDS = {
    "name": "of the study; the file's, if it is left out",
    "question": "what it is to answer",
    "operators": "a Python file, or several, whose operators are used",
    "backbone": "of all arms that name none",
    "arms": "by name: choices by slot pattern, or an object of backbone, choices, ...",
    "baseline": "the arm that others are compared with; the first, if it is left out",
    "task": "one, or a list; {kind: folder, path: ..., size: ...} for one's own images",
    "recipe": "a name, or an object of settings that differ from those of `base` (quick)",
    "seeds": "runs of each arm; 5, if it is left out",
    "claims": "statements that are put to the test",
}
ARM_FIELDS = ("backbone", "choices", "resolutions", "recipe")


@dataclass(frozen=True)
class OwnStudy:
    """What a file holds: a study and the folder that its images are in."""

    study: Study
    data_root: Path | None


def run_study(
    study: Study,
    out: str | Path,
    *,
    preset: str | None = None,
    seeds: int | None = None,
    data_root: str | Path | None = None,
    workers: int | None = None,
    gpus_per_trial: float = 0.0,
) -> pd.DataFrame:
    """Train what is missing of a study and give all results, as `studies.load` does.

    Without `preset`, the study's only one. An InputError says if jobs failed or were stopped.
    """
    resources = Resources(workers, gpus_per_trial, None, Path(data_root) if data_root else None)
    store, console = RunStore(Path(out)), Console()
    plan = study.ablation(preset or next(iter(study.presets)), seeds=seeds)
    for task in plan.design.tasks:
        task.locate(resources.data_root)
    plan = prepare(plan, store, fresh=False, console=console)
    with RayBackend(resources) as backend:
        status = train_missing(plan, store, backend, console)
    if status:
        raise InputError(f"not all jobs of {study.name} ended; run it again to go on")
    return load(out)


def read_study(path: str | Path) -> OwnStudy:
    """The study in a YAML or JSON file; an InputError names the place in the file."""
    file = Path(path)
    where = str(file)
    data = _mapping(read_data(file), where)
    for name in data:
        if name not in FIELDS:
            raise InputError(f"{where}: unknown field {name!r}; expected {', '.join(FIELDS)}")
    for name in ("arms", "task"):
        if name not in data:
            raise InputError(f"{where}: field {name!r} is missing")
    for operators in _listed(data.get("operators", [])):
        load_operators(file.parent / str(operators))
    arms = tuple(
        _arm(str(name), entry, data.get("backbone"), f"{where}: arms.{name}")
        for name, entry in _mapping(data["arms"], f"{where}: arms").items()
    )
    if not arms:
        raise InputError(f"{where}: arms: expected at least one arm, got none")
    tasks, data_root = _tasks(data["task"], file, f"{where}: task")
    claims = [
        _claim(entry, f"{where}: claims[{i}]")
        for i, entry in enumerate(_listed(data.get("claims", [])))
    ]
    name = str(data.get("name", file.stem))
    try:
        design = Design(
            arms=arms,
            tasks=tasks,
            recipe=_recipe(data.get("recipe", "quick"), f"{where}: recipe"),
            seeds=data.get("seeds", 5),
            note="",
            claims=tuple(claims),
        )
        question = str(data.get("question", f"How do the arms of {name} compare?"))
        baseline = str(data.get("baseline", arms[0].name))
        study = Study(_checked(name), question, file.name, baseline, {PRESET: design})
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None
    return OwnStudy(study, data_root)


def _arm(name: str, entry: Any, backbone: Any, where: str) -> Arm:
    """An arm from an object of `ARM_FIELDS`, or from its choices alone."""
    fields = _mapping(entry or {}, where)
    if not fields or not set(fields) <= set(ARM_FIELDS):
        fields = {"choices": fields}
    backbone = fields.get("backbone", backbone)
    if backbone is None:
        raise InputError(f"{where}: field 'backbone' is missing, here and for the whole file")
    choices = _mapping(fields.get("choices") or {}, f"{where}.choices")
    form = {
        "backbone": _kind(backbone),
        "choices": {pattern: _kind(choice) for pattern, choice in choices.items()},
        "resolutions": fields.get("resolutions"),
    }
    own = fields.get("recipe")
    recipe = None if own is None else _recipe(own, f"{where}.recipe")
    return Arm(name, Architecture.from_json(form, where), recipe)


def _tasks(data: Any, file: Path, where: str) -> tuple[tuple[Task, ...], Path | None]:
    """The tasks and the one folder that all folders of images are in."""
    tasks: list[Task] = []
    roots: dict[Path, None] = {}
    for i, entry in enumerate(_listed(data)):
        at = f"{where}[{i}]" if isinstance(data, list) else where
        fields = dict(_mapping(_kind(entry), at))
        if fields.get("kind") == Folder.kind and "path" in fields:
            folder = (file.parent / str(fields.pop("path"))).resolve()
            found = folder_task(folder)
            fields = {**to_json(found), **fields}
            roots[folder.parent] = None
        tasks.append(from_json(Task, fields, at))  # type: ignore[type-abstract]
    if len(roots) > 1:
        raise InputError(
            f"{where}: folders of images must lie side by side, got {[*map(str, roots)]}"
        )
    return tuple(tasks), next(iter(roots), None)


def _recipe(data: Any, where: str) -> Recipe:
    """A recipe by name, or by its differences from the one that `base` names."""
    fields = {"base": data} if isinstance(data, str) else dict(_mapping(data, where))
    base = fields.pop("base", "quick")
    if base not in RECIPES:
        raise InputError(
            f"{where}: there is no recipe {base!r}; known ones are {', '.join(RECIPES)}"
        )
    return from_json(Recipe, {**to_json(RECIPES[base]), **fields}, where)


def _claim(entry: Any, where: str) -> Claim:
    """A claim from its JSON form, or from "a > b", "a > b + 0.5", "a > b - 0.5"."""
    if not isinstance(entry, str):
        return from_json(Claim, {"source": "", **_mapping(entry, where)}, where)
    match = re.fullmatch(r"(.+?) > (.+?)(?: ([+-]) ?(\d+(?:\.\d+)?))?", entry.strip())
    if match is None:
        raise InputError(f'{where}: expected "arm > arm" or "arm > arm + points", got {entry!r}')
    higher, lower, sign, points = match.groups()
    margin = float(f"{sign}{points}") if points else 0.0
    comparisons: tuple[Comparison, ...] = exceeds(higher, lower, margin=margin)
    return Claim(entry, "", comparisons)


def _kind(entry: Any) -> Any:
    """A kind's name stands for it with its settings as they are."""
    return {"kind": entry} if isinstance(entry, str) else entry


def _checked(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name):
        raise InputError(f"name must be of letters, digits, _, . and -, got {name!r}")
    return name


def _mapping(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: expected an object, got {data!r}")
    return {str(name): value for name, value in data.items()}


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]
