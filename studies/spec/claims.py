"""Statements that a study puts to the test, as data; `analysis` says how each one ends."""

from dataclasses import dataclass, field

from searchspace import InputError, Resolutions
from searchspace.checks import check_at_least
from searchspace.schema import OMIT_DEFAULT


@dataclass(frozen=True)
class Operand:
    """The test accuracy of an arm: at its only input size, at `size`, or of its `ensemble`.

    With `but_not`, the share of the test images that it gets right and `but_not` gets wrong.
    """

    arm: str
    size: int | None = None
    ensemble: bool = False
    but_not: "Operand | None" = field(default=None, metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        if self.ensemble and self.size is not None:
            raise InputError(
                f"an ensemble is of all sizes of {self.arm}; size must be None, got {self.size}"
            )
        if self.but_not is not None and (self.ensemble or self.but_not.ensemble):
            raise InputError(f"which images an ensemble gets right is not kept; got {self}")
        if self.but_not is not None and self.but_not.but_not is not None:
            raise InputError(f"but_not must not have a but_not itself, got {self}")

    def illegal(self, resolutions: Resolutions | None) -> str | None:
        """Why an arm with these sizes has no such accuracy; None if it has, or may have."""
        if resolutions is None:
            # A plain network has the size of its task.
            return f"{self.arm!r} has one size and no ensemble" if self.ensemble else None
        sizes = (*resolutions.distinct, *resolutions.untrained)
        if self.ensemble:
            return None if resolutions.ensemble else f"{self.arm!r} learns no ensemble"
        if self.size is None and len(sizes) > 1 or self.size is not None and self.size not in sizes:
            listed = ", ".join(map(str, sizes))
            return f"size of {self.arm!r} must be one of {listed}, got {self.size}"
        return None


@dataclass(frozen=True)
class Comparison:
    """The mean accuracy of `above` is greater than that of `below` by more than `margin` points.

    Both are means over their operands with equal weights, seed by seed. So "A gains more over B
    than C over D" is A and D above B and C. A negative margin says "not worse by as much".
    """

    above: tuple[Operand, ...]
    below: tuple[Operand, ...]
    margin: float = 0.0

    def __post_init__(self) -> None:
        if not self.above or not self.below:
            raise InputError("a comparison needs operands on both sides, got an empty side")
        check_at_least(-100, 100, margin=self.margin)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All that is compared."""
        return self.above + self.below

    @property
    def named(self) -> tuple[Operand, ...]:
        """The same and what is taken off."""
        rest = (operand.but_not for operand in self.operands)
        return self.operands + tuple(operand for operand in rest if operand is not None)


@dataclass(frozen=True)
class Claim:
    """A statement of a paper (`source`: section or table): all of its comparisons hold."""

    text: str
    source: str
    comparisons: tuple[Comparison, ...]

    def __post_init__(self) -> None:
        if not self.comparisons:
            raise InputError(f"claim {self.text!r} must compare something, got no comparison")


def exceeds(
    higher: str | Operand, *lower: str | Operand, margin: float = 0.0
) -> tuple[Comparison, ...]:
    """`higher` exceeds each of the others by more than `margin` points."""
    return tuple(Comparison((_operand(higher),), (_operand(low),), margin) for low in lower)


def _operand(named: str | Operand) -> Operand:
    return Operand(named) if isinstance(named, str) else named
