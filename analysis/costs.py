"""`python -m analysis.costs`: every printed cost of the papers beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from searchspace import InputError
from searchspace.cli import run_command
from searchspace.console import plain_console

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
    import torch

    from analysis.audit.audit import audit, to_frame
    from analysis.render.outputs import write_output
    from analysis.sections.cost_audit import page, show

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


def _check_writable(path: Path) -> None:
    """Create the directory and open the file, leaving what is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


if __name__ == "__main__":
    run_command(costs, "python -m analysis.costs")
