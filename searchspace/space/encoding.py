"""Networks of a space as rows of integers, and the same rows in one-hot form.

Each decision has a column. A row holds in it the number of the label that is taken, or -1 where the
decision is not made.
"""

from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchspace.errors import InputError
from searchspace.space.tree import DecisionVariable, Option, Path, all_decisions, walk

Rows = NDArray[np.int16]
ABSENT = -1


class Encoding:
    """The columns of a tree of decisions and the labels of each, in order of appearance."""

    def __init__(self, root: Sequence[DecisionVariable]) -> None:
        self.root = root
        labels: dict[str, dict[str, int]] = {}
        self.variants: dict[str, dict[tuple[str, ...], int]] = {}
        for decision in all_decisions(root):
            column = labels.setdefault(decision.name, {})
            for label in decision.labels:
                column.setdefault(label, len(column))
            variants = self.variants.setdefault(decision.name, {})
            variants.setdefault(tuple(decision.labels), len(variants))
        self.labels = labels
        self.columns = {name: i for i, name in enumerate(labels)}

    def codes(self, decision: DecisionVariable) -> NDArray[np.int16]:
        """The number of each option's label in the decision's column."""
        column = self.labels[decision.name]
        return np.array([column[option.label] for option in decision.options], dtype=np.int16)

    def parameter(self, decision: DecisionVariable) -> str:
        """A parameter's name that always has the same labels: numbered where a column's vary."""
        variant = self.variants[decision.name][tuple(decision.labels)]
        return decision.name if variant == 0 else f"{decision.name}#{variant + 1}"

    def row(self, path: Path) -> Rows:
        """A path as a row."""
        row = np.full(len(self.columns), ABSENT, dtype=np.int16)
        for decision, option in path:
            row[self.columns[decision.name]] = self.labels[decision.name][option.label]
        return row

    def path(self, row: Any) -> Path:
        """A row as a path; an InputError if it is none."""
        values = np.asarray(row)
        if values.shape != (len(self.columns),):
            raise InputError(
                f"a point must have {len(self.columns)} columns, got shape {values.shape}"
            )

        def pick(decision: DecisionVariable) -> Option:
            value = int(values[self.columns[decision.name]])
            for option in decision.options:
                if self.labels[decision.name][option.label] == value:
                    return option
            raise InputError(f"{decision.name} has no option with number {value} here")

        return walk(self.root, pick)

    def sample(self, count: int, rng: Random) -> Rows:
        """Rows of networks drawn uniformly, to double precision; contiguous by column."""
        rows = np.full((count, len(self.columns)), ABSENT, dtype=np.int16, order="F")
        generator = np.random.default_rng(rng.getrandbits(128))
        self._fill(rows, np.arange(count), self.root, generator)
        return rows

    def _fill(
        self,
        rows: Rows,
        numbers: NDArray[np.intp],
        decisions: Sequence[DecisionVariable],
        generator: np.random.Generator,
    ) -> None:
        for decision in decisions:
            ends = np.cumsum(decision.weights)
            drawn = np.searchsorted(ends, generator.random(len(numbers)) * ends[-1], side="right")
            rows[numbers, self.columns[decision.name]] = self.codes(decision)[drawn]
            for i, option in enumerate(decision.options):
                if option.then:
                    self._fill(rows, numbers[drawn == i], option.then, generator)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """What each feature of `one_hot` stands for: `decision=label`."""
        return tuple(f"{name}={label}" for name, labels in self.labels.items() for label in labels)

    def one_hot(self, rows: Rows) -> NDArray[np.float64]:
        """Rows (N, columns) as features (N, features): 1 for the label taken, else 0.

        A column whose decision is not made has zeros only.
        """
        features = np.zeros((len(rows), len(self.features)))
        numbers, start = np.arange(len(rows)), 0
        for column, labels in zip(rows.T, self.labels.values(), strict=True):
            made = column >= 0
            features[numbers[made], start + column[made].astype(np.intp)] = 1.0
            start += len(labels)
        return features
