"""A user's study in a YAML or JSON file; docs/ablation.md has an example.

The fields of a file are in `FIELDS`. Beside the JSON form of its parts, a file may use short forms:
a name for an operator, backbone, task or recipe with its settings as they are, the choices alone
for an arm, and "a > b + 0.5" for a claim.
"""

import re
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from searchspace import Architecture, InputError
from searchspace.backbones.graft.sources import files_beside
from searchspace.schema import from_json
from studies.spec.ablation import Study
from studies.spec.claims import Claim, Comparison, exceeds
from studies.spec.design import EQUIVALENCE_MARGIN, Arm, Design
from studies.spec.file_fields import (
    as_list,
    as_mapping,
    check_fields,
    load_operator_files,
    parse_recipe_field,
    parse_tasks,
    read_fields,
    with_kind,
)
from studies.spec.latency import LatencyMethod, parse_latency
from studies.spec.pilot import Pilot
from studies.spec.tuning import Tuning, grid
from trainers import Recipe
from trainers.initial import check_start

PRESET = "custom"
"""The only preset of a study from a file."""
FIELDS = {
    "name": "of the study; the file's, if it is left out",
    "question": "what it is to answer",
    "operators": "a Python file, or several, whose operators are used",
    "backbone": "of all arms that name none",
    "arms": "by name: choices by slot pattern, or an object of backbone, choices, ...",
    "baseline": "the arm that others are compared with; the first, if it is left out",
    "task": "one, or a list; {kind: folder, path: ..., size: ...} for a folder of images",
    "recipe": "a name, or an object of settings that differ from those of `base` (quick)",
    "seeds": "runs of each arm; 5, if it is left out",
    "claims": "statements that are put to the test",
    "tune": "values of the recipe to try for every arm first: {lr: [0.05, 0.1], seeds: 1}",
    "margin": "points; accuracies closer than this are equivalent. 0.5, if it is left out",
    "pilot": "what --pilot printed: {sd: points, pairs: N, accuracy: per cent}",
    "latency": "true to measure that of every arm, or how: {command: ./measure.sh}",
}
TUNE_FIELDS = ("recipes", "seeds", "untuned")
ARM_FIELDS = ("backbone", "choices", "resolutions", "recipe")


@dataclass(frozen=True)
class StudyFile:
    """A study, and the folder that its folders of images are in."""

    study: Study
    data_root: Path | None


def read_study(path: str | Path) -> StudyFile:
    """The study in a YAML or JSON file; an InputError names the place in the file."""
    file = Path(path)
    where = str(file)
    data = read_fields(file)
    check_fields(data, FIELDS, ("arms", "task"), where)
    load_operator_files(data.get("operators", []), file.parent)
    with files_beside(file.parent):
        arms = tuple(
            _arm(str(name), entry, data.get("backbone"), f"{where}: arms.{name}")
            for name, entry in as_mapping(data["arms"], f"{where}: arms").items()
        )
        recipe = parse_recipe_field(data.get("recipe", "quick"), f"{where}: recipe")
    if not arms:
        raise InputError(f"{where}: arms: expected at least one arm, got none")
    tasks, data_root = parse_tasks(data["task"], file.parent, f"{where}: task")
    for arm in arms:
        for task in tasks:
            try:
                check_start(arm.architecture, arm.recipe or recipe, task)
            except InputError as error:
                raise InputError(f"{where}: arms.{arm.name}: {error}") from None
    claims = [
        _claim(entry, f"{where}: claims[{i}]")
        for i, entry in enumerate(as_list(data.get("claims", [])))
    ]
    name = str(data.get("name", file.stem))
    asked = data.get("latency", False)
    try:
        design = Design(
            arms=arms,
            tasks=tasks,
            recipe=recipe,
            seeds=data.get("seeds", 5),
            note="",
            claims=tuple(claims),
            tune=_tuning(data["tune"], f"{where}: tune") if "tune" in data else None,
            margin=data.get("margin", EQUIVALENCE_MARGIN),
            pilot=_pilot(data["pilot"], f"{where}: pilot") if "pilot" in data else None,
            latency=asked is not False,
            latency_method=(
                LatencyMethod()
                if isinstance(asked, bool)
                else parse_latency(asked, file.parent, f"{where}: latency")
            ),
        )
        question = str(data.get("question", f"How do the arms of {name} compare?"))
        baseline = str(data.get("baseline", arms[0].name))
        study = Study(_checked(name), question, file.name, baseline, {PRESET: design})
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None
    return StudyFile(study, data_root)


def _arm(name: str, entry: Any, backbone: Any, where: str) -> Arm:
    """An arm from an object of `ARM_FIELDS`, or from its choices alone."""
    fields = as_mapping(entry or {}, where)
    if not fields or not set(fields) <= set(ARM_FIELDS):
        fields = {"choices": fields}
    backbone = fields.get("backbone", backbone)
    if backbone is None:
        raise InputError(f"{where}: field 'backbone' is missing, here and for the whole file")
    choices = as_mapping(fields.get("choices") or {}, f"{where}.choices")
    form = {
        "backbone": with_kind(backbone),
        "choices": {pattern: with_kind(choice) for pattern, choice in choices.items()},
        "resolutions": fields.get("resolutions"),
    }
    recipe = fields.get("recipe")
    if recipe is not None:
        recipe = parse_recipe_field(recipe, f"{where}.recipe")
    return Arm(name, Architecture.from_json(form, where), recipe)


def _claim(entry: Any, where: str) -> Claim:
    """A claim from its JSON form, or from "a > b", "a > b + 0.5", "a > b - 0.5"."""
    if not isinstance(entry, str):
        return from_json(Claim, {"source": "", **as_mapping(entry, where)}, where)
    match = re.fullmatch(r"(.+?) > (.+?)(?: ([+-]) ?(\d+(?:\.\d+)?))?", entry.strip())
    if match is None:
        raise InputError(f'{where}: expected "arm > arm" or "arm > arm + points", got {entry!r}')
    higher, lower, sign, points = match.groups()
    margin = float(f"{sign}{points}") if points else 0.0
    comparisons: tuple[Comparison, ...] = exceeds(higher, lower, margin=margin)
    return Claim(entry, "", comparisons)


def _tuning(entry: Any, where: str) -> Tuning:
    """Tuning from lists of values by field of the recipe, or from `recipes`, a list of changes."""
    fields = dict(as_mapping({"recipes": entry} if isinstance(entry, list) else entry, where))
    settings = {name: fields.pop(name) for name in TUNE_FIELDS if name in fields}
    check_fields(fields, [f.name for f in dataclass_fields(Recipe)], (), where)
    if "recipes" in settings and fields:
        raise InputError(f"{where}: give recipes, or values by field, not both")
    listed = settings.pop("recipes", None)
    if listed is not None:
        changes = enumerate(as_list(listed))
        variants = tuple(as_mapping(each, f"{where}.recipes[{i}]") for i, each in changes)
    else:
        variants = grid(**fields) if fields else ()
    return from_json(Tuning, {"variants": list(variants), **settings}, where)


def _pilot(entry: Any, where: str) -> Pilot:
    pilot: Pilot = from_json(Pilot, as_mapping(entry, where), where)
    return pilot


def _checked(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name):
        raise InputError(f"name must be of letters, digits, _, . and -, got {name!r}")
    return name
