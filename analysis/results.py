"""`python -m analysis.results RUN...`: the results of studies as Markdown files."""

from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import run_command
from searchspace.console import plain_console

INDEX = "README.md"


def results(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    out: Annotated[Path, typer.Option(help="Directory to write into.")] = Path("docs/results"),
) -> None:
    """Write a Markdown file for each study, an index with all verdicts, and verdicts.csv."""
    from analysis.data.frames import all_verdicts_frame
    from analysis.data.runs import read_ablations
    from analysis.render.outputs import make_folder, write_output
    from analysis.sections.result_pages import VERDICTS, file_name, index_page, study_page

    runs = read_ablations(run_dirs)
    make_folder(out)
    for run in runs:
        write_output(out / file_name(run), study_page(run))
    write_output(out / VERDICTS, all_verdicts_frame(runs).to_csv(index=False, float_format="%.6g"))
    write_output(out / INDEX, index_page(runs))
    plain_console().print(f"{len(runs)} studies: {out / INDEX}", soft_wrap=True)


if __name__ == "__main__":
    run_command(results, "python -m analysis.results")
