"""A search space: backbones, rules for their slots, and limits on cost."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from searchspace.architecture import Architecture
from searchspace.backbones.base import Backbone
from searchspace.checks import MAX_CHANNELS, MAX_CLASSES, MAX_SIZE, check_integer
from searchspace.cost import Cost, Form
from searchspace.errors import InputError
from searchspace.resolutions import Resolutions
from searchspace.schema import OMIT_DEFAULT, from_json, to_json
from searchspace.space.costs.cost_tables import CostTables, check_resolutions
from searchspace.space.costs.feasible import FeasibleSet
from searchspace.space.costs.limits import Limits
from searchspace.space.encoding import Encoding, Rows
from searchspace.space.paths import architecture_of, path_of
from searchspace.space.rule_compiler import check_rules, decisions
from searchspace.space.rules import Rule
from searchspace.space.tree import (
    BACKBONE,
    RESOLUTIONS,
    DecisionVariable,
    Option,
    Path,
    Pick,
    at,
    number,
    walk,
)


class SuggestsValues(Protocol):
    """What `Space.suggest` needs of a trial; Optuna's trials have it."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """One of `choices`."""


@dataclass(frozen=True)
class Space:
    """All networks that the rules allow on the backbones; each is one point, and has one number.

    `resolutions` are the sets of sizes to switch between, None for a network of one size.
    Costs, and the check that kernels fit into maps, are for input_size x input_size images of
    `in_chs` channels and for `num_classes` classes (None: the backbone's own). With `limits`
    (`within` sets them) the space holds only the networks whose cost is within them.
    """

    backbones: tuple[Backbone, ...]
    rules: tuple[Rule, ...] = ()
    resolutions: tuple[Resolutions | None, ...] = (None,)
    input_size: int = 32
    num_classes: int | None = None
    in_chs: int = 3
    name: str = ""
    limits: Limits | None = field(default=None, metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        check_integer(1, MAX_SIZE, input_size=self.input_size)
        check_integer(1, MAX_CHANNELS, in_chs=self.in_chs)
        if self.num_classes is not None:
            check_integer(1, MAX_CLASSES, num_classes=self.num_classes)
        if not isinstance(self.name, str):
            raise InputError(f"name must be a string, got {self.name!r}")
        if not self.backbones:
            raise InputError("backbones must hold at least one backbone, got none")
        check_resolutions(self.resolutions, self.input_size)
        check_rules(self.backbones, self.rules, self.input_size, self.in_chs)
        # Compiled now: contradictions between rules show only then.
        if not self.root:
            raise InputError("a space must have a decision")
        if self.limits is not None:
            self.feasible.check()

    def __getstate__(self) -> dict[str, Any]:
        # What was counted may be large and is soon counted again.
        return {name: value for name, value in self.__dict__.items() if name != "feasible"}

    @classmethod
    def of(cls, backbone: Backbone | Iterable[Backbone], *rules: Rule, **settings: Any) -> "Space":
        """A space of one or several backbones, and the other fields by name."""
        backbones = (backbone,) if isinstance(backbone, Backbone) else tuple(backbone)
        return cls(backbones, rules, **settings)

    @cached_property
    def root(self) -> tuple[DecisionVariable, ...]:
        """The tree of decisions: backbone, resolutions, then what the rules decide."""
        options = []
        for backbone in dict.fromkeys(self.backbones):
            below = decisions(backbone, self.rules, self.input_size, self.in_chs)
            sizes = tuple(
                Option(switched.label() if switched else "one size", {RESOLUTIONS: switched}, below)
                for switched in dict.fromkeys(self.resolutions)
            )
            switching = DecisionVariable(RESOLUTIONS, (RESOLUTIONS,), sizes)
            options.append(Option(backbone.label(), {BACKBONE: backbone}, (switching,)))
        return (DecisionVariable(BACKBONE, (BACKBONE,), tuple(options)),)

    @cached_property
    def encoding(self) -> Encoding:
        """The columns of rows and their labels."""
        return Encoding(self.root)

    @cached_property
    def feasible(self) -> FeasibleSet:
        """The networks within the limits: counts, how exact they are, draws."""
        limits = self.limits or Limits()
        return FeasibleSet(self.costs, limits, self.side(limits.size))

    def size(self) -> int:
        """How many distinct networks there are; within limits as exactly as `feasible` says."""
        return self.root[0].size if self.limits is None else self.feasible.size()

    def point(self, index: int) -> Architecture:
        """The network with a number from 0 to size() - 1; numbers leave limits aside."""
        count = self.root[0].size
        if not 0 <= index < count:
            raise InputError(f"index must be from 0 to {count - 1}, got {index}")
        return architecture_of(at(self.root, index))

    def index(self, architecture: Architecture) -> int:
        """The number of a network; the inverse of `point`."""
        taken = dict(self.path(architecture))
        return number(self.root, lambda decision: taken[decision])

    def __iter__(self) -> Iterator[Architecture]:
        networks = (self.point(index) for index in range(self.root[0].size))
        return networks if self.limits is None else (n for n in networks if n in self)

    def __contains__(self, architecture: object) -> bool:
        if not isinstance(architecture, Architecture):
            return False
        try:
            row = self.encoding.row(self.path(architecture))
        except InputError:
            return False
        return bool(self.fits(row[None])[0])

    def fits(self, rows: Rows) -> NDArray[np.bool_]:
        """Which rows are within the limits, shape (N,); all of them if there are none."""
        return np.ones(len(rows), bool) if self.limits is None else self.feasible.fits(rows)

    def sample(self, rng: Random) -> Architecture:
        """A network drawn uniformly from all distinct ones, within limits to double precision."""
        if self.limits is None:
            return self.point(rng.randrange(self.size()))
        return self.architecture(self.feasible.sample_rows(1, rng)[0])

    def sample_rows(self, count: int, rng: Random) -> Rows:
        """`count` networks drawn uniformly, to double precision, as rows (N, columns)."""
        if self.limits is None:
            return self.encoding.sample(count, rng)
        return self.feasible.sample_rows(count, rng)

    def path(self, architecture: Architecture) -> Path:
        """The decisions that make a network; an InputError if no rule allows it."""
        return path_of(self.root, architecture)

    def rows(self, architectures: Iterable[Architecture]) -> Rows:
        """Networks as rows of integers (N, columns), one column per decision."""
        rows = [self.encoding.row(self.path(architecture)) for architecture in architectures]
        return np.array(rows, dtype=np.int16).reshape(len(rows), len(self.encoding.columns))

    def architecture(self, row: Any) -> Architecture:
        """The network that a row stands for."""
        return architecture_of(self.encoding.path(row))

    def suggest(self, trial: SuggestsValues) -> Architecture:
        """The network of a trial's values; only decisions with alternatives are asked for.

        A value that would leave no network within the limits is replaced by the option nearest to
        it in cost.
        """

        def pick(decision: DecisionVariable) -> Option:
            if len(decision.options) == 1:
                return decision.options[0]
            name = self.encoding.parameter(decision)
            label = trial.suggest_categorical(name, list(decision.labels))
            return decision.options[decision.labels[label]]

        return self.follow(pick)

    def follow(self, pick: Pick) -> Architecture:
        """The network of the options that `pick` takes, kept within the limits."""
        if self.limits is None:
            return architecture_of(walk(self.root, pick))
        return self.architecture(self.feasible.follow(pick))

    def within(
        self,
        *,
        max_macs: int | None = None,
        min_macs: int | None = None,
        max_params: int | None = None,
        min_params: int | None = None,
        form: Form = "deployed",
        size: int | None = None,
    ) -> "Space":
        """The part of the space within these limits, both ends included; see `with_limits`."""
        return self.with_limits(Limits(max_macs, min_macs, max_params, min_params, form, size))

    def with_limits(self, limits: Limits | None) -> "Space":
        """The same space with these limits in place of its own; None lifts them.

        An InputError names the cheapest network if none is within the limits. Cost tables are
        shared, so they are made once.
        """
        other = copy.copy(self)
        vars(other).update(limits=limits, encoding=self.encoding, costs=self.costs)
        if limits is not None:
            other.feasible.check()
        return other

    @cached_property
    def costs(self) -> CostTables:
        """The cost tables, made when first needed."""
        return CostTables(self.root, self.encoding, self.num_classes, self.in_chs)

    def price(
        self, points: Any, form: Form = "deployed", size: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """MACs and parameters of rows or architectures, each of shape (N,), as `measure` counts.

        `size` is the side of the image, by default the space's `input_size`.
        """
        if not isinstance(points, np.ndarray):
            points = self.rows(points)
        if points.ndim != 2 or points.shape[1] != len(self.encoding.columns):
            raise InputError(
                f"points must have shape (N, {len(self.encoding.columns)}), got {points.shape}"
            )
        return self.costs.table(form, self.side(size)).price(points)

    def cost(
        self, architecture: Architecture, form: Form = "deployed", size: int | None = None
    ) -> Cost:
        """The cost of one network, from the table; equal to `searchspace.measure`."""
        macs, params = self.price([architecture], form, size)
        return Cost(int(macs[0]), int(params[0]))

    def extreme(
        self,
        by: Literal["macs", "params"],
        pick: Callable[[list[int]], int],
        form: Form = "deployed",
        size: int | None = None,
    ) -> Architecture:
        """The network with the least (`pick` is min) or greatest (max) cost, exactly.

        Limits are left aside: of a limited space, it may be outside.
        """
        return architecture_of(self.costs.extreme(by, pick, form, self.side(size)))

    def side(self, size: int | None) -> int:
        """`size`, the side of an image in pixels, or `input_size` if it is None."""
        return self.input_size if size is None else size

    def to_json(self) -> dict[str, Any]:
        """The JSON form; `Space.from_json` reads it back."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: Any, path: str = "space") -> "Space":
        """Read the JSON form; an InputError names the path of what is wrong."""
        return from_json(cls, data, path)
