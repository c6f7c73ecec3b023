"""Counts of the networks of one branch (backbone and resolutions) within cost limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from searchspace.space.costs.cost_terms import CostTerms
from searchspace.space.costs.limits import Limits
from searchspace.space.costs.state_graph import (
    DecisionLayer,
    Ints,
    RoundedCosts,
    StateGraph,
    TooManyStatesError,
    cost_range,
    decision_layers,
    round_costs,
    state_graph,
)
from searchspace.space.encoding import Encoding
from searchspace.space.tree import DecisionVariable

STATES = 100_000
"""States kept between two decisions, at most; where there are more, costs are rounded."""
STATES_OF_BOTH = 2048
"""Multiples per cost that rounding starts from where MACs and parameters are limited."""


@dataclass(frozen=True)
class BranchCount:
    """How many networks of a branch are within the limits, and how to draw them."""

    graph: StateGraph
    weights: list[NDArray[np.float64]]
    """For drawing, by layer and state."""
    exact: bool
    resolution: tuple[int, int]
    """MACs and parameters by which a network counted on the wrong side may be over a limit."""
    surely: int
    count: int
    possibly: int


def count_branch(
    encoding: Encoding, decisions: Sequence[DecisionVariable], terms: CostTerms, limits: Limits
) -> BranchCount:
    """Exact counts if there are few enough distinct sums of costs, else of finely rounded costs."""
    limited = limits.dimensions()
    low, high = (bound[limited] for bound in limits.bounds())
    layers = [
        replace(layer, costs=layer.costs[..., limited])
        for layer in decision_layers(encoding, decisions, terms)
    ]
    fixed = np.array([terms.fixed.macs, terms.fixed.params])[limited]
    multiples = 0
    while True:
        unit = np.ones_like(low)
        if multiples:
            unit = (-(-cost_range(layers) // multiples)).clip(min=1)
        try:
            return _counted(layers, round_costs(layers, fixed, unit), limited, (low, high))
        except TooManyStatesError:
            first = STATES if len(limited) == 1 else STATES_OF_BOTH
            multiples = multiples // 2 if multiples else first


def _counted(
    layers: list[DecisionLayer],
    rounded: RoundedCosts,
    limited: list[int],
    bounds: tuple[Ints, Ints],
) -> BranchCount:
    low, high = (bound - rounded.base for bound in bounds)
    # Whatever the rounding left out, a network within the limits is within these.
    widest = -((rounded.high - low) // rounded.unit), (high - rounded.low) // rounded.unit
    graph = state_graph(layers, rounded.ticks, *widest, STATES)
    everywhere = np.ones(len(graph.totals))
    weights = graph.weights(everywhere)
    if (rounded.unit == 1).all():
        count = graph.count()
        return BranchCount(graph, weights, True, (0, 0), count, count, count)
    totals = graph.totals * rounded.unit
    likely = ((totals >= low) & (totals <= high)).all(1)
    sure = ((totals + rounded.low >= low) & (totals + rounded.high <= high)).all(1)
    resolution = [0, 0]
    for i, dimension in enumerate(limited):
        resolution[dimension] = int(max(-rounded.low[i], rounded.high[i]))
    counts = [graph.share(final.astype(float)) for final in (sure, likely, everywhere)]
    return BranchCount(graph, weights, False, (resolution[0], resolution[1]), *counts)
