"""The base of all choices: one operator with its settings, as a frozen value."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from searchspace.schema import Value, non_defaults
from searchspace.slot import Role, Slot


@dataclass(frozen=True)
class Choice(Value, ABC):
    """An operator and its settings: hashable, JSON-able, checked when constructed.

    A subclass sets `kind` (its name in JSON) and `role` (the slots it is for) and says how it is
    built. A new operator is one file with such a subclass and one line in `searchspace.operators`.
    """

    role: ClassVar[Role]
    # The operator ends in its own norm and activation, so the block adds none after it.
    normalised: ClassVar[bool] = False

    def illegal(self, slot: Slot) -> str | None:
        """Why this choice cannot go into `slot` (a clause after its name), or None if it can."""
        return None

    def canonical(self, slot: Slot) -> "Choice":
        """The one choice that stands for all that compute the same functions in `slot`."""
        return self

    def inner_width(self) -> int | None:
        """The channels inside a bottleneck that this choice asks for; None if any will do."""
        return None

    @abstractmethod
    def module(self, slot: Slot) -> nn.Module:
        """The operator for `slot` in training form; `Slot` says what goes in and out."""

    def label(self) -> str:
        """A short name for tables and plots, for example `coconv(experts=2)`."""
        settings = ", ".join(f"{name}={value}" for name, value in non_defaults(self).items())
        return f"{self.kind}({settings})" if settings else self.kind
