"""The cost tables of a space, one for each form and image size, made when first needed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from searchspace.checks import MAX_SIZE, check_integer, check_one_of
from searchspace.cost import Form
from searchspace.errors import InputError
from searchspace.resolutions import Resolutions
from searchspace.space.costs.cost_terms import CostTerms, TermCounter
from searchspace.space.costs.price_tables import BranchKey, PriceTable, price_plan
from searchspace.space.encoding import Encoding
from searchspace.space.tree import BACKBONE, RESOLUTIONS, DecisionVariable, Option, Path, extreme


class CostTables:
    """What the options of a tree cost, by form and image size.

    Networks that cannot take an image size are in no table for it.
    """

    def __init__(
        self,
        root: Sequence[DecisionVariable],
        encoding: Encoding,
        num_classes: int | None,
        in_chs: int,
    ) -> None:
        self.root = root[0]
        self.encoding = encoding
        self.num_classes = num_classes
        self.in_chs = in_chs
        self._tables: dict[tuple[Form, int], tuple[dict[BranchKey, CostTerms], PriceTable]] = {}

    def table(self, form: Form, size: int) -> PriceTable:
        """The table that prices rows of the space."""
        return self._get(form, size)[1]

    def branches(self, form: Form, size: int) -> Iterator[tuple[BranchKey, Option, CostTerms]]:
        """For each backbone and resolutions, the decisions below and what their options cost."""
        terms = self._get(form, size)[0]
        for key, _, resolutions in self._branch_options():
            if key in terms:
                yield key, resolutions, terms[key]

    def extreme(
        self,
        by: Literal["macs", "params"],
        pick: Callable[[list[int]], int],
        form: Form,
        size: int,
    ) -> Path:
        """The path with the least (`pick` is min) or greatest (max) cost."""
        best_of_branch = {}
        for key, resolutions, terms in self.branches(form, size):
            costs = {d: [getattr(c, by) for c in costs] for d, costs in terms.options.items()}
            total, path = extreme(resolutions.then, costs.__getitem__, pick)
            best_of_branch[key] = total + getattr(terms.fixed, by), path
        if not best_of_branch:
            raise InputError(f"no network of the space can take images of size {size}")
        best = pick([total for total, _ in best_of_branch.values()])
        i, k = next(key for key, (total, _) in best_of_branch.items() if total == best)
        backbone = self.root.options[i]
        switching = backbone.then[0]
        first = [(self.root, backbone), (switching, switching.options[k])]
        return first + best_of_branch[i, k][1]

    def _get(self, form: Form, size: int) -> tuple[dict[BranchKey, CostTerms], PriceTable]:
        check_one_of(("deployed", "training"), form=form)
        check_integer(1, MAX_SIZE, size=size)
        if (form, size) not in self._tables:
            counter = TermCounter(form, size, self.num_classes, self.in_chs)
            self._tables[form, size] = self._count(counter)
        return self._tables[form, size]

    def _count(self, counter: TermCounter) -> tuple[dict[BranchKey, CostTerms], PriceTable]:
        terms, plans = {}, {}
        for key, backbone, option in self._branch_options():
            resolutions = option.sets[RESOLUTIONS]
            if can_take(resolutions, counter.size):
                switching = counter.with_resolutions(resolutions)
                terms[key] = switching.terms(backbone.sets[BACKBONE], option.then)
                plans[key] = price_plan(self.encoding, option.then, terms[key])
        return terms, PriceTable(plans)

    def _branch_options(self) -> Iterator[tuple[BranchKey, Option, Option]]:
        """The options for backbone and resolutions of every branch."""
        for i, backbone in enumerate(self.root.options):
            for k, resolutions in enumerate(backbone.then[0].options):
                yield (i, k), backbone, resolutions


def can_take(resolutions: Resolutions | None, size: int) -> bool:
    """Whether a network with these resolutions can take size x size images."""
    if resolutions is None or resolutions.norms == "shared":
        return True
    return min(resolutions.sizes) <= size <= max(resolutions.sizes)


def check_resolutions(resolutions: Sequence[Resolutions | None], size: int) -> None:
    """Raise an InputError for sizes that do not go with the image size."""
    if not resolutions:
        raise InputError("resolutions must hold at least one set of sizes, or None, got none")
    for i, switched in enumerate(resolutions):
        if not can_take(switched, size) or (switched and max(switched.sizes) > size):
            raise InputError(
                f"resolutions[{i}]: sizes must be at most input_size, {size}, and private norms "
                f"must reach up to it, got {switched and switched.sizes}"
            )
