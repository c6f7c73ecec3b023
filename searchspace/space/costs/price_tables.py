"""Prices many networks at once, with one table look-up per decision.

Each table entry is a complex number, macs + params * 1j: one look-up fetches both, and doubles hold
whole numbers exactly up to 2**53.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchspace.cost import Cost
from searchspace.errors import InputError
from searchspace.space.costs.cost_terms import CostTerms
from searchspace.space.encoding import Encoding, Rows
from searchspace.space.tree import DecisionVariable

CHUNK = 8192
"""Rows priced together: what they need stays in a processor's cache."""

Prices = NDArray[np.complex128]
NO_OPTION = complex("nan")
BranchKey = tuple[int, int]
"""The labels of a backbone and of resolutions, as in a row's first two columns."""


@dataclass(frozen=True)
class PriceColumn:
    """The price table of a column; with a leader, entry leader_label * stride + label.

    What is no option is NaN. So is the last entry of each stride, where the label -1 leads to.
    """

    table: Prices
    column: int
    leader: int = -1
    stride: int = 0


@dataclass(frozen=True)
class PricePlan:
    """How rows of one branch are priced: a fixed cost and a table for each column."""

    fixed: complex
    columns: tuple[PriceColumn, ...]

    def price(self, rows: Rows) -> Prices:
        """The cost of each row, shape (N,)."""
        total = np.full(len(rows), self.fixed)
        for part in self.columns:
            index = rows[:, part.column].astype(np.intp)
            if part.leader >= 0:
                index += rows[:, part.leader].astype(np.intp) * part.stride
            total += part.table[index]
        return total


def price_plan(
    encoding: Encoding, decisions: Sequence[DecisionVariable], terms: CostTerms
) -> PricePlan:
    """The tables for the decisions of one branch."""
    columns = []
    for decision in decisions:
        own_column = encoding.columns[decision.name]
        codes = encoding.codes(decision).astype(int)
        labels = len(encoding.labels[decision.name])
        table = np.full(labels + 1, NO_OPTION)
        table[codes] = _numbers(terms.options[decision])
        columns.append(PriceColumn(table, own_column))
        followers: dict[str, list[tuple[int, DecisionVariable]]] = {}
        for code, option in zip(codes, decision.options, strict=True):
            for follower in option.then:
                followers.setdefault(follower.name, []).append((int(code), follower))
        for name, cases in followers.items():
            stride = len(encoding.labels[name]) + 1
            table = np.full(labels * stride, NO_OPTION)
            for code, follower in cases:
                entries = code * stride + encoding.codes(follower).astype(int)
                table[entries] = _numbers(terms.options[follower])
            columns.append(PriceColumn(table, encoding.columns[name], own_column, stride))
    return PricePlan(complex(terms.fixed.macs, terms.fixed.params), tuple(columns))


def _numbers(costs: Sequence[Cost]) -> Prices:
    return np.array([complex(cost.macs, cost.params) for cost in costs])


@dataclass(frozen=True)
class PriceTable:
    """Prices rows of a space for one form and image size."""

    plans: dict[BranchKey, PricePlan]
    """Branches whose networks cannot take images of this size have none."""

    def priced(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows can be priced, shape (N,)."""
        of_branch = [(rows[:, 0] == i) & (rows[:, 1] == k) for i, k in self.plans]
        return np.logical_or.reduce(of_branch) if of_branch else np.zeros(len(rows), dtype=bool)

    def price(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """MACs and parameters of each row, shapes (N,)."""
        total = np.empty(len(rows), dtype=np.complex128)
        if not self.priced(rows).all():
            raise InputError("points must be networks that can take images of this size")
        if len(self.plans) == 1:
            _fill(total, rows, next(iter(self.plans.values())))
        else:
            for (backbone, resolutions), branch in self.plans.items():
                which = np.flatnonzero((rows[:, 0] == backbone) & (rows[:, 1] == resolutions))
                part = np.empty(len(which), dtype=np.complex128)
                _fill(part, rows[which], branch)
                total[which] = part
        wrong = np.flatnonzero(np.isnan(total.real))
        if len(wrong):
            raise InputError(
                f"points[{wrong[0]}] makes a decision in a way that is no option there"
            )
        return total.real.astype(np.int64), total.imag.astype(np.int64)


def _fill(total: Prices, rows: Rows, branch: PricePlan) -> None:
    for start in range(0, len(rows), CHUNK):
        try:
            total[start : start + CHUNK] = branch.price(rows[start : start + CHUNK])
        except IndexError:
            raise InputError("points hold a number that is no option of any decision") from None
