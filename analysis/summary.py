"""`python -m analysis.summary RUN...`: the verdicts of several studies in one table and page."""

from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import run_command
from searchspace.console import plain_console, print_text

PAGE = "verdicts.html"
TABLE = "verdicts.csv"


def summary(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    out: Annotated[
        Path | None, typer.Option(help=f"Directory for {TABLE} and {PAGE} [default: none written]")
    ] = None,
) -> None:
    """Print the verdicts of several studies, and write them as a table and a page."""
    from analysis.data.frames import all_verdicts_frame
    from analysis.data.runs import read_ablations
    from analysis.render.outputs import make_folder, write_output
    from analysis.sections.verdict_summary import explanation, page, print_verdicts

    runs = read_ablations(run_dirs)
    console = plain_console()
    for run in runs:
        print_verdicts(run, console)
    print_text(console, explanation(runs))
    if out is None:
        return
    make_folder(out)
    write_output(out / TABLE, all_verdicts_frame(runs).to_csv(index=False))
    write_output(out / PAGE, page(runs))
    console.print(f"\nTable: {out / TABLE}\nPage: {out / PAGE}", soft_wrap=True)


if __name__ == "__main__":
    run_command(summary, "python -m analysis.summary")
