"""Checks of constructor arguments; each message shows the value and what is allowed."""

from collections.abc import Collection
from typing import Any

from searchspace.errors import InputError


def check_at_least(minimum: float, **values: Any) -> None:
    """Raise an InputError unless every value is a finite number of at least `minimum`."""
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not minimum <= value < float("inf"):
            raise InputError(f"{name} must be a number of at least {minimum:g}, got {value!r}")


def check_integer(minimum: int, **values: Any) -> None:
    """Raise an InputError unless every value is a whole number of at least `minimum`."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise InputError(f"{name} must be a whole number of at least {minimum}, got {value!r}")


def check_one_of(options: Collection[Any], **values: Any) -> None:
    """Raise an InputError unless every value is one of `options`."""
    for name, value in values.items():
        if value not in options:
            raise InputError(f"{name} must be one of {', '.join(map(str, options))}, got {value!r}")


def check_integers(minimum: int, **values: Any) -> None:
    """Raise an InputError unless each value is a non-empty list of integers >= `minimum`."""
    for name, value in values.items():
        if not isinstance(value, list | tuple) or not value:
            raise InputError(f"{name} must be a list of one or more whole numbers, got {value!r}")
        for i, item in enumerate(value):
            check_integer(minimum, **{f"{name}[{i}]": item})


def parse_amount(value: str | float) -> float:
    """A number above 0, or a text such as 50M or 800k, with k, M or G for thousands and so on."""
    units = {"k": 1e3, "m": 1e6, "g": 1e9}
    digits = str(value).strip()
    unit = units.get(digits[-1:].lower(), 1.0)
    try:
        number = float(digits[:-1] if unit > 1 else digits) * unit
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise InputError(f"expected a number above 0 like 50M or 800k, got {value!r}")
    return number
