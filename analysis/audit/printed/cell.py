"""One figure that a paper prints about the cost of a network."""

from dataclasses import dataclass
from typing import Literal

Quantity = Literal["macs", "params", "saving"]
"""Multiply-accumulates, parameters, or percent of parameters saved against the standard network."""

UNITS = {1e6: "M", 1e9: "G", 2.0**20: "Mi", 1.0: "%"}


@dataclass(frozen=True)
class Cell:
    """Where a figure stands, what it says and which named networks it is about.

    `text` is the figure as printed, in units of `unit`; with several `networks` it is about their
    sum (the mean, for savings). `reason` says why our count differs; it is empty where it agrees.
    """

    paper: str
    table: str
    row: str
    column: str
    text: str
    unit: float
    quantity: Quantity
    networks: tuple[str, ...]
    reason: str = ""

    @property
    def unit_name(self) -> str:
        """The unit as a letter."""
        return UNITS[self.unit]
