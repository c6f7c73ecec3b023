"""Counting and drawing networks whose cost keeps within limits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from searchspace.checks import check_integer
from searchspace.cost import Form
from searchspace.space.chain import (
    Chain,
    Ints,
    Layer,
    Rounding,
    TooManyStatesError,
    chain,
    layers,
    rounding,
    span,
)
from searchspace.space.encoding import Layout
from searchspace.space.terms import Terms
from searchspace.space.tree import Decision

STATES = 100_000
"""States kept between two decisions, at most; beyond, costs are rounded."""
FAR = 2**60


@dataclass(frozen=True)
class Limits:
    """Bounds, both included, on the cost in one form at one image size."""

    max_macs: int | None = None
    min_macs: int | None = None
    max_params: int | None = None
    min_params: int | None = None
    form: Form = "deployed"
    size: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_macs", "min_macs", "max_params", "min_params"):
            if getattr(self, name) is not None:
                check_integer(0, **{name: getattr(self, name)})

    def bounds(self) -> tuple[Ints, Ints]:
        """Least and greatest (MACs, parameters)."""
        low = [self.min_macs or 0, self.min_params or 0]
        high = [FAR if most is None else most for most in (self.max_macs, self.max_params)]
        return np.array(low), np.array(high)

    def used(self) -> list[int]:
        """The dimensions that are limited: 0 for MACs, 1 for parameters."""
        pairs = (self.max_macs, self.min_macs), (self.max_params, self.min_params)
        return [i for i, pair in enumerate(pairs) if pair != (None, None)] or [0]

    def label(self) -> str:
        """The limits that are set."""
        values = {field.name: getattr(self, field.name) for field in fields(self)[:4]}
        return ", ".join(f"{n}={value:,}" for n, value in values.items() if value is not None)


@dataclass(frozen=True)
class Branch:
    """The networks of one backbone with resolutions that may be within the limits."""

    chain: Chain
    weights: list[NDArray[np.float64]]
    """For drawing, by layer and state."""
    exact: bool
    resolution: tuple[int, int]
    """MACs and parameters by which a network counted on the wrong side may be over a limit."""
    surely: int
    count: int
    possibly: int


def branch(layout: Layout, decisions: Sequence[Decision], terms: Terms, limits: Limits) -> Branch:
    """Count exactly if there are few enough distinct sums, else with costs rounded finely."""
    used = limits.used()
    low, high = (bound[used] for bound in limits.bounds())
    made = [
        replace(layer, costs=layer.costs[..., used]) for layer in layers(layout, decisions, terms)
    ]
    fixed = np.array([terms.fixed.macs, terms.fixed.params])[used]
    cells = 0
    while True:
        unit = np.ones_like(low) if cells == 0 else (-(-span(made) // cells)).clip(min=1)
        try:
            return _counted(made, rounding(made, fixed, unit), used, (low, high))
        except TooManyStatesError:
            cells = cells // 2 if cells else (STATES if len(used) == 1 else 2048)


def _counted(
    made: list[Layer], rounded: Rounding, used: list[int], bounds: tuple[Ints, Ints]
) -> Branch:
    low, high = (bound - rounded.base for bound in bounds)
    # Whatever the rounding left out, a network within the limits is within these.
    widest = -((rounded.high - low) // rounded.unit), (high - rounded.low) // rounded.unit
    found = chain(made, rounded.ticks, *widest, STATES)
    everywhere = np.ones(len(found.totals))
    weights = found.weights(everywhere)
    if (rounded.unit == 1).all():
        count = found.count()
        return Branch(found, weights, True, (0, 0), count, count, count)
    near = found.totals * rounded.unit
    likely = ((near >= low) & (near <= high)).all(1)
    sure = ((near + rounded.low >= low) & (near + rounded.high <= high)).all(1)
    worst = [0, 0]
    for i, dimension in enumerate(used):
        worst[dimension] = int(max(-rounded.low[i], rounded.high[i]))
    counts = [found.share(final.astype(float)) for final in (sure, likely, everywhere)]
    return Branch(found, weights, False, (worst[0], worst[1]), *counts)
