"""JSON and YAML text to plain values; whatever is wrong with the text is an InputError.

Both take less than their standards allow: no name twice in an object, no NaN or infinity, no deep
nesting. YAML is read by the rules of YAML 1.2: `1e-3` is a number; `010`, `1:30`, `yes` and dates
are text.
"""

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any, NoReturn

from searchspace.errors import InputError

MAX_DEPTH = 100
"""Levels of lists and objects within each other."""
MAX_VALUES = 2_000_000
"""Values in one text, those that YAML's aliases repeat included."""
MAX_DIGITS = 400
"""Of a whole number: more than a float can hold, and few enough to be printed."""


def parse_json(text: str | bytes, where: str) -> Any:
    """What a JSON text holds; `where` names it in the InputError."""
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=parse_integer
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{where}: {place}: malformed JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise InputError(f"{where}: not a text file in UTF-8") from None
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if _opening(text) > MAX_DEPTH or len(text) > MAX_VALUES:
        _check_shape(value, where)
    return value


def _opening(text: str | bytes) -> int:
    """The number of brackets that open: no fewer than there are levels."""
    if isinstance(text, str):
        return text.count("[") + text.count("{")
    return text.count(b"[") + text.count(b"{")


def parse_yaml(text: str, where: str) -> Any:
    """What a YAML text holds; `where` names it in the InputError."""
    # Imported here: everything else works without PyYAML.
    from searchspace.serialization.yaml_loader import load_yaml

    try:
        value = load_yaml(text)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except RecursionError:
        raise InputError(f"{where}: {_TOO_DEEP}") from None
    _check_shape(value, where)
    return value


_TOO_DEEP = f"lists and objects must be at most {MAX_DEPTH} levels deep"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise InputError(f"the name {twice!r} is given twice in one object; remove one")
    return found


def _no_constant(text: str) -> NoReturn:
    raise InputError(f"malformed JSON: {text} is not a number")


def parse_integer(text: str) -> int:
    """A whole number of at most `MAX_DIGITS` digits."""
    if len(text) > MAX_DIGITS:
        raise InputError(f"a number has {len(text)} digits; it must be at most {MAX_DIGITS} long")
    return int(text)


def _check_shape(value: Any, where: str) -> None:
    """Refuse deep nesting, and YAML whose aliases repeat parts without end."""
    level, seen = [value], 1
    for _ in range(MAX_DEPTH + 1):
        inner = [item for item in level if isinstance(item, dict | list)]
        if not inner:
            return
        seen += sum(map(len, inner))
        if seen > MAX_VALUES:
            raise InputError(f"{where}: it must hold at most {MAX_VALUES:,} values")
        level = list(chain.from_iterable(_items(item) for item in inner))
    raise InputError(f"{where}: {_TOO_DEEP}")


def _items(value: dict[Any, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
