"""Printed costs beside ours: on the console, as a page, and as tables for the documents."""

from collections.abc import Sequence

from rich.console import Console

from analysis.audit.audit import VERDICTS, Audited, verdict_counts
from analysis.render.html import html_page
from analysis.render.numbers import engineering
from analysis.render.tables import TextTable, rich_table

TITLE = "Printed costs and ours"
EXPLANATION = (
    "“Printed” is as the paper has it; Mi is 2^20. “Ours” is the network rebuilt and counted as "
    "that paper counted. MACs and parameters are what we report ourselves: "
    "multiply-accumulates for one image and stored numbers, of the form for inference."
)


def show(audited: Sequence[Audited], console: Console) -> None:
    """Print the table, why figures differ, and the verdicts of each paper."""
    console.print(rich_table(_terminal_table(audited), TITLE))
    console.print()
    for cell in (row.cell for row in audited if row.cell.cost.reason):
        where = f"{cell.paper} Table {cell.table}, {cell.row}, {cell.cost.column}"
        console.print(f"{where}: {cell.cost.reason}", markup=False, highlight=False)
    console.print()
    console.print(rich_table(verdict_table(audited), "Verdicts"))


def page(audited: Sequence[Audited]) -> str:
    """One page that needs nothing but itself."""
    return html_page(
        "costs.html",
        title=TITLE,
        explanation=EXPLANATION,
        verdicts=verdict_table(audited),
        figures=_page_table(audited),
    )


COLUMNS = ("paper", "table", "row", "column", "verdict", "printed", "ours", "MACs", "parameters")


def _terminal_table(audited: Sequence[Audited]) -> TextTable:
    rows = tuple((*_texts(row), _short(row.macs), _short(row.params)) for row in audited)
    return TextTable(COLUMNS, rows, text_columns=5)


def _page_table(audited: Sequence[Audited]) -> TextTable:
    rows = tuple(
        (*_texts(row), _long(row.macs), _long(row.params), " ".join(row.cell.cost.networks),
         row.cell.cost.reason)
        for row in audited
    )  # fmt: skip
    columns = (*COLUMNS, "networks", "why it differs")
    return TextTable(columns, rows, text_columns=5, last_number=len(COLUMNS))


def verdict_table(audited: Sequence[Audited]) -> TextTable:
    """How many costs of each paper got each verdict."""
    counts = verdict_counts(audited)
    rows = tuple((paper, *map(str, verdicts.values())) for paper, verdicts in counts.items())
    return TextTable(("paper", *VERDICTS), rows, text_columns=1)


def _texts(row: Audited) -> tuple[str, ...]:
    cell = row.cell
    return (cell.paper, cell.table, cell.row, cell.cost.column, row.verdict, *figures(row))


def figures(row: Audited) -> tuple[str, str]:
    """The printed cost and ours, in the printed unit; ours is empty where there is no network."""
    cost = row.cell.cost
    ours = "" if row.ours is None else f"{row.ours:.6g} {cost.unit}"
    return f"{cost.digits} {cost.unit}", ours


def _short(value: int | None) -> str:
    return "" if value is None else engineering(value)


def _long(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
