"""The networks of a space within cost limits: counted, tested, drawn and chosen."""

from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from searchspace.cost import Cost
from searchspace.errors import InputError
from searchspace.space.costs.branch_counts import BranchCount, count_branch
from searchspace.space.costs.cost_tables import CostTables
from searchspace.space.costs.limits import UNLIMITED, Limits
from searchspace.space.costs.price_tables import BranchKey
from searchspace.space.encoding import ABSENT, Rows
from searchspace.space.paths import architecture_of
from searchspace.space.tree import BACKBONE, RESOLUTIONS, Path, Pick, number

BATCH = 4096
"""Networks drawn together where costs were rounded, before those over a limit are dropped."""
FRUITLESS = 500
"""Batches drawn without a network that fits before the limits are said to be too narrow."""


class FeasibleSet:
    """The networks within `limits` of a space with these cost tables, for size x size images.

    Networks that cannot take images of that size are left out. Counts are exact if `exact`. Else
    costs were rounded, and `size()` counts networks whose rounded cost fits, off by `resolution` at
    most; networks that are drawn or chosen are within the limits exactly all the same.
    """

    def __init__(self, costs: CostTables, limits: Limits, size: int) -> None:
        self.costs, self.limits, self.image_size = costs, limits, size
        self.encoding = costs.encoding

    def check(self) -> None:
        """Raise an InputError, which names the cheapest network, if no network is within."""
        counts = self.branches.values()
        if not sum(branch.possibly for branch in counts):
            raise InputError(self._no_network())
        if not sum(branch.surely for branch in counts):
            self.sample_rows(1, Random(0))

    @cached_property
    def branches(self) -> dict[BranchKey, BranchCount]:
        """The counts of each backbone and resolutions."""
        branches = self.costs.branches(self.limits.form, self.image_size)
        return {
            key: count_branch(self.encoding, resolutions.then, terms, self.limits)
            for key, resolutions, terms in branches
        }

    @property
    def exact(self) -> bool:
        """Whether `size()` is exact."""
        return all(branch.exact for branch in self.branches.values())

    @property
    def resolution(self) -> Cost:
        """By how much a network's cost may be over a limit and be counted, or the reverse."""
        pairs = [branch.resolution for branch in self.branches.values()]
        return Cost(max(macs for macs, _ in pairs), max(params for _, params in pairs))

    def size(self) -> int:
        """How many networks are within the limits, exactly or with the stated resolution."""
        return sum(branch.count for branch in self.branches.values())

    def bounds(self) -> tuple[int, int]:
        """How many are surely and how many possibly within the limits; equal if `exact`."""
        counts = self.branches.values()
        return sum(branch.surely for branch in counts), sum(branch.possibly for branch in counts)

    def fits(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows of the space are within the limits, shape (N,)."""
        table = self.costs.table(self.limits.form, self.image_size)
        inside = table.priced(rows)
        costs = np.stack(table.price(rows[inside]), 1)
        low, high = self.limits.bounds()
        inside[inside] = np.all((costs >= low) & (costs <= high), axis=1)
        return inside

    def sample_rows(self, count: int, rng: Random) -> Rows:
        """`count` networks drawn uniformly from those within the limits, as rows."""
        generator = np.random.default_rng(rng.getrandbits(128))
        if self.exact:
            return self._draw(count, generator)
        batches: list[Rows] = []
        fitting = 0
        while fitting < count:
            rows = self._draw(BATCH, generator)
            rows = rows[self.fits(rows)]
            batches.append(rows)
            fitting += len(rows)
            if len(batches) == FRUITLESS and not fitting:
                raise InputError(
                    f"found no network with {self.limits.label()}; the limits are narrower than "
                    f"costs are counted here, {self.resolution.macs:,} MACs and "
                    f"{self.resolution.params:,} parameters"
                )
        return np.concatenate(batches)[:count]

    def _draw(self, count: int, generator: np.random.Generator) -> Rows:
        branches = list(self.branches.items())
        shares = np.array([branch.possibly / sum(self._possibly) for _, branch in branches])
        drawn = generator.choice(len(branches), size=count, p=shares / shares.sum())
        rows = np.full((count, len(self.encoding.columns)), ABSENT, dtype=np.int16)
        for i, (key, branch) in enumerate(branches):
            of_branch = np.flatnonzero(drawn == i)
            rows[of_branch, :2] = key
            if len(of_branch):
                branch.graph.draw(rows, of_branch, branch.weights, generator)
        return rows

    @cached_property
    def _possibly(self) -> list[int]:
        return [branch.possibly for branch in self.branches.values()]

    def follow(self, pick: Pick) -> Rows:
        """The row that `pick` leads to, shape (columns,), kept within the limits.

        An option that would leave no network within the limits is replaced by the one nearest to
        it in cost.
        """
        row = np.full(len(self.encoding.columns), ABSENT, dtype=np.int16)
        row[:2] = self._branch_of(pick)
        branch = self.branches[int(row[0]), int(row[1])]
        state = 0
        for layer, step, contexts, after in branch.graph.along(branch.weights):
            context = int(contexts[state])
            decision = layer.cases[context]
            picked = decision.options.index(pick(decision))
            distance = abs(layer.costs[context] - layer.costs[context, picked]).sum(1)
            possible = np.append(after, 0.0)[step[state]] > 0
            option = int(np.where(possible, distance, UNLIMITED).argmin())
            row[layer.column] = layer.codes[context, option]
            state = int(step[state, option])
        if self.fits(row[None])[0]:
            return row
        # Costs were rounded and this one is a little over; draw one that fits, repeatably.
        return self.sample_rows(1, Random(row.tobytes()))[0]

    def _branch_of(self, pick: Pick) -> BranchKey:
        """The branch that `pick` leads to, else the first one that has networks."""
        backbone = pick(self.costs.root)
        resolutions = pick(backbone.then[0])
        labels = self.encoding.labels
        key = labels[BACKBONE][backbone.label], labels[RESOLUTIONS][resolutions.label]
        if key in self.branches and self.branches[key].possibly:
            return key
        return next(key for key, branch in self.branches.items() if branch.possibly)

    def _no_network(self) -> str:
        """The sentence for limits that no network meets."""
        by: Literal["macs", "params"] = "macs" if 0 in self.limits.dimensions() else "params"
        cheapest = self._extreme(by, min)
        cost = self._cost(cheapest)
        taken = dict(cheapest)
        index = number([self.costs.root], lambda decision: taken[decision])
        macs = [self._cost(self._extreme("macs", pick)).macs for pick in (min, max)]
        params = [self._cost(self._extreme("params", pick)).params for pick in (min, max)]
        return (
            f"no network of the space has {self.limits.label()}: the cheapest, number {index}, "
            f"{architecture_of(cheapest).label()}, has {cost.macs:,} MACs and {cost.params:,} "
            f"parameters; all have {macs[0]:,} to {macs[1]:,} MACs and {params[0]:,} to "
            f"{params[1]:,} parameters"
        )

    def _extreme(self, by: Literal["macs", "params"], pick: Callable[[list[int]], int]) -> Path:
        return self.costs.extreme(by, pick, self.limits.form, self.image_size)

    def _cost(self, path: Path) -> Cost:
        table = self.costs.table(self.limits.form, self.image_size)
        macs, params = table.price(self.encoding.row(path)[None])
        return Cost(int(macs[0]), int(params[0]))
