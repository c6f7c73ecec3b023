"""Compares every printed cost with ours, counted by the paper's convention and by our own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from statistics import fmean

import pandas as pd

from analysis.audit.conventions import CONVENTIONS
from searchspace import catalogue_entry, measure
from studies.papers.printed import UNITS, PrintedCost, PrintedRow
from studies.papers.rows import ROWS

EQUAL, TRUNCATED, DIFFERS, NOT_BUILT = "equal", "equal if truncated", "differs", "not built"
VERDICTS = (EQUAL, TRUNCATED, DIFFERS, NOT_BUILT)


@dataclass(frozen=True)
class Cell:
    """A cell of a table that holds a cost."""

    paper: str
    table: str
    row: str
    cost: PrintedCost


@dataclass(frozen=True)
class Audited:
    """A printed cost beside ours.

    `ours` is in the printed unit under the paper's convention; `macs` and `params` are
    `searchspace.measure`'s of the form for inference; None where there is no network.
    """

    cell: Cell
    ours: float | None
    verdict: str
    macs: int | None
    params: int | None


def cost_cells(rows: Iterable[PrintedRow] = ROWS) -> tuple[Cell, ...]:
    """Every cell with a cost once, in the order of the rows; rows of one line share theirs."""
    cells = (
        Cell(row.paper, row.table.removeprefix("Table "), row.row, cost)
        for row in rows
        for cost in row.costs
    )
    return tuple(dict.fromkeys(cells))


def audit(cells: Sequence[Cell] | None = None) -> list[Audited]:
    """The cells (all by default) with our counts and the verdict; all take a minute or two."""
    return [_audited(cell) for cell in (cost_cells() if cells is None else cells)]


def verdict(digits: str, ours: float) -> str:
    """Whether `ours` is the printed figure when rounded, or when cut, to as many digits."""
    printed, exact = Decimal(digits), Decimal(repr(ours))
    if exact.quantize(printed, ROUND_HALF_UP) == printed:
        return EQUAL
    return TRUNCATED if exact.quantize(printed, ROUND_DOWN) == printed else DIFFERS


def ours_by_convention(cell: Cell) -> float:
    """Our figure for a cell, in its unit, counted as its paper counts."""
    cost = cell.cost
    if cost.quantity == "saving":
        return fmean(_saving(name) for name in cost.networks)
    count = CONVENTIONS[cell.paper, cost.quantity]
    return sum(count(catalogue_entry(name)) for name in cost.networks) / UNITS[cost.unit]


def to_frame(audited: Sequence[Audited]) -> pd.DataFrame:
    """One row per printed figure; `ours` is in the unit of the figure, `macs` and `params` in one.

    Missing where the project has no such network; for savings, only `macs` and `params`.
    """
    rows = [
        {
            "paper": row.cell.paper,
            "table": row.cell.table,
            "row": row.cell.row,
            "column": row.cell.cost.column,
            "printed": row.cell.cost.digits,
            "unit": row.cell.cost.unit,
            "ours": row.ours,
            "verdict": row.verdict,
            "macs": row.macs,
            "params": row.params,
            "networks": " ".join(row.cell.cost.networks),
            "reason": row.cell.cost.reason,
        }
        for row in audited
    ]
    return pd.DataFrame(rows).astype({"macs": "Int64", "params": "Int64"})


def verdict_counts(audited: Sequence[Audited]) -> dict[str, dict[str, int]]:
    """How many figures of each paper got each verdict."""
    counts = {row.cell.paper: dict.fromkeys(VERDICTS, 0) for row in audited}
    for row in audited:
        counts[row.cell.paper][row.verdict] += 1
    return counts


def _audited(cell: Cell) -> Audited:
    cost = cell.cost
    if not cost.networks:
        return Audited(cell, None, NOT_BUILT, None, None)
    ours = ours_by_convention(cell)
    judged = verdict(cost.digits, ours)
    if cost.quantity == "saving":
        return Audited(cell, ours, judged, None, None)
    entries = [catalogue_entry(name) for name in cost.networks]
    costs = [
        measure(entry.architecture, entry.input_size, num_classes=entry.num_classes)
        for entry in entries
    ]
    macs, params = sum(own.macs for own in costs), sum(own.params for own in costs)
    return Audited(cell, ours, judged, macs, params)


def _saving(name: str) -> float:
    """Percent of the standard network's parameters, negative where Multiception has fewer.

    The paper computes it from counts with four digits.
    """
    count = CONVENTIONS["Multiception", "params"]
    standard = float(f"{count(catalogue_entry(name.replace('-multiception-', '-'))):.4g}")
    return 100 * (float(f"{count(catalogue_entry(name)):.4g}") / standard - 1)
