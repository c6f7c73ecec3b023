"""A part of a space, bounded in cost, with the interface that a search uses of the whole."""

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from searchspace.architecture import Architecture
from searchspace.cost import Cost
from searchspace.errors import InputError
from searchspace.space import moves
from searchspace.space.budget import FAR, Branch, Limits, branch
from searchspace.space.encoding import ABSENT, Rows
from searchspace.space.tree import BACKBONE, RESOLUTIONS, Path, Pick

if TYPE_CHECKING:
    from searchspace.space.space import Space, Trial

CROSSINGS = 16
"""Children tried before a mutation is taken instead."""
BATCH = 4096
FRUITLESS = 500
"""Batches drawn without a network that fits before the limits are said to be too narrow."""


@dataclass(frozen=True)
class Within:
    """The networks of `space` within `limits`; `Space.within` makes it.

    Networks that cannot take images of the limits' size are not within them. Counts are exact if
    `exact`. Else costs were rounded, and `size` counts the networks whose rounded cost fits, off by
    `resolution` at most; whatever is drawn or offered fits exactly all the same.
    """

    space: "Space"
    limits: Limits

    def __post_init__(self) -> None:
        if not sum(part.possibly for part in self.branches.values()):
            raise InputError(self._none())
        if not sum(part.surely for part in self.branches.values()):
            self.sample_rows(1, Random(0))

    def __reduce__(self) -> tuple[type["Within"], tuple["Space", Limits]]:
        # What was counted may be large and is soon counted again.
        return Within, (self.space, self.limits)

    @cached_property
    def branches(self) -> dict[tuple[int, int], Branch]:
        """By the labels of the first two columns: backbone and resolutions."""
        form, size = self.limits.form, self.limits.size
        found = {}
        for place, way, terms in self.space.costs.branches(form, self.space.side(size)):
            found[place] = branch(self.space.layout, way.then, terms, self.limits)
        return found

    @property
    def exact(self) -> bool:
        """Whether `size` is exact."""
        return all(part.exact for part in self.branches.values())

    @property
    def resolution(self) -> Cost:
        """By how much the cost of a network may be over a limit and be counted, or the reverse."""
        parts = [part.resolution for part in self.branches.values()]
        return Cost(max(macs for macs, _ in parts), max(params for _, params in parts))

    def size(self) -> int:
        """How many networks are within the limits, exactly or with the stated resolution."""
        return sum(part.count for part in self.branches.values())

    def bounds(self) -> tuple[int, int]:
        """How many are surely and how many possibly within the limits; equal if `exact`."""
        parts = self.branches.values()
        return sum(part.surely for part in parts), sum(part.possibly for part in parts)

    def fits(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows of the space are within the limits, shape (N,)."""
        table = self.space.costs.table(self.limits.form, self.space.side(self.limits.size))
        inside = table.known(rows)
        costs = np.stack(table.price(rows[inside]), 1)
        low, high = self.limits.bounds()
        inside[inside] = np.all((costs >= low) & (costs <= high), axis=1)
        return inside

    def __contains__(self, architecture: object) -> bool:
        if architecture not in self.space:
            return False
        assert isinstance(architecture, Architecture)
        return bool(self.fits(self.space.rows([architecture]))[0])

    def sample(self, rng: Random) -> Architecture:
        """A network drawn uniformly from those within the limits, to double precision."""
        return self.space.architecture(self.sample_rows(1, rng)[0])

    def sample_rows(self, count: int, rng: Random) -> Rows:
        """`count` networks drawn uniformly from those within the limits, as rows."""
        generator = np.random.default_rng(rng.getrandbits(128))
        if self.exact:
            return self._draw(count, generator)
        kept: list[Rows] = []
        found = drawn = 0
        while found < count:
            rows = self._draw(BATCH, generator)
            rows = rows[self.fits(rows)]
            kept.append(rows)
            found, drawn = found + len(rows), drawn + 1
            if drawn == FRUITLESS and not found:
                raise InputError(
                    f"found no network with {self.limits.label()}; the limits are narrower than "
                    f"costs are counted here, {self.resolution.macs:,} MACs and "
                    f"{self.resolution.params:,} parameters"
                )
        return np.concatenate(kept)[:count]

    def _draw(self, count: int, generator: np.random.Generator) -> Rows:
        parts = list(self.branches.items())
        shares = np.array([part.possibly / sum(self._possible) for _, part in parts])
        taken = generator.choice(len(parts), size=count, p=shares / shares.sum())
        rows = np.full((count, len(self.space.layout.columns)), ABSENT, dtype=np.int16)
        for i, (place, part) in enumerate(parts):
            which = np.flatnonzero(taken == i)
            rows[which, :2] = place
            if len(which):
                part.chain.draw(rows, which, part.weights, generator)
        return rows

    @cached_property
    def _possible(self) -> list[int]:
        return [part.possibly for part in self.branches.values()]

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """The space's neighbours of a network that are within the limits."""
        rows = self._near(self.space.path(architecture))
        return [self.space.architecture(row) for row in rows]

    def mutate(self, architecture: Architecture, rng: Random) -> Architecture:
        """A neighbour within the limits; where there is none, any network within the limits."""
        rows = self._near(self.space.path(architecture))
        return self.space.architecture(rng.choice(rows)) if len(rows) else self.sample(rng)

    def _near(self, path: Path) -> Rows:
        layout = self.space.layout
        rows = [layout.row(near) for near in moves.neighbours(self.space.root, path)]
        stacked = np.array(rows, dtype=np.int16).reshape(len(rows), len(layout.columns))
        return stacked[self.fits(stacked)] if rows else stacked

    def cross(self, first: Architecture, second: Architecture, rng: Random) -> Architecture:
        """A network of both within the limits; if chance makes none, a mutation of the first."""
        for _ in range(CROSSINGS):
            child = self.space.cross(first, second, rng)
            if child in self:
                return child
        return self.mutate(first, rng)

    def suggest(self, trial: "Trial") -> Architecture:
        """The network within the limits that a trial's answers lead to.

        An answer that would leave no network within the limits is replaced by the option nearest
        to it in cost.
        """
        return self.following(self.space.asked(trial))

    def encode(self, architecture: Architecture) -> NDArray[np.float64]:
        """As the space encodes it."""
        return self.space.encode(architecture)

    def decode(self, vector: Any) -> Architecture:
        """The network within the limits that a vector leads to; the inverse of `encode` there."""
        return self.following(self.space.layout.nearest(vector))

    def following(self, pick: Pick) -> Architecture:
        """The network that `pick` leads to, kept within the limits at each decision."""
        row = np.full(len(self.space.layout.columns), ABSENT, dtype=np.int16)
        row[:2] = self._place(pick)
        part = self.branches[int(row[0]), int(row[1])]
        state = 0
        for layer, step, contexts, after in part.chain.along(part.weights):
            context = int(contexts[state])
            decision = layer.cases[context]
            wanted = decision.options.index(pick(decision))
            away = abs(layer.costs[context] - layer.costs[context, wanted]).sum(1)
            possible = np.append(after, 0.0)[step[state]] > 0
            option = int(np.where(possible, away, FAR).argmin())
            row[layer.column] = layer.codes[context, option]
            state = int(step[state, option])
        if self.fits(row[None])[0]:
            return self.space.architecture(row)
        # Costs were rounded and this one is a little over; draw from what fits, repeatably.
        return self.sample(Random(row.tobytes()))

    def _place(self, pick: Pick) -> tuple[int, int]:
        """The backbone and resolutions that `pick` asks for, else the first that has networks."""
        backbone = pick(self.space.root[0])
        resolutions = backbone.then[0]
        layout, way = self.space.layout, pick(resolutions)
        wanted = (
            layout.labels[BACKBONE][backbone.label],
            layout.labels[RESOLUTIONS][way.label],
        )
        if wanted in self.branches and self.branches[wanted].possibly:
            return wanted
        return next(place for place, part in self.branches.items() if part.possibly)

    def _none(self) -> str:
        form, size = self.limits.form, self.limits.size
        first = self.space.extreme("macs" if 0 in self.limits.used() else "params", min, form, size)
        macs, params = (
            [getattr(self.space.cost(self.space.extreme(by, pick, form, size), form, size), by)
             for pick in (min, max)]
            for by in ("macs", "params")
        )  # fmt: skip
        cost = self.space.cost(first, form, size)
        return (
            f"no network of the space has {self.limits.label()}: the cheapest, number "
            f"{self.space.index(first)}, {first.label()}, has {cost.macs:,} MACs and "
            f"{cost.params:,} parameters; all have {macs[0]:,} to {macs[1]:,} MACs and "
            f"{params[0]:,} to {params[1]:,} parameters"
        )
