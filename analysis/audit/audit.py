"""Compares every printed cost with ours, counted by the paper's convention and by our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from statistics import fmean

import pandas as pd

from analysis.audit.conventions import CONVENTIONS
from analysis.audit.printed import CELLS, Cell
from searchspace import catalogue_entry, measure

EQUAL, TRUNCATED, DIFFERS, NOT_BUILT = "equal", "equal if truncated", "differs", "not built"
VERDICTS = (EQUAL, TRUNCATED, DIFFERS, NOT_BUILT)


@dataclass(frozen=True)
class Audited:
    """A printed figure beside ours.

    `ours` is in the cell's unit under the paper's convention; `macs` and `params` are
    `searchspace.measure`'s of the form for inference; None where there is no network.
    """

    cell: Cell
    ours: float | None
    verdict: str
    macs: int | None
    params: int | None


def audit(cells: Sequence[Cell] = CELLS) -> list[Audited]:
    """Every cell with our counts and the verdict; takes a minute or two for all of them."""
    return [_audited(cell) for cell in cells]


def verdict(text: str, ours: float) -> str:
    """Whether `ours` is the printed figure when rounded, or when cut, to as many digits."""
    printed, exact = Decimal(text), Decimal(repr(ours))
    if exact.quantize(printed, ROUND_HALF_UP) == printed:
        return EQUAL
    return TRUNCATED if exact.quantize(printed, ROUND_DOWN) == printed else DIFFERS


def ours_by_convention(cell: Cell) -> float:
    """Our figure for a cell, in its unit, counted as its paper counts."""
    entries = [catalogue_entry(name) for name in cell.networks]
    if cell.quantity == "saving":
        return fmean(_saving(name) for name in cell.networks) / cell.unit
    count = CONVENTIONS[cell.paper, cell.quantity]
    return sum(count(entry) for entry in entries) / cell.unit


def to_frame(audited: Sequence[Audited]) -> pd.DataFrame:
    """One row per printed figure; `ours` is in the unit of the figure, `macs` and `params` in one.

    Missing where the project has no such network; for savings, only `macs` and `params`.
    """
    rows = [
        {
            "paper": row.cell.paper,
            "table": row.cell.table,
            "row": row.cell.row,
            "column": row.cell.column,
            "printed": row.cell.text,
            "unit": row.cell.unit_name,
            "ours": row.ours,
            "verdict": row.verdict,
            "macs": row.macs,
            "params": row.params,
            "networks": " ".join(row.cell.networks),
            "reason": row.cell.reason,
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
    if not cell.networks:
        return Audited(cell, None, NOT_BUILT, None, None)
    ours = ours_by_convention(cell)
    told = verdict(cell.text, ours)
    if cell.quantity == "saving":
        return Audited(cell, ours, told, None, None)
    entries = [catalogue_entry(name) for name in cell.networks]
    costs = [
        measure(entry.architecture, entry.input_size, num_classes=entry.num_classes)
        for entry in entries
    ]
    macs, params = sum(cost.macs for cost in costs), sum(cost.params for cost in costs)
    return Audited(cell, ours, told, macs, params)


def _saving(name: str) -> float:
    """Percent of the standard network's parameters, negative where Multiception has fewer.

    The paper computes it from counts with four digits.
    """
    count = CONVENTIONS["Multiception", "params"]
    standard = float(f"{count(catalogue_entry(name.replace('-multiception-', '-'))):.4g}")
    return 100 * (float(f"{count(catalogue_entry(name)):.4g}") / standard - 1)
