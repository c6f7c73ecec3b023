"""The base class of operators with their settings (choices), and the registry of operators."""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeVar

from torch import nn

from searchspace.errors import InputError
from searchspace.schema import Value, non_defaults
from searchspace.slot import Role, Slot


@dataclass(frozen=True)
class Choice(Value, ABC):
    """An operator with its settings: hashable, JSON-able, checked when constructed.

    A subclass sets `kind`, its name in JSON, and `role`, the slots it is for, builds its module and
    is registered by `@register`.
    """

    role: ClassVar[Role]
    # The operator ends in an activation and, if at all, its own norm, so the block adds no norm.
    normalised: ClassVar[bool] = False

    def illegal(self, slot: Slot) -> str | None:
        """Why this choice cannot go into `slot` (a clause after its name), or None if it can."""
        return None

    def canonical(self, slot: Slot) -> "Choice":
        """The one choice that stands for all that compute the same functions in `slot`."""
        return self

    def inner_width(self) -> int | None:
        """The channels that this choice needs inside a bottleneck; None if any number will do."""
        return None

    @abstractmethod
    def module(self, slot: Slot) -> nn.Module:
        """The operator for `slot` in training form; `Slot` gives the shapes of input and output."""

    def label(self) -> str:
        """A short name for tables and plots, for example `coconv(experts=2)`."""
        return self._label

    @cached_property
    def _label(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in non_defaults(self).items())
        return f"{self.kind}({settings})" if settings else self.kind


OPERATORS: dict[str, type[Choice]] = {}
"""All registered operators by kind: those of `searchspace.operators` and the user's."""
Choice.family = OPERATORS

C = TypeVar("C", bound=type[Choice])
OURS = "searchspace.operators."


def register(choice: C) -> C:
    """Class decorator for a `Choice`: its `kind` can then be used wherever operators are named.

    A class of the same module, as in a notebook, or with the same source text replaces an earlier
    one; any other class of the same kind is an InputError.
    """
    kind = choice.kind
    if not isinstance(kind, str) or not kind:
        raise InputError(f"{choice.__name__} needs a kind, the name it has in files")
    earlier = OPERATORS.get(kind, choice)
    same_module = earlier.__module__ == choice.__module__
    if not same_module and earlier.__module__.startswith(OURS):
        raise InputError(f"the kind {kind!r} of {choice.__name__} is taken by an operator of ours")
    if not same_module and not _same_source(earlier, choice):
        raise InputError(
            f"the kind {kind!r} is defined twice, in {earlier.__module__} and {choice.__module__}"
        )
    OPERATORS[kind] = choice
    return choice


def user_operators() -> dict[str, type[Choice]]:
    """The registered operators that are not part of the package, by kind."""
    return {k: c for k, c in OPERATORS.items() if not c.__module__.startswith(OURS)}


def _same_source(first: type[Choice], second: type[Choice]) -> bool:
    try:
        return inspect.getsource(first) == inspect.getsource(second)
    except (OSError, TypeError):
        return False
