"""Checks of constructor arguments; each message shows the value and what is allowed."""

import re
from collections.abc import Collection
from typing import Any

from searchspace.errors import InputError

LARGEST = 2**31 - 1
"""Of whole numbers that have no bound of their own: torch and numpy can hold it everywhere."""
LARGEST_NUMBER = 3e38
"""Of other numbers that have no bound of their own: single precision can hold it."""
LARGEST_AMOUNT = 1e18
"""Of multiply-adds and parameters: 64 bits hold it."""
DECIMAL = r"[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]{1,3})?|[0-9]+\."
"""How a number of at least 0 is written; other scripts' digits, which Python takes, are not."""
MAX_EXPERTS, MAX_KERNEL, MAX_BRANCHES = 1024, 255, 64
MAX_CHANNELS = 2**14
"""Of widths, groups and channels; a convolution between two such has a thousand million weights."""
MAX_SIZE = 8192
"""Side of an image in pixels."""
MAX_CLASSES = 2**20
MAX_THREADS, MAX_SAMPLES, MAX_TRIALS, MAX_RUNS = 1024, 1_000_000, 1_000_000, 10_000
MAX_DEPTH = 2000
"""Layers of a backbone; the deepest ResNet that was published has 1202."""
SHOWN = 200
"""Characters of a wrong value that a message repeats."""


def shown(value: Any) -> str:
    """A value as messages repeat it, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python refuses to print whole numbers of thousands of digits.
        return "a value that is too long to print"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def check_at_least(minimum: float, maximum: float = LARGEST_NUMBER, /, **values: Any) -> None:
    """Raise an InputError unless every value is a number from `minimum` to `maximum`."""
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not minimum <= value < float("inf"):
            raise InputError(f"{name} must be a number of at least {minimum:g}, got {shown(value)}")
        if value > maximum:
            raise InputError(f"{name} must be at most {maximum:g}, got {shown(value)}")


def check_above_zero(**values: Any) -> None:
    """Raise an InputError unless every value is a number above 0."""
    check_at_least(0, **values)
    for name, value in values.items():
        if not value:
            raise InputError(f"{name} must be above 0, got {shown(value)}")


def check_integer(minimum: int, maximum: int = LARGEST, /, **values: Any) -> None:
    """Raise an InputError unless every value is a whole number from `minimum` to `maximum`."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise InputError(
                f"{name} must be a whole number of at least {minimum}, got {shown(value)}"
            )
        if value > maximum:
            raise InputError(f"{name} must be at most {maximum}, got {shown(value)}")


def check_one_of(options: Collection[Any], **values: Any) -> None:
    """Raise an InputError unless every value is one of `options`."""
    for name, value in values.items():
        if value not in options:
            names = ", ".join(map(str, options))
            raise InputError(f"{name} must be one of {names}, got {shown(value)}")


def check_integers(minimum: int, maximum: int = LARGEST, /, **values: Any) -> None:
    """Raise an InputError unless each value is a non-empty list of such integers."""
    for name, value in values.items():
        if not isinstance(value, list | tuple) or not value:
            raise InputError(
                f"{name} must be a list of one or more whole numbers, got {shown(value)}"
            )
        if len(value) > MAX_BRANCHES:
            raise InputError(f"{name} must have at most {MAX_BRANCHES} entries, got {len(value)}")
        for i, item in enumerate(value):
            check_integer(minimum, maximum, **{f"{name}[{i}]": item})


def parse_amount(value: str | float) -> float:
    """A number above 0, or a text such as 50M or 800k, with k, M or G for thousands and so on."""
    units = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
    match = re.fullmatch(rf"({DECIMAL})([kMmGg]?)", shown(value).strip("'\" "))
    number = float(match[1]) * units[match[2].lower()] if match else 0.0
    if not 0 < number <= LARGEST_AMOUNT:
        raise InputError(f"expected a number above 0 like 50M or 800k, got {shown(value)}")
    return number
