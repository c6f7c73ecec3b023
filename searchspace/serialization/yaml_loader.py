"""PyYAML's safe loader with the core schema of YAML 1.2, and no name twice in an object.

PyYAML itself reads YAML 1.1, in which `010` is 8, `1:30` is 90, `no` is false and `1e-3` is text.
Here the first three are text, which is refused where a number is expected, and the last is 0.001.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from searchspace.errors import InputError
from searchspace.serialization.parsing import parse_integer

CORE = "tag:yaml.org,2002:"
_BOOLEANS = {"true": True, "false": False}
# A leading zero makes a number octal for some readers, so it makes no number here.
_WHOLE = r"[-+]?(?:0|[1-9][0-9]*)"

Scalar = tuple[str, str, list[str | None], Callable[[str], Any]]
SCALARS: tuple[Scalar, ...] = (
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""], lambda text: None),
    (
        "bool",
        "true|True|TRUE|false|False|FALSE",
        list("tTfF"),
        lambda text: _BOOLEANS[text.lower()],
    ),
    ("int", _WHOLE, list("-+0123456789"), parse_integer),
    (
        "float",
        rf"(?:[-+]?\.[0-9]+|{_WHOLE}(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
        float,
    ),
)
"""Name of the tag, pattern, first characters, and what makes the value from the text."""


def load_yaml(text: str) -> Any:
    """What one YAML document holds; an InputError names the line of what is malformed."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "unreadable characters"
        raise InputError(f"{place}malformed YAML: {problem}") from None


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}
    yaml_constructors: dict[str, Any] = {}


def _problem(node: Any, problem: str) -> Exception:
    error: Exception = yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return error


def _mapping(loader: Any, node: Any) -> Iterator[dict[Any, Any]]:
    if not isinstance(node, yaml.MappingNode):
        raise _problem(node, "expected an object")
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            raise _problem(key, f"{key.value!r} is given twice; remove one")
        if isinstance(key, yaml.ScalarNode):
            seen.add(key.value)
    # Given first and filled afterwards, as an alias within may stand for the whole.
    found: dict[Any, Any] = {}
    yield found
    loader.flatten_mapping(node)
    found.update(loader.construct_mapping(node))


def _scalar(pattern: str, make: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    def construct(loader: Any, node: Any) -> Any:
        text = loader.construct_scalar(node)
        if not re.fullmatch(pattern, text):
            kind = node.tag.removeprefix(CORE)
            raise _problem(node, f"{text!r} is not of the kind {kind!r}")
        try:
            return make(text)
        except InputError as error:
            raise _problem(node, str(error)) from None

    return construct


for _name, _pattern, _first, _make in SCALARS:
    _Loader.add_implicit_resolver(CORE + _name, re.compile(f"(?:{_pattern})$"), _first)
    _Loader.add_constructor(CORE + _name, _scalar(_pattern, _make))
_Loader.add_implicit_resolver(f"{CORE}merge", re.compile("<<$"), ["<"])
_Loader.add_constructor(f"{CORE}str", yaml.SafeLoader.construct_yaml_str)
_Loader.add_constructor(f"{CORE}seq", yaml.SafeLoader.construct_yaml_seq)
_Loader.add_constructor(f"{CORE}map", _mapping)
_Loader.add_constructor(None, yaml.SafeLoader.construct_undefined)
