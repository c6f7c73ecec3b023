"""Frozen dataclasses to JSON and back, with errors that name the path, and content keys.

Kept to the standard library: `searchspace` and `trainers` run on machines with little more than
torch. The JSON form of a value is an object of its fields; a value of a registered family carries
its `kind`. A content key is the SHA-256 of the canonical JSON text, so it is the same on every
machine and Python version.
"""

import dataclasses
import hashlib
import json
import marshal
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass
from functools import cache, partial
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
    """A frozen value of one kind; families of kinds are told apart by `kind` in JSON.

    `sharing` reads the same text of a `shared` class once.
    """

    kind: ClassVar[str] = ""
    shared: ClassVar[bool] = True
    family: ClassVar[Mapping[str, type["Value"]]] = {}


def to_json(value: Any) -> Any:
    """The JSON form of a value: plain objects, lists, numbers, strings, booleans and None.

    A field with the metadata `OMIT_DEFAULT` is left out while it has its default.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    names = _written(kind)
    if names is not None:
        form = {"kind": value.kind} if getattr(value, "kind", "") else {}
        for name, default in names:
            item = getattr(value, name)
            # The type too: 1 == 1.0 == True, but their JSON differs.
            if type(item) is not type(default) or item != default:
                form[name] = to_json(item)
        return form
    if isinstance(value, tuple | list | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    return value


_PLAIN = frozenset({str, int, float, bool, type(None)})


@cache
def _written(kind: Any) -> tuple[tuple[str, Any], ...] | None:
    """The fields of a dataclass, each with the default that is left out; None for other types."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(
        (field.name, field.default if "omit_default" in field.metadata else MISSING)
        for field in dataclasses.fields(kind)
    )


def content_key(value: Any, length: int = 16) -> str:
    """A stable hash of a value's content, as `length` hexadecimal digits."""
    return _hash(_canonical(value), length)


def json_key(data: Any, length: int = 16) -> str:
    """The content key of the value with this JSON form."""
    return _hash(_canonical_json(data), length)


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(f"[{SCHEMA_VERSION},{text}]".encode()).hexdigest()[:length]


def _canonical_json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _canonical(value: Any) -> str:
    """The canonical text of a value's JSON form."""
    kind: Any = type(value)
    names = _written(kind)
    if names is None:
        return _canonical_json(to_json(value))
    parts = {"kind": value.kind} if getattr(value, "kind", "") else {}
    for name, default in names:
        item = getattr(value, name)
        if type(item) is not type(default) or item != default:
            parts[name] = item
    return "{" + ",".join([f'"{name}":{_part(parts[name])}' for name in sorted(parts)]) + "}"


_texts: dict[int, tuple[Any, str]] = {}
"""Texts of parts by identity, which the part beside keeps its own: thousands of jobs share an
architecture, a task and a recipe."""
_TEXTS = 64


def _part(value: Any) -> str:
    """As `_canonical`, made once of a frozen dataclass that is among the last ones."""
    kind: Any = type(value)
    if kind is int:
        return str(value)
    if _written(kind) is None or not kind.__dataclass_params__.frozen:
        return _canonical(value)
    if id(value) not in _texts:
        if len(_texts) >= _TEXTS:
            _texts.clear()
        _texts[id(value)] = value, _canonical(value)
    return _texts[id(value)][1]


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
    expected = _fields(target)
    if not fields.keys() <= expected.keys():
        name = next(name for name in fields if name not in expected)
        raise InputError(f"{where}: unknown field {shown(name)}; expected {', '.join(expected)}")
    if len(fields) < len(expected):
        for name, expected_field in expected.items():
            if expected_field.required and name not in fields:
                raise InputError(f"{where}: field {name!r} is missing")
    # Most are of the very type, for which no path need be made.
    for n in [n for n, item in fields.items() if type(item) is not expected[n].plain]:
        fields[n] = expected[n].read(fields[n], f"{where}.{n}")
    try:
        result: T = target(**fields)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return result


Reader = Callable[[Any, str], Any]
"""Checks data at a path against a type, and turns JSON lists and objects into values."""


