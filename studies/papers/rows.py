"""Every row that the five papers print, paper by paper and table by table."""

from studies.papers.coconv import tables as coconv
from studies.papers.hs import tables as hs
from studies.papers.mssar import tables as mssar
from studies.papers.multiception import tables as multiception
from studies.papers.printed import PrintedRow
from studies.papers.rsnet import tables as rsnet

ROWS: tuple[PrintedRow, ...] = (
    *coconv.ROWS,
    *multiception.ROWS,
    *mssar.ROWS,
    *rsnet.ROWS,
    *hs.ROWS,
)
