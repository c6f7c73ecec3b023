"""Every cost that the papers print, as data."""

from analysis.audit.printed import coconv, hs, mssar, multiception, rsnet
from analysis.audit.printed.cell import Cell, Quantity

__all__ = ["CELLS", "Cell", "Quantity"]

CELLS: tuple[Cell, ...] = (
    *coconv.CELLS,
    *multiception.CELLS,
    *mssar.CELLS,
    *rsnet.CELLS,
    *hs.CELLS,
)
