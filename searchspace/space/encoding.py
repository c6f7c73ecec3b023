"""Points of a space as rows of integers, and as vectors of features.

Each decision has a column; a row holds, for each, the number of the label taken there, or -1 where
the decision is not made. The features are the same in one-hot form.
"""

from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchspace.errors import InputError
from searchspace.space.tree import Decision, Option, Path, Pick, all_decisions, walk

Rows = NDArray[np.int16]
ABSENT = -1


class Layout:
    """The columns of a tree of decisions and the labels of each, in order of appearance."""

    def __init__(self, root: Sequence[Decision]) -> None:
        self.root = root
        labels: dict[str, dict[str, int]] = {}
        self.variants: dict[str, dict[tuple[str, ...], int]] = {}
        for decision in all_decisions(root):
            known = labels.setdefault(decision.name, {})
            for label in decision.labels:
                known.setdefault(label, len(known))
            seen = self.variants.setdefault(decision.name, {})
            seen.setdefault(tuple(decision.labels), len(seen))
        self.labels = labels
        self.columns = {name: i for i, name in enumerate(labels)}

    def codes(self, decision: Decision) -> NDArray[np.int16]:
        """The number of each option's label in the decision's column."""
        known = self.labels[decision.name]
        return np.array([known[option.label] for option in decision.options], dtype=np.int16)

    def parameter(self, decision: Decision) -> str:
        """A name that always has the same labels: numbered where a column's labels vary."""
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

        def pick(decision: Decision) -> Option:
            value = int(values[self.columns[decision.name]])
            for option in decision.options:
                if self.labels[decision.name][option.label] == value:
                    return option
            raise InputError(f"{decision.name} has no option with number {value} here")

        return walk(self.root, pick)

    def sample(self, count: int, rng: Random) -> Rows:
        """Rows of networks drawn uniformly, to double precision; columns lie together."""
        rows = np.full((count, len(self.columns)), ABSENT, dtype=np.int16, order="F")
        generator = np.random.default_rng(rng.getrandbits(128))
        self._fill(rows, np.arange(count), self.root, generator)
        return rows

    def _fill(
        self,
        rows: Rows,
        which: NDArray[np.intp],
        decisions: Sequence[Decision],
        generator: np.random.Generator,
    ) -> None:
        for decision in decisions:
            ends = np.cumsum(decision.weights)
            drawn = np.searchsorted(ends, generator.random(len(which)) * ends[-1], side="right")
            rows[which, self.columns[decision.name]] = self.codes(decision)[drawn]
            for i, option in enumerate(decision.options):
                if option.then:
                    self._fill(rows, which[drawn == i], option.then, generator)

    @cached_property
    def starts(self) -> dict[str, int]:
        """Where each column's features begin."""
        starts, total = {}, 0
        for name, labels in self.labels.items():
            starts[name] = total
            total += len(labels)
        return starts

    @cached_property
    def features(self) -> tuple[str, ...]:
        """What each feature stands for: `decision=label`."""
        return tuple(f"{name}={label}" for name, labels in self.labels.items() for label in labels)

    def encode(self, path: Path) -> NDArray[np.float64]:
        """One feature for each label of each column, 1 where it is taken, else 0."""
        vector = np.zeros(len(self.features))
        for decision, option in path:
            vector[self.starts[decision.name] + self.labels[decision.name][option.label]] = 1.0
        return vector

    def nearest(self, vector: Any) -> Pick:
        """Takes, at each decision, the option with the largest feature."""
        values = np.asarray(vector, dtype=float)
        if values.shape != (len(self.features),) or not np.isfinite(values).all():
            raise InputError(
                f"features must be {len(self.features)} finite numbers, got shape {values.shape}"
            )

        def pick(decision: Decision) -> Option:
            start = self.starts[decision.name]
            best = np.argmax(values[start + self.codes(decision).astype(int)])
            return decision.options[int(best)]

        return pick