@dataclass(frozen=True)
class _Field:
    """`plain` is the type of values that are taken as they are; None if all are to be read."""

    required: bool
    plain: type | None
    read: Reader


@cache
def _fields(target: Any) -> dict[str, _Field]:
    """The fields of a dataclass, made once: a long run reads a million values."""
    hints = typing.get_type_hints(target)
    return {
        field.name: _Field(
            field.default is MISSING and field.default_factory is MISSING,
            hints[field.name] if hints[field.name] in (str, int, float, bool) else None,
            _reader(hints[field.name]),
        )
        for field in dataclasses.fields(target)
        if field.init
    }


def _reader(hint: Any) -> Reader:
    # Not remembered by type: `int | float` equals `float | int` and reads 1 as another number.
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda data, path: data
    if origin in (Union, types.UnionType):
        options = [_reader(option) for option in inner if option is not type(None)]
        return partial(_read_union, options, type(None) in inner)
    if origin is Literal:
        return partial(_read_literal, inner)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return partial(_read_list, _reader(inner[0]))
        return partial(_read_tuple, [_reader(each) for each in inner])
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return partial(_read_mapping, _reader(inner[1]))
    if dataclasses.is_dataclass(hint):
        return partial(_read_value, typing.cast(type[Any], hint))
    return partial(_read_plain, hint)


def _read_plain(kind: type, data: Any, path: str) -> Any:
    if type(data) is kind:
        return data
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        try:
            return float(data)
        except OverflowError:
            raise InputError(f"{path}: expected a number, got {shown(data)}") from None
    wrong_bool = isinstance(data, bool) and kind is not bool
    if not isinstance(data, kind) or wrong_bool:
        raise InputError(f"{path}: expected {kind.__name__}, got {shown(data)}")
    return data


def _read_literal(options: tuple[Any, ...], data: Any, path: str) -> Any:
    if data not in options:
        raise InputError(f"{path}: expected one of {options}, got {shown(data)}")
    return data


def _read_mapping(read: Reader, data: Any, path: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{path}: expected an object, got {shown(data)}")
    return {str(name): read(item, f"{path}.{name}") for name, item in data.items()}


def _read_union(options: Sequence[Reader], optional: bool, data: Any, path: str) -> Any:
    if data is None and optional:
        return None
    errors = []
    for read in options:
        try:
            return read(data, path)
        except InputError as error:
            errors.append(error)
    raise errors[-1]


def _read_list(read: Reader, data: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise InputError(f"{path}: expected a list, got {shown(data)}")
    return tuple(read(item, f"{path}[{i}]") for i, item in enumerate(data))


def _read_tuple(inner: Sequence[Reader], data: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise InputError(f"{path}: expected a list, got {shown(data)}")
    if len(data) != len(inner):
        raise InputError(f"{path}: expected a list of {len(inner)}, got {shown(data)}")
    items = enumerate(zip(inner, data, strict=True))
    return tuple(read(item, f"{path}[{i}]") for i, (read, item) in items)


def objects(data: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON form, an outer one before those in it."""
    if isinstance(data, dict):
        yield data
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from objects(item)


_shared: ContextVar[dict[Any, Any] | None] = ContextVar("shared", default=None)


@contextmanager
def sharing(values: dict[Any, Any]) -> Iterator[None]:
    """Read values of `shared` classes once for each JSON text; `values` holds those so far."""
    token = _shared.set(values)
    try:
        yield
    finally:
        _shared.reset(token)


_LONG = 256
"""Bytes of a part's content that `sharing` stores; of a longer content it stores the hash."""


def _read_value(kind: type[Any], data: Any, path: str) -> Any:
    shared = _shared.get()
    if shared is None or not isinstance(data, dict) or not getattr(kind, "shared", False):
        return from_json(kind, data, path)
    # Faster than JSON text; by version 2 equal data gives equal bytes.
    content = marshal.dumps(data, 2)
    if len(content) > _LONG:
        content = hashlib.sha256(content).digest()
    key = kind, content
    if key not in shared:
        shared[key] = from_json(kind, data, path)
    return shared[key]
