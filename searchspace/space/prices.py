"""Costs of many networks at once: one table look-up per decision.

Each table entry is a complex number, macs + params * 1j: one look-up fetches both, and doubles hold
whole numbers exactly up to 2**53.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchspace.cost import Cost
from searchspace.errors import InputError
from searchspace.space.encoding import Layout, Rows
from searchspace.space.terms import Terms
from searchspace.space.tree import Decision

CHUNK = 8192
"""Rows priced together: what they need stays in a processor's cache."""

Table = NDArray[np.complex128]
NOWHERE = complex("nan")


@dataclass(frozen=True)
class Column:
    """A column's table; with a leader, entry leader_label * stride + label.

    What is no option is NaN. So is the last entry of each stride, where the label -1 leads to.
    """

    table: Table
    column: int
    leader: int = -1
    stride: int = 0


@dataclass(frozen=True)
class Plan:
    """How rows of one branch, a backbone with resolutions, are priced."""

    fixed: complex
    columns: tuple[Column, ...]

    def price(self, rows: Rows) -> Table:
        """The cost of each row, shape (N,)."""
        total = np.full(len(rows), self.fixed)
        for part in self.columns:
            index = rows[:, part.column].astype(np.intp)
            if part.leader >= 0:
                index += rows[:, part.leader].astype(np.intp) * part.stride
            total += part.table[index]
        return total


def plan(layout: Layout, decisions: Sequence[Decision], terms: Terms) -> Plan:
    """The tables for the decisions of one branch."""
    columns = []
    for decision in decisions:
        own = layout.columns[decision.name]
        codes = layout.codes(decision).astype(int)
        labels = len(layout.labels[decision.name])
        table = np.full(labels + 1, NOWHERE)
        table[codes] = _numbers(terms.options[decision])
        columns.append(Column(table, own))
        followers: dict[str, list[tuple[int, Decision]]] = {}
        for code, option in zip(codes, decision.options, strict=True):
            for follower in option.then:
                followers.setdefault(follower.name, []).append((int(code), follower))
        for name, cases in followers.items():
            stride = len(layout.labels[name]) + 1
            table = np.full(labels * stride, NOWHERE)
            for code, follower in cases:
                places = code * stride + layout.codes(follower).astype(int)
                table[places] = _numbers(terms.options[follower])
            columns.append(Column(table, layout.columns[name], own, stride))
    return Plan(complex(terms.fixed.macs, terms.fixed.params), tuple(columns))


def _numbers(costs: Sequence[Cost]) -> Table:
    return np.array([complex(cost.macs, cost.params) for cost in costs])


@dataclass(frozen=True)
class PriceTable:
    """Prices rows of a space for one form and image size."""

    plans: dict[tuple[int, int], Plan]
    """By the labels of the first two columns: backbone and resolutions. Networks that cannot take
    images of this size have none."""

    def known(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows can be priced, shape (N,)."""
        places = [(rows[:, 0] == i) & (rows[:, 1] == k) for i, k in self.plans]
        return np.logical_or.reduce(places) if places else np.zeros(len(rows), dtype=bool)

    def price(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """MACs and parameters of each row, shapes (N,)."""
        total = np.empty(len(rows), dtype=np.complex128)
        if not self.known(rows).all():
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


def _fill(total: Table, rows: Rows, branch: Plan) -> None:
    for start in range(0, len(rows), CHUNK):
        try:
            total[start : start + CHUNK] = branch.price(rows[start : start + CHUNK])
        except IndexError:
            raise InputError("points hold a number that is no option of any decision") from None
