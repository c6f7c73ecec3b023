"""Frozen dataclasses to JSON and back, with errors that name the path, and content keys.

Kept to the standard library: `searchspace` and `trainers` run on machines with little more than
torch. The JSON form of a value is an object of its fields; a value of a registered family carries
its `kind`. A content key is the SHA-256 of the canonical JSON text, so it is the same on every
machine and Python version.
"""

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from searchspace.checks import shown
from searchspace.errors import InputError

SCHEMA_VERSION = 1
"""Part of every content key: raised when the meaning of a stored value changes."""

OMIT_DEFAULT = {"omit_default": True}
"""Metadata of a dataclass field that JSON leaves out while it has its default value.

So a field can be added without changing the keys of stored values; its default must never change.
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Value:
    """A frozen value of one kind; families of kinds are told apart by `kind` in JSON."""

    kind: ClassVar[str] = ""
    family: ClassVar[Mapping[str, type["Value"]]] = {}


def to_json(value: Any) -> Any:
    """The JSON form of a value: plain objects, lists, numbers, strings, booleans and None.

    A field with the metadata `OMIT_DEFAULT` is left out while it has its default.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: to_json(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if not _left_out(f, getattr(value, f.name))
        }
        kind = getattr(value, "kind", "")
        return {"kind": kind, **fields} if kind else fields
    if isinstance(value, tuple | list | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    return value


def _left_out(field: dataclasses.Field[Any], value: Any) -> bool:
    # The type too: 1 == 1.0 == True, but their JSON differs.
    return (
        "omit_default" in field.metadata
        and type(value) is type(field.default)
        and bool(value == field.default)
    )


def content_key(value: Any, length: int = 16) -> str:
    """A stable hash of a value's content, as `length` hexadecimal digits."""
    text = json.dumps(
        [SCHEMA_VERSION, to_json(value)], sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def non_defaults(value: Any) -> dict[str, Any]:
    """The fields of a dataclass value that differ from their defaults, in order."""
    changed = {}
    for field in dataclasses.fields(value):
        current = getattr(value, field.name)
        if field.default is MISSING or current != field.default:
            changed[field.name] = current
    return changed


def from_json(cls: type[T], data: Any, path: str = "") -> T:
    """Build a `cls` from its JSON form; an InputError names the path of what is wrong."""
    where = path or cls.__name__
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: expected an object, got {shown(data)}")
    target: Any = cls
    fields = dict(data)
    family: dict[str, Any] = getattr(cls, "family", {})
    if family:
        kind = fields.pop("kind", None)
        if not isinstance(kind, str) or kind not in family:
            raise InputError(
                f"{where}: unknown kind {shown(kind)}; expected one of {', '.join(family)}"
            )
        target = family[kind]
    elif fields.get("kind") == getattr(cls, "kind", None):
        fields.pop("kind", None)
    hints = _hints(target)
    expected = {field.name: field for field in dataclasses.fields(target) if field.init}
    for name in fields:
        if name not in expected:
            raise InputError(
                f"{where}: unknown field {shown(name)}; expected {', '.join(expected)}"
            )
    for name, field in expected.items():
        if name not in fields and field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{where}: field {name!r} is missing")
    values = {n: _convert(hints[n], item, f"{where}.{n}") for n, item in fields.items()}
    try:
        result: T = target(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return result


@cache
def _hints(target: Any) -> dict[str, Any]:
    """The annotations of a dataclass, evaluated once: a long run reads a million values."""
    return typing.get_type_hints(target)


def _convert(hint: Any, data: Any, path: str) -> Any:
    """Check `data` against a type annotation and turn JSON lists and objects into values."""
    origin = get_origin(hint)
    if hint is Any:
        return data
    if origin in (Union, types.UnionType):
        return _convert_union(get_args(hint), data, path)
    if origin is Literal:
        if data not in get_args(hint):
            raise InputError(f"{path}: expected one of {get_args(hint)}, got {shown(data)}")
        return data
    if origin is tuple:
        return _convert_tuple(get_args(hint), data, path)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if not isinstance(data, Mapping):
            raise InputError(f"{path}: expected an object, got {shown(data)}")
        inner = get_args(hint)[1]
        return {str(name): _convert(inner, item, f"{path}.{name}") for name, item in data.items()}
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast(type[Any], hint), data, path)
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        try:
            return float(data)
        except OverflowError:
            raise InputError(f"{path}: expected a number, got {shown(data)}") from None
    wrong_bool = isinstance(data, bool) and hint is not bool
    if not isinstance(data, hint) or wrong_bool:
        raise InputError(f"{path}: expected {hint.__name__}, got {shown(data)}")
    return data


def _convert_union(options: tuple[Any, ...], data: Any, path: str) -> Any:
    if data is None and type(None) in options:
        return None
    rest = [option for option in options if option is not type(None)]
    errors = []
    for option in rest:
        try:
            return _convert(option, data, path)
        except InputError as error:
            errors.append(error)
    raise errors[-1]


def _convert_tuple(inner: tuple[Any, ...], data: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise InputError(f"{path}: expected a list, got {shown(data)}")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_convert(inner[0], item, f"{path}[{i}]") for i, item in enumerate(data))
    if len(data) != len(inner):
        raise InputError(f"{path}: expected a list of {len(inner)}, got {shown(data)}")
    items = enumerate(zip(inner, data, strict=True))
    return tuple(_convert(hint, item, f"{path}[{i}]") for i, (hint, item) in items)
