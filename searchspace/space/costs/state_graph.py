"""Dynamic programming over decisions under limits on total cost: counting and drawing.

A state is the cost spent so far, and the leader's option while its followers are decided. States
from which no total within the limits can be reached are left out. Costs may be rounded to multiples
of a unit, which keeps the states few.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np
from numpy.typing import NDArray

from searchspace.space.costs.cost_terms import CostTerms
from searchspace.space.encoding import Encoding, Rows
from searchspace.space.tree import DecisionVariable

Ints = NDArray[np.int64]
KEY_LIMIT = 2**62


class TooManyStatesError(Exception):
    """The costs are too fine for the allowed number of states."""


@dataclass(frozen=True)
class DecisionLayer:
    """One decision as arrays over (context, own option); the context is the leader's option."""

    cases: tuple[DecisionVariable, ...]
    """The decision in each context."""
    column: int
    costs: Ints
    """(contexts, options, dimensions)"""
    valid: NDArray[np.bool_]
    codes: NDArray[np.int16]
    opens: bool
    """The decision is a leader: its option is the context of those after it."""
    closes: bool
    """The context ends here."""

    def context(self, contexts: Ints, options: Ints) -> Ints:
        """The context of the next layer."""
        if self.opens:
            return options
        return np.zeros_like(contexts) if self.closes else contexts


def decision_layers(
    encoding: Encoding, decisions: Sequence[DecisionVariable], terms: CostTerms
) -> list[DecisionLayer]:
    """The decisions of one branch in order, each leader before its followers."""
    layers = []
    for decision in decisions:
        followers = [option.then for option in decision.options]
        layers.append(_layer(encoding, [decision], terms, bool(followers[0]), not followers[0]))
        count = len(followers[0])
        for i in range(count):
            cases = [then[i] for then in followers]
            layers.append(_layer(encoding, cases, terms, False, i == count - 1))
    return layers


def _layer(
    encoding: Encoding,
    cases: Sequence[DecisionVariable],
    terms: CostTerms,
    opens: bool,
    closes: bool,
) -> DecisionLayer:
    widest = max(len(case.options) for case in cases)
    shape = len(cases), widest
    costs, valid = np.zeros((*shape, 2), dtype=np.int64), np.zeros(shape, dtype=bool)
    codes = np.zeros(shape, dtype=np.int16)
    for i, case in enumerate(cases):
        count = len(case.options)
        costs[i, :count] = [(cost.macs, cost.params) for cost in terms.options[case]]
        valid[i, :count] = True
        codes[i, :count] = encoding.codes(case)
    column = encoding.columns[cases[0].name]
    return DecisionLayer(tuple(cases), column, costs, valid, codes, opens, closes)


def cost_range(layers: Sequence[DecisionLayer]) -> Ints:
    """By how much total costs can differ at most, per dimension."""
    zero = np.zeros(layers[0].costs.shape[2] if layers else 1, dtype=np.int64)
    valid_costs = [layer.costs[layer.valid] for layer in layers]
    return sum((costs.max(0) - costs.min(0) for costs in valid_costs), zero)


@dataclass(frozen=True)
class RoundedCosts:
    """Costs as whole multiples of `unit`, and bounds of the total rounding error."""

    ticks: list[Ints]
    """For each layer, (contexts, options, dimensions)."""
    base: Ints
    unit: Ints
    low: Ints
    """True total - base - unit * ticks is from `low` to `high`, per dimension."""
    high: Ints


