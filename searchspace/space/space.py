"""A search space: backbones, rules for their slots, and everything a search asks of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from searchspace.architecture import Architecture
from searchspace.backbones.base import Backbone
from searchspace.checks import check_integer
from searchspace.cost import Cost, Form
from searchspace.errors import InputError
from searchspace.resolutions import Resolutions
from searchspace.schema import from_json, to_json
from searchspace.space import moves
from searchspace.space.budget import Limits
from searchspace.space.compiling import check_rules, decisions
from searchspace.space.encoding import Layout, Rows
from searchspace.space.networks import network_of, path_to
from searchspace.space.rules import Rule
from searchspace.space.tables import CostTables, check_resolutions
from searchspace.space.tree import (
    BACKBONE,
    RESOLUTIONS,
    Decision,
    Option,
    Path,
    Pick,
    at,
    number,
    walk,
)
from searchspace.space.within import Within


class Trial(Protocol):
    """What `suggest` needs of a trial; Optuna's trials have it."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """One of `choices`."""


@dataclass(frozen=True)
class Space:
    """All networks that the rules allow on the backbones; each is one point, and has one number.

    `resolutions` are the sets of sizes to switch between, None for a network of one size.
    Costs, and the check that kernels fit into maps, are for input_size x input_size images of
    `in_chs` channels and for `num_classes` classes (None: the backbone's own).
    """

    backbones: tuple[Backbone, ...]
    rules: tuple[Rule, ...] = ()
    resolutions: tuple[Resolutions | None, ...] = (None,)
    input_size: int = 32
    num_classes: int | None = None
    in_chs: int = 3
    name: str = ""

    def __post_init__(self) -> None:
        check_integer(1, input_size=self.input_size, in_chs=self.in_chs)
        if self.num_classes is not None:
            check_integer(1, num_classes=self.num_classes)
        if not isinstance(self.name, str):
            raise InputError(f"name must be a string, got {self.name!r}")
        if not self.backbones:
            raise InputError("backbones must hold at least one backbone, got none")
        check_resolutions(self.resolutions, self.input_size)
        check_rules(self.backbones, self.rules, self.input_size, self.in_chs)
        # Contradictions between rules show when they are put together.
        assert self.root

    @classmethod
    def of(cls, backbone: Backbone | Iterable[Backbone], *rules: Rule, **settings: Any) -> "Space":
        """A space of one or several backbones, and the other fields by name."""
        backbones = (backbone,) if isinstance(backbone, Backbone) else tuple(backbone)
        return cls(backbones, rules, **settings)

    @cached_property
    def root(self) -> tuple[Decision, ...]:
        """The tree of decisions."""
        options = []
        for backbone in dict.fromkeys(self.backbones):
            made = decisions(backbone, self.rules, self.input_size, self.in_chs)
            ways = tuple(
                Option(one.label() if one else "one size", {RESOLUTIONS: one}, made)
                for one in dict.fromkeys(self.resolutions)
            )
            switching = Decision(RESOLUTIONS, (RESOLUTIONS,), ways)
            options.append(Option(backbone.label(), {BACKBONE: backbone}, (switching,)))
        return (Decision(BACKBONE, (BACKBONE,), tuple(options)),)

    @cached_property
    def layout(self) -> Layout:
        """The columns of rows and the features of vectors."""
        return Layout(self.root)

    def size(self) -> int:
        """How many distinct networks there are."""
        return self.root[0].size

    def point(self, index: int) -> Architecture:
        """The network with a number from 0 to size() - 1."""
        if not 0 <= index < self.size():
            raise InputError(f"index must be from 0 to {self.size() - 1}, got {index}")
        return network_of(at(self.root, index))

    def index(self, architecture: Architecture) -> int:
        """The number of a network; the inverse of `point`."""
        taken = dict(self.path(architecture))
        return number(self.root, lambda decision: taken[decision])

    def __iter__(self) -> Iterator[Architecture]:
        return (self.point(index) for index in range(self.size()))

    def __contains__(self, architecture: object) -> bool:
        if not isinstance(architecture, Architecture):
            return False
        try:
            self.path(architecture)
        except InputError:
            return False
        return True

    def path(self, architecture: Architecture) -> Path:
        """The decisions that make a network; an InputError if it is not in the space."""
        return path_to(self.root, architecture)

    def sample(self, rng: Random) -> Architecture:
        """A network drawn uniformly from all distinct ones."""
        return self.point(rng.randrange(self.size()))

    def sample_rows(self, count: int, rng: Random) -> Rows:
        """`count` networks drawn uniformly, to double precision, as rows."""
        return self.layout.sample(count, rng)

    def rows(self, architectures: Iterable[Architecture]) -> Rows:
        """Networks as rows of integers, one column per decision."""
        found = [self.layout.row(self.path(architecture)) for architecture in architectures]
        shape = len(found), len(self.layout.columns)
        return np.array(found, dtype=np.int16).reshape(shape)

    def architecture(self, row: Any) -> Architecture:
        """The network that a row stands for."""
        return network_of(self.layout.path(row))

    def suggest(self, trial: Trial) -> Architecture:
        """The network that a trial's answers make; decisions without alternatives are not asked."""
        return network_of(walk(self.root, self.asked(trial)))

    def asked(self, trial: Trial) -> Pick:
        """Takes the option that a trial answers."""

        def pick(decision: Decision) -> Option:
            if len(decision.options) == 1:
                return decision.options[0]
            name = self.layout.parameter(decision)
            label = trial.suggest_categorical(name, list(decision.labels))
            return decision.options[decision.labels[label]]

        return pick

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All networks that differ in one decision, and in what must follow from it."""
        found = moves.neighbours(self.root, self.path(architecture))
        return [network_of(path) for path in found]

    def mutate(self, architecture: Architecture, rng: Random) -> Architecture:
        """The network with one decision made differently."""
        return network_of(moves.mutate(self.root, self.path(architecture), rng))

    def cross(self, first: Architecture, second: Architecture, rng: Random) -> Architecture:
        """A network with each decision as in one of the two."""
        parents = self.path(first), self.path(second)
        return network_of(moves.cross(self.root, *parents, rng))

    def encode(self, architecture: Architecture) -> NDArray[np.float64]:
        """A vector of fixed length, `layout.features` says of what."""
        return self.layout.encode(self.path(architecture))

    def decode(self, vector: Any) -> Architecture:
        """The network that a vector is nearest to; the inverse of `encode`."""
        return network_of(walk(self.root, self.layout.nearest(vector)))

    def within(
        self,
        *,
        max_macs: int | None = None,
        min_macs: int | None = None,
        max_params: int | None = None,
        min_params: int | None = None,
        form: Form = "deployed",
        size: int | None = None,
    ) -> Within:
        """The networks within these limits, both ends included; an InputError if there are none."""
        return Within(self, Limits(max_macs, min_macs, max_params, min_params, form, size))

    @cached_property
    def costs(self) -> CostTables:
        """The tables that prices come from, made when first asked for."""
        return CostTables(self.root, self.layout, self.num_classes, self.in_chs)

    def price(
        self, points: Any, form: Form = "deployed", size: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """MACs and parameters of rows or architectures, each of shape (N,), as `measure` counts.

        `size` is the side of the image, by default the space's `input_size`.
        """
        if not isinstance(points, np.ndarray):
            points = self.rows(points)
        if points.ndim != 2 or points.shape[1] != len(self.layout.columns):
            raise InputError(
                f"points must have shape (N, {len(self.layout.columns)}), got {points.shape}"
            )
        return self.costs.table(form, self.side(size)).price(points)

    def cost(
        self, architecture: Architecture, form: Form = "deployed", size: int | None = None
    ) -> Cost:
        """What one network costs, from the table."""
        macs, params = self.price([architecture], form, size)
        return Cost(int(macs[0]), int(params[0]))

    def extreme(
        self,
        by: Literal["macs", "params"],
        pick: Callable[[list[int]], int],
        form: Form = "deployed",
        size: int | None = None,
    ) -> Architecture:
        """The network with the least (`pick` is min) or greatest (max) cost, exactly."""
        return network_of(self.costs.extreme(by, pick, form, self.side(size)))

    def side(self, size: int | None) -> int:
        """The side of the images asked about, by default `input_size`."""
        return self.input_size if size is None else size

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Space.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "space") -> "Space":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)
