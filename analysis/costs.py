"""`python -m analysis.costs`: every printed cost of the papers beside ours."""

from html import escape
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from rich.console import Console
from rich.table import Table

from analysis.audit import DIFFERS, EQUAL, NOT_BUILT, TRUNCATED, audit, to_frame, verdict_counts
from searchspace import InputError

COLOURS = {EQUAL: "green", TRUNCATED: "yellow", DIFFERS: "red", NOT_BUILT: "magenta"}
EXPLANATION = (
    "Each figure is as printed, in the unit of its column; ours is the network rebuilt and counted "
    "as its paper counted. macs and params are what we report ourselves: multiply-accumulates for "
    "one image and stored numbers, of the form for inference."
)
STYLE = (
    "body{font:15px/1.4 sans-serif;margin:2em auto;max-width:90em;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0}"
    "th,td{border-bottom:1px solid #ccc;padding:.25em .6em;text-align:left;vertical-align:top}"
    "th{position:sticky;top:0;background:#fff}"
    "td.number{text-align:right;font-variant-numeric:tabular-nums}"
    "tr.equal td.verdict{color:#176b2c}tr.differs td.verdict{color:#a41c1c}"
)
NUMBERS = ("printed", "ours", "macs", "params")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Directory for costs.csv and costs.html.")] = Path(
        "runs/costs"
    ),
    csv: Annotated[Path | None, typer.Option(help="The CSV file, instead of one in --out.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="The HTML file, instead of one in --out.")
    ] = None,
) -> None:
    """Compare every printed cost of the five papers with ours; print, and write CSV and HTML."""
    targets = {"csv": csv or out / "costs.csv", "html": html or out / "costs.html"}
    # One image at a time: more threads only wait for each other.
    torch.set_num_threads(1)
    try:
        # Before the counting, which takes a minute.
        for path in targets.values():
            _check_writable(path)
        frame = to_frame(audit())
        _write(targets["csv"], frame.to_csv(index=False))
        _write(targets["html"], to_html(frame))
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    show(frame, Console())
    typer.echo(f"written: {targets['csv']}, {targets['html']}")


def show(frame: pd.DataFrame, console: Console) -> None:
    """Print the table, the reasons of what differs, and the verdict counts of each paper."""
    table = Table(title="Printed costs and ours")
    columns = ["paper", "table", "row", "column", "printed", "ours", "verdict", "macs", "params"]
    for name in columns:
        table.add_column(name, justify="right" if name in NUMBERS else "left")
    for _, row in frame.iterrows():
        cells = [_shown(row[name]) for name in columns]
        colour = COLOURS[row["verdict"]]
        cells[columns.index("verdict")] = f"[{colour}]{row['verdict']}[/{colour}]"
        table.add_row(*cells)
    console.print(table)
    for _, row in frame[frame["reason"] != ""].iterrows():
        where = f"{row['paper']} Table {row['table']}, {row['row']}, {row['column']}"
        console.print(f"{where}: {row['reason']}", markup=False, highlight=False)
    console.print(_counts_table(frame))


def to_html(frame: pd.DataFrame) -> str:
    """One page that needs nothing but itself."""
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    body = []
    for _, row in frame.iterrows():
        cells = "".join(_html_cell(name, _shown(row[name])) for name in frame.columns)
        body.append(f'<tr class="{row["verdict"].split()[0]}">{cells}</tr>')
    counts = verdict_counts(frame).rename_axis(None, axis="columns").to_html(border=0)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Printed costs and ours</title><style>{STYLE}</style></head><body>"
        f"<h1>Printed costs and ours</h1><p>{escape(EXPLANATION)}</p>{counts}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        "</body></html>\n"
    )


def _html_cell(name: str, text: str) -> str:
    kind = "number" if name in NUMBERS else name
    return f'<td class="{kind}">{escape(text)}</td>'


def _counts_table(frame: pd.DataFrame) -> Table:
    counts = verdict_counts(frame)
    table = Table("paper", *counts.columns, title="Verdicts")
    for paper, row in counts.iterrows():
        table.add_row(str(paper), *(str(count) for count in row))
    return table


def _shown(value: object) -> str:
    if value is pd.NA:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _check_writable(path: Path) -> None:
    """Create the directory and open the file, leaving what is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


if __name__ == "__main__":
    app()
