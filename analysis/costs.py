"""`python -m analysis.costs`: every printed cost of the papers beside ours."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from analysis.audit.audit import VERDICTS, Audited, audit, to_frame, verdict_counts
from analysis.render.html import html_page
from analysis.render.numbers import engineering
from analysis.render.outputs import write_output
from analysis.render.tables import TextTable, html_table, rich_table
from searchspace import InputError
from searchspace.cli import run_command
from searchspace.console import plain_console

TITLE = "Printed costs and ours"
EXPLANATION = (
    "“Printed” is as the paper has it; Mi is 2^20. “Ours” is the network rebuilt and counted as "
    "that paper counted. MACs and parameters are what we report ourselves: "
    "multiply-accumulates for one image and stored numbers, of the form for inference."
)
WIDTH = 150
"""Characters that the printed table needs."""


def costs(
    out: Annotated[Path, typer.Option(help="Directory for costs.csv and costs.html.")] = Path(
        "runs/costs"
    ),
    csv: Annotated[Path | None, typer.Option(help="The CSV file, instead of one in --out.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="The HTML file, instead of one in --out.")
    ] = None,
) -> None:
    """Compare every printed cost of the five papers with ours; print, and write CSV and HTML."""
    # One image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    csv, html = csv or out / "costs.csv", html or out / "costs.html"
    for path in (csv, html):
        # Before the counting, which takes a minute.
        _check_writable(path)
    audited = audit()
    write_output(csv, to_frame(audited).to_csv(index=False))
    write_output(html, page(audited))
    console = plain_console()
    show(audited, console if console.width > WIDTH else plain_console(width=WIDTH))
    console.print(f"\nTable: {csv}\nReport: {html}", soft_wrap=True)


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
        TITLE,
        f"<p>{escape(EXPLANATION)}</p>{html_table(verdict_table(audited))}"
        f'<h2>Every figure</h2><div class="scroll">{html_table(_page_table(audited))}</div>',
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


def _check_writable(path: Path) -> None:
    """Create the directory and open the file, leaving what is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


if __name__ == "__main__":
    run_command(costs, "python -m analysis.costs")
