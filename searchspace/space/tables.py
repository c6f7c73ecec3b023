"""The cost tables of a space, one for each form and image size, made when first needed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from searchspace.checks import check_integer, check_one_of
from searchspace.cost import Form
from searchspace.errors import InputError
from searchspace.resolutions import Resolutions
from searchspace.space.encoding import Layout
from searchspace.space.prices import PriceTable, plan
from searchspace.space.terms import Counter, Terms
from searchspace.space.tree import BACKBONE, RESOLUTIONS, Decision, Option, Path, extreme

Place = tuple[int, int]
"""The numbers of a backbone and of resolutions: one branch of the tree."""


class CostTables:
    """What the options of a tree cost; networks that cannot take a size are in no table for it."""

    def __init__(
        self, root: Sequence[Decision], layout: Layout, num_classes: int | None, in_chs: int
    ) -> None:
        self.root = root[0]
        self.layout = layout
        self.num_classes = num_classes
        self.in_chs = in_chs
        self._made: dict[tuple[Form, int], tuple[dict[Place, Terms], PriceTable]] = {}

    def table(self, form: Form, size: int) -> PriceTable:
        """Prices rows of the space."""
        return self._get(form, size)[1]

    def branches(self, form: Form, size: int) -> Iterator[tuple[Place, Option, Terms]]:
        """For each backbone and resolutions, the decisions below and what their options cost."""
        terms = self._get(form, size)[0]
        for place, _, way in self._ways():
            if place in terms:
                yield place, way, terms[place]

    def extreme(
        self,
        by: Literal["macs", "params"],
        pick: Callable[[list[int]], int],
        form: Form,
        size: int,
    ) -> Path:
        """The path with the least (`pick` is min) or greatest (max) cost."""
        found = {}
        for place, way, terms in self.branches(form, size):
            options = {d: [getattr(c, by) for c in costs] for d, costs in terms.options.items()}
            total, path = extreme(way.then, options.__getitem__, pick)
            found[place] = total + getattr(terms.fixed, by), path
        if not found:
            raise InputError(f"no network of the space can take images of size {size}")
        best = pick([total for total, _ in found.values()])
        i, k = next(place for place, (total, _) in found.items() if total == best)
        backbone = self.root.options[i]
        switching = backbone.then[0]
        first = [(self.root, backbone), (switching, switching.options[k])]
        return first + found[i, k][1]

    def _get(self, form: Form, size: int) -> tuple[dict[Place, Terms], PriceTable]:
        check_one_of(("deployed", "training"), form=form)
        check_integer(1, size=size)
        if (form, size) not in self._made:
            self._made[form, size] = self._count(Counter(form, size, self.num_classes, self.in_chs))
        return self._made[form, size]

    def _count(self, counter: Counter) -> tuple[dict[Place, Terms], PriceTable]:
        terms, plans = {}, {}
        for place, backbone, way in self._ways():
            resolutions = way.sets[RESOLUTIONS]
            if can_take(resolutions, counter.size):
                switching = counter.with_resolutions(resolutions)
                terms[place] = switching.terms(backbone.sets[BACKBONE], way.then)
                plans[place] = plan(self.layout, way.then, terms[place])
        return terms, PriceTable(plans)

    def _ways(self) -> Iterator[tuple[Place, Option, Option]]:
        for i, backbone in enumerate(self.root.options):
            for k, way in enumerate(backbone.then[0].options):
                yield (i, k), backbone, way


def can_take(resolutions: Resolutions | None, size: int) -> bool:
    """Whether a network with these resolutions can take images of this size."""
    if resolutions is None or resolutions.norms == "shared":
        return True
    return min(resolutions.sizes) <= size <= max(resolutions.sizes)


def check_resolutions(resolutions: Sequence[Resolutions | None], size: int) -> None:
    """Raise an InputError for sizes that do not go with the image size."""
    if not resolutions:
        raise InputError("resolutions must hold at least one set of sizes, or None, got none")
    for i, one in enumerate(resolutions):
        if not can_take(one, size) or (one and max(one.sizes) > size):
            raise InputError(
                f"resolutions[{i}]: sizes must be at most input_size, {size}, and private norms "
                f"must reach up to it, got {one and one.sizes}"
            )
