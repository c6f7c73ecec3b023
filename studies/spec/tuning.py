"""Recipes that are tried for each arm of an ablation before the jobs that compare the arms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from searchspace import InputError
from searchspace.checks import MAX_RUNS, check_integer, check_one_of, shown
from searchspace.schema import from_json, to_json
from trainers import Recipe

TUNING_SEED = 1_000_000
"""The first seed of tuning. Those of an ablation are below it: none selects and is evidence."""
MAX_VARIANTS = 1000
OWN = "own recipe"
"""What tables call a candidate without changes."""


@dataclass(frozen=True)
class Tuning:
    """Recipes that are tried for each arm on each task.

    Each of `variants` holds fields that replace those of the arm's own recipe, which is a candidate
    too. Every candidate is trained with the same `seeds` seeds, which no other job has. That with
    the highest mean validation accuracy is the recipe of the arm's jobs; the first of equal ones.
    With `untuned`, arms are trained with their own recipes as well, for a verdict without tuning.
    """

    variants: tuple[Mapping[str, Any], ...]
    seeds: int = 1
    untuned: bool = False

    def __post_init__(self) -> None:
        check_integer(1, MAX_RUNS, seeds=self.seeds)
        check_one_of((False, True), untuned=self.untuned)
        if not self.variants:
            raise InputError("tune needs one or more variants of the recipe, got none")
        if len(self.variants) > MAX_VARIANTS:
            raise InputError(
                f"tune takes at most {MAX_VARIANTS} variants, got {len(self.variants)}"
            )
        # Lists for tuples, as they are when they are read again.
        object.__setattr__(self, "variants", tuple(to_json(dict(v)) for v in self.variants))

    def candidates(self, own: Recipe) -> dict[Recipe, Mapping[str, Any]]:
        """The distinct recipes to try and how each differs from `own`, which is the first."""
        tried: dict[Recipe, Mapping[str, Any]] = {own: {}}
        for variant in self.variants:
            tried.setdefault(from_json(Recipe, {**to_json(own), **variant}, "tune"), variant)
        return tried


def grid(**values: Any) -> tuple[Mapping[str, Any], ...]:
    """The variants with every combination of these values, each a list or a single value."""
    lists = [value if isinstance(value, list | tuple) else [value] for value in values.values()]
    for name, entries in zip(values, lists, strict=True):
        if not entries:
            raise InputError(f"tune: {name} must have one or more values, got {shown(entries)}")
    return tuple(dict(zip(values, combination, strict=True)) for combination in product(*lists))


def changes_text(changes: Mapping[str, Any]) -> str:
    """How a candidate differs from the arm's own recipe: `lr=0.05, weight_decay=0.001`."""
    return ", ".join(f"{name}={_value(value)}" for name, value in changes.items()) or OWN


def tuning_seeds(tuning: Tuning) -> Iterator[int]:
    """The seeds of every candidate."""
    yield from range(TUNING_SEED, TUNING_SEED + tuning.seeds)


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
