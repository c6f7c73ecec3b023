"""Comparison of what jobs gave."""

from dataclasses import replace

from searchspace.schema import to_json
from trainers import Result


def same_numbers(first: Result, second: Result) -> bool:
    """Whether all but the measured time is equal."""
    return to_json(replace(first, seconds=0.0)) == to_json(replace(second, seconds=0.0))