def round_costs(layers: Sequence[DecisionLayer], fixed: Ints, unit: Ints) -> RoundedCosts:
    """Each option's cost above the least of its layer, to the nearest multiple of `unit`."""
    ticks, base = [], fixed.copy()
    low, high = np.zeros_like(unit), np.zeros_like(unit)
    for layer in layers:
        least = layer.costs[layer.valid].min(0)
        above = layer.costs - least
        rounded = (above + unit // 2) // unit
        error = (above - rounded * unit)[layer.valid]
        base, low, high = base + least, low + error.min(0), high + error.max(0)
        ticks.append(rounded)
    return RoundedCosts(ticks, base, unit, low, high)


@dataclass(frozen=True)
class StateGraph:
    """The states before each layer and, for each state and option, the next state or -1."""

    layers: list[DecisionLayer]
    steps: list[NDArray[np.int32]]
    contexts: list[Ints]
    totals: Ints
    """(final states, dimensions), in ticks."""

    def weights(self, final: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """For each state the share of completions that end in `final` states, times a constant."""
        weights = [final]
        for step in reversed(self.steps):
            padded = np.append(weights[-1], 0.0)
            weights.append(padded[step].sum(1) / step.shape[1])
        return weights[::-1]

    def share(self, final: NDArray[np.float64]) -> int:
        """How many paths end in `final` states, to double precision."""
        start = self.weights(final)[0]
        return int(Fraction(float(start.sum())) * prod(step.shape[1] for step in self.steps))

    def count(self) -> int:
        """How many paths there are, exactly."""
        most = prod(step.shape[1] for step in self.steps)
        ways = np.ones(len(self.totals), dtype=np.int64 if most < KEY_LIMIT else object)
        for step in reversed(self.steps):
            ways = np.append(ways, 0)[step].sum(1)
        return int(ways.sum())

    def along(
        self, weights: list[NDArray[np.float64]]
    ) -> Iterator[tuple[DecisionLayer, NDArray[np.int32], Ints, NDArray[np.float64]]]:
        """Each layer with its steps, its contexts by state, and the weights of the next states."""
        return zip(self.layers, self.steps, self.contexts, weights[1:], strict=True)

    def draw(
        self,
        rows: Rows,
        which: NDArray[np.intp],
        weights: list[NDArray[np.float64]],
        generator: np.random.Generator,
    ) -> None:
        """Fill rows with paths drawn in proportion to the weights of where they end."""
        state = np.zeros(len(which), dtype=np.intp)
        for layer, step, contexts, after in self.along(weights):
            ends = np.append(after, 0.0)[step[state]].cumsum(1)
            # Below the sum of weights also when the product rounds up to it.
            drawn = np.minimum(
                generator.random(len(which)) * ends[:, -1], np.nextafter(ends[:, -1], 0)
            )
            option = (ends <= drawn[:, None]).sum(1)
            rows[which, layer.column] = layer.codes[contexts[state], option]
            state = step[state, option]


def state_graph(
    layers: list[DecisionLayer], ticks: list[Ints], low: Ints, high: Ints, limit: int
) -> StateGraph:
    """All paths whose total ticks are from `low` to `high` in every dimension.

    Raises TooManyStatesError where more than `limit` states follow a decision.
    """
    least, most = _remaining(layers, ticks)
    contexts, totals = np.zeros(1, dtype=np.int64), np.zeros((1, len(low)), dtype=np.int64)
    steps, before = [], []
    for i, layer in enumerate(layers):
        count = layer.valid.shape[1]
        sums = totals[:, None] + ticks[i][contexts]
        options = np.broadcast_to(np.arange(count), sums.shape[:2])
        after = layer.context(np.broadcast_to(contexts[:, None], sums.shape[:2]), options)
        kept = layer.valid[contexts]
        kept &= (sums + least[i + 1][after] <= high).all(2)
        kept &= (sums + most[i + 1][after] >= low).all(2)
        first, inverse = _distinct(np.column_stack([after[kept], sums[kept]]))
        if len(first) > limit:
            raise TooManyStatesError
        step = np.full(kept.shape, -1, dtype=np.int32)
        step[kept] = inverse
        steps.append(step)
        before.append(contexts)
        contexts, totals = after[kept][first], sums[kept][first]
    if not layers:
        totals = totals[((totals >= low) & (totals <= high)).all(1)]
    return StateGraph(layers, steps, before, totals)


def _remaining(layers: list[DecisionLayer], ticks: list[Ints]) -> tuple[list[Ints], list[Ints]]:
    """Before each layer and after the last, by context, the least and most that can follow."""
    zero = np.zeros((1, ticks[0].shape[2] if ticks else 1), dtype=np.int64)
    least, most = [zero], [zero]
    for layer, tick in zip(reversed(layers), reversed(ticks), strict=True):
        shape = layer.valid.shape
        context = layer.context(*np.indices(shape))
        valid = layer.valid[..., None]
        huge = np.iinfo(np.int64).max
        least.append(np.where(valid, tick + least[-1][context], huge).min(1))
        most.append(np.where(valid, tick + most[-1][context], -huge).max(1))
    return least[::-1], most[::-1]


def _distinct(columns: Ints) -> tuple[Ints, Ints]:
    """Where each distinct row of non-negative numbers first is, and for each row its number."""
    key = np.zeros(len(columns), dtype=np.int64)
    for column in columns.T:
        span = int(column.max(initial=0)) + 1
        if int(key.max(initial=0)) >= KEY_LIMIT // span:
            key = np.unique(key, return_inverse=True)[1]
        key = key * span + column
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first, inverse
