"""Spaces written in YAML or JSON.

Beside the JSON form of a space, files may use short forms: `backbone` for one backbone, a kind's
name for a choice with default settings, one string for one slot pattern, and a list of values for
any setting of a backbone or choice, which stands for one backbone or choice per value.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from searchspace.backbones import Backbone
from searchspace.backbones.graft.sources import files_beside
from searchspace.checks import shown
from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.resolutions import Resolutions
from searchspace.schema import from_json, to_json
from searchspace.serialization.files import read_data
from searchspace.space.rules import TIES, Rule, RuleError
from searchspace.space.space import Space

FIELDS = ("name", "backbone", "rules", "resolutions", "input_size", "num_classes", "in_chs")
MOST_COMBINATIONS = 10_000
"""Backbones or choices that one entry of a file may stand for."""


def read_space(path: str | Path) -> Space:
    """The space in a YAML or JSON file; an InputError names the place in the file."""
    with files_beside(Path(path).parent):
        return parse_space(read_data(Path(path)), str(path))


def parse_space(data: Any, where: str = "space") -> Space:
    """A space from its JSON form or the short forms, already loaded."""
    entries = _mapping(data, where)
    for name in entries:
        if name not in FIELDS:
            raise InputError(f"{where}: unknown field {shown(name)}; expected {', '.join(FIELDS)}")
    if "backbone" not in entries:
        raise InputError(f"{where}: field 'backbone' is missing")
    listed = _values(Backbone, entries["backbone"], f"{where}: backbone")
    backbones = tuple(backbone for backbone, _ in listed)
    rules, option_places = _rules(entries.get("rules", []), where)
    rest = {n: value for n, value in entries.items() if n not in ("backbone", "rules")}
    if "resolutions" in rest:
        listed = _values(Resolutions, rest["resolutions"], f"{where}: resolutions")
        rest["resolutions"] = tuple(resolutions for resolutions, _ in listed)
    try:
        return Space(backbones, rules, **rest)
    except RuleError as error:
        place = f"rules[{error.rule}]"
        if error.option >= 0:
            place = option_places[error.rule][error.option]
        raise InputError(f"{where}: {place}: {error.reason}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _rules(data: Any, where: str) -> tuple[tuple[Rule, ...], list[list[str]]]:
    """The rules, and for each the places of its options in the file."""
    rules, option_places = [], []
    for i, entry in enumerate(_list(data, f"{where}: rules")):
        at = f"{where}: rules[{i}]"
        fields = dict(_mapping(entry, at))
        options = fields.pop("options", [])
        choices = list(_values(Choice, _list(options, f"{at}.options"), f"{at}.options"))
        if isinstance(fields.get("slots"), str):
            fields["slots"] = [fields["slots"]]
        if isinstance(fields.get("tie"), str) and fields["tie"] not in TIES:
            raise InputError(
                f"{at}.tie: expected {', '.join(TIES)} or a list of groups, "
                f"got {shown(fields['tie'])}"
            )
        given = {"options": [to_json(choice) for choice, _ in choices], **fields}
        rules.append(from_json(Rule, given, at))
        option_places.append([place.removeprefix(f"{where}: ") for _, place in choices])
    return tuple(rules), option_places


def _values(family: Any, data: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The values of one entry or a list of entries, each with its place."""
    if not isinstance(data, list):
        for entry in _expanded(family, data, path):
            yield from_json(family, entry, path), path
        return
    for i, entry in enumerate(data):
        if entry is None and family is Resolutions:
            yield None, f"{path}[{i}]"
            continue
        for single in _expanded(family, entry, f"{path}[{i}]"):
            yield from_json(family, single, f"{path}[{i}]"), f"{path}[{i}]"


def _expanded(family: Any, data: Any, path: str) -> Iterator[dict[str, Any]]:
    """One entry for each combination of the settings that are given as lists of values."""
    kinds = getattr(family, "family", {})
    entry = {"kind": data} if kinds and isinstance(data, str) else dict(_mapping(data, path))
    target = kinds.get(str(entry.get("kind"))) if kinds else family
    hints = get_type_hints(target) if target else {}
    several = {
        name: value
        for name, value in entry.items()
        if isinstance(value, list) and _lists_values(hints.get(name), value)
    }
    for name, value in several.items():
        if not value:
            raise InputError(f"{path}.{name}: expected at least one value, got an empty list")
    count = math.prod(map(len, several.values()))
    if count > MOST_COMBINATIONS:
        raise InputError(
            f"{path}: its lists of values combine to {count:,} entries; "
            f"there must be at most {MOST_COMBINATIONS:,}"
        )
    for combination in product(*several.values()):
        yield {**entry, **dict(zip(several, combination, strict=True))}


def _lists_values(hint: Any, value: list[Any]) -> bool:
    """Whether a list holds several values of a setting, rather than being its value."""
    listed = any(get_origin(option) is tuple for option in (hint, *get_args(hint)))
    return not listed or bool(value) and all(isinstance(item, list) for item in value)


def _mapping(data: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{path}: expected an object, got {shown(data)}")
    return data


def _list(data: Any, path: str) -> list[Any]:
    if not isinstance(data, list):
        raise InputError(f"{path}: expected a list, got {shown(data)}")
    return data
