"""Every cost that the papers print, as data."""

from analysis.printed import coconv, hs, ms_sar, multiception, rs_net
from analysis.printed.cell import Cell, Quantity

__all__ = ["CELLS", "Cell", "Quantity"]

CELLS: tuple[Cell, ...] = (
    *coconv.CELLS,
    *multiception.CELLS,
    *ms_sar.CELLS,
    *rs_net.CELLS,
    *hs.CELLS,
)
