"""Everything that can be named in a file or an option, with its fields: `convfrontier reference`.

The page is made from the registries, so it lists users' operators too once they are registered.
docs/reference.md is its copy; a test compares the two.
"""

import dataclasses
import inspect
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from searchspace.markdown import markdown_table
from searchspace.schema import non_defaults

INTRODUCTION = """# Reference: what can be named, with its fields

Made by `convfrontier reference`. In YAML and JSON a value is an object with its `kind` and those
fields that differ from their defaults, for example `{kind: coconv, experts: 2}`; where all fields
have defaults its kind alone will do. In Python the class of the same name takes the same fields.
"""


def reference() -> int:
    """Print operators, backbones with their slots, spaces, tasks, recipes, samplers, schedulers."""
    print(page(), end="")
    return 0


def page() -> str:
    """The page in Markdown."""
    from searchspace import BACKBONES, OPERATORS, Resolutions, spaces
    from studies.samplers.registry import SAMPLERS
    from studies.search.early_stopping import SCHEDULERS
    from trainers import RECIPES, TASKS, Recipe

    by_role = {
        role: {k: c for k, c in sorted(OPERATORS.items()) if c.role == role}
        for role in ("conv", "recalibration")
    }
    parts = [
        INTRODUCTION,
        _values("Operators of convolution slots", by_role["conv"]),
        _values("Operators of recalibration slots", by_role["recalibration"]),
        _values("Resolutions, of a whole network", {"resolutions": Resolutions}),
        _values("Backbones", BACKBONES),
        _slots(BACKBONES),
        _named("Named search spaces (`--space`)", spaces()),
        _values("Tasks (`--task`)", TASKS),
        _values("Fields of a recipe (`--set`)", {"recipe": Recipe}),
        _recipes(RECIPES),
        _values("Samplers (`--sampler`)", SAMPLERS),
        _values("Schedulers, early stopping (`--scheduler`)", SCHEDULERS),
    ]
    return "\n".join(parts)


def _values(title: str, classes: Mapping[str, type]) -> str:
    """A section with a paragraph and a table of fields for each class."""
    parts = [f"## {title}\n"]
    for kind, described in classes.items():
        parts.append(f"### {kind}\n\n{_text(described)}\n")
        fields = [field for field in dataclasses.fields(described) if field.init]
        if fields:
            hints = typing.get_type_hints(described)
            rows = [(f"`{f.name}`", _type(hints[f.name]), _default(f)) for f in fields]
            parts.append(markdown_table(("field", "type", "default"), rows))
    return "\n".join(parts)


def _slots(backbones: Mapping[str, Any]) -> str:
    """The slots of each backbone with its default settings, alike ones in a row."""
    parts = [
        "## Slots\n\nThe places of each backbone with its default settings. A pattern such as "
        '`"layer3.*.conv*"` names several. `python -m searchspace.describe` shows those of a space.'
        "\n"
    ]
    for kind, backbone in backbones.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for slot in backbone().slots():
            shape = f"{slot.kernel}x{slot.kernel}" if slot.role == "conv" else ""
            row = (slot.role, slot.position.replace("_", " "), shape)
            alike.setdefault(row, []).append(slot.name)
        rows = [(*row, f"{len(names)}", _ends(names)) for row, names in alike.items()]
        heads = ("role", "position", "kernel", "number", "names")
        parts.append(f"### {kind}\n\n{markdown_table(heads, rows)}")
    return "\n".join(parts)


def _ends(names: list[str]) -> str:
    return f"`{names[0]}`" if len(names) == 1 else f"`{names[0]}` to `{names[-1]}`"


def _named(title: str, names: Iterable[str]) -> str:
    return f"## {title}\n\n{', '.join(f'`{name}`' for name in names)}\n"


def _recipes(recipes: Mapping[str, Any]) -> str:
    rows = [
        (f"`{name}`", ", ".join(f"{k}={v}" for k, v in non_defaults(recipe).items()))
        for name, recipe in recipes.items()
    ]
    table = markdown_table(("name", "fields that differ from the defaults"), rows)
    return f"## Named recipes (`--recipe`)\n\n{table}"


def _text(described: type) -> str:
    """The documentation of a class, a paragraph on a line."""
    paragraphs = (inspect.getdoc(described) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _type(hint: Any) -> str:
    """A type as a reader of YAML says it."""
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(str, typing.get_args(hint)))
    arguments = [a for a in typing.get_args(hint) if a is not Ellipsis]
    if typing.get_origin(hint) is tuple:
        inner = " and ".join(dict.fromkeys(_type(argument) for argument in arguments))
        return f"list of {inner}"
    if arguments and not isinstance(hint, type):
        return " or ".join(_type(argument) for argument in arguments)
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    return names.get(hint, "none" if hint is type(None) else getattr(hint, "__name__", str(hint)))


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    text = {None: "none", True: "true", False: "false"}.get(value) if _simple(value) else None
    if text is None:
        text = str(list(value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`"


def _simple(value: object) -> bool:
    return value is None or isinstance(value, bool)
