"""`python -m analysis.report RUN...`: the results of runs as a self-contained page, and files."""

from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import run_command
from searchspace.console import plain_console

PAGE = "report.html"
TABLE = "table.csv"
WIDTH = 120
"""Columns of the output to a file or pipe, which has no width of its own."""


def report(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The page [default: report.html in the run, or here for several runs]"),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Directory for every figure as PNG, SVG and PDF.")
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(help="Directory for every table as LaTeX, Markdown, CSV and Parquet."),
    ] = None,
    plotly: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Have the page refer to this copy of plotly.js, which is written if missing.",
        ),
    ] = None,
) -> int:
    """Print the results of runs, write table.csv into each and one page on all of them."""
    import torch

    from analysis.data.frames import main_frame
    from analysis.data.networks import networks_json
    from analysis.data.runs import read_run
    from analysis.render.files import write_figures, write_tables
    from analysis.render.html import figures_page
    from analysis.render.outputs import write_output
    from analysis.sections.console import print_run
    from analysis.sections.network_stages import stage_drawings
    from analysis.sections.overview import run_overview
    from analysis.sections.report_page import report_groups

    # Networks are priced one image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    console = plain_console(soft_wrap=False)
    if not console.is_terminal:
        console.width = WIDTH
    runs = [read_run(folder) for folder in run_dirs]
    for run in runs:
        print_run(run, console)
        write_output(run.folder / TABLE, main_frame(run).to_csv(index=False))
        console.print(f"Table: {run.folder / TABLE}", soft_wrap=True)
    groups = report_groups(runs)
    page = out or (runs[0].folder / PAGE if len(runs) == 1 else Path(PAGE))
    title = runs[0].experiment.question if len(runs) == 1 else f"{len(runs)} runs side by side"
    script = "" if plotly is None else _shared_script(plotly, page)
    text = figures_page(
        title,
        groups,
        [networks_json(run) for run in runs],
        script,
        overviews=[run_overview(run, number) for number, run in enumerate(runs)],
        drawings={number: stage_drawings(run) for number, run in enumerate(runs)},
    )
    write_output(page, text)
    console.print(f"Report: {page}", soft_wrap=True)
    sections = [
        (f"{i}-" if len(groups) > 1 else "", section)
        for i, (_, group) in enumerate(groups)
        for section in group
    ]
    if tables is not None:
        console.print(f"{write_tables(sections, tables)} tables: {tables}", soft_wrap=True)
    if figures is not None:
        console.print(f"{write_figures(sections, figures)} figures: {figures}", soft_wrap=True)
    return 0


def _shared_script(file: Path, page: Path) -> str:
    """The address of a copy of plotly.js from the page on; the copy is written if missing."""
    from os.path import relpath
    from urllib.parse import quote

    from analysis.render.html import plotly_script
    from analysis.render.outputs import write_output

    if not file.exists():
        write_output(file, plotly_script())
    return quote(relpath(file.resolve(), page.resolve().parent))


if __name__ == "__main__":
    run_command(report, "python -m analysis.report")
