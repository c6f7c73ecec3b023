"""Modules that state their own multiply-accumulates.

A counter that looks at single operators sees a weighted sum as a product (free) and a sum (free),
or as a matrix product (counted), whichever way it was written. A module whose arithmetic can be
written in several ways states its count instead, so that the cost of a network does not depend on
how its code is formulated.
"""

from abc import abstractmethod

from torch import nn

Shape = tuple[int, ...]


class CountedModule(nn.Module):
    """A module that states its own MACs; `searchspace.cost` does not look inside."""

    @abstractmethod
    def macs(self, *shapes: Shape) -> int:
        """The MACs of one call with inputs of these shapes; inputs that are None have none."""
