"""`python -m analysis.summary RUN...`: the verdicts of several studies in one table and page."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analysis.data.study_runs import StudyRun, all_verdicts, making, read_study_runs
from analysis.render.html import html_page, write_text
from analysis.render.tables import html_table, rich_table, summary_cells
from analysis.sections.verdict_text import EXPLANATION, verdict_cells
from analysis.stats.comparisons import reading
from analysis.stats.verdicts import reading as verdicts_reading
from searchspace import InputError
from searchspace.cli import run_command

PAGE = "verdicts.html"
TABLE = "verdicts.csv"


def summary(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    out: Annotated[
        Path | None, typer.Option(help=f"Directory for {TABLE} and {PAGE} [default: none written]")
    ] = None,
) -> None:
    """Print the verdicts of several studies, and write them as a table and a page."""
    runs = read_study_runs(run_dirs)
    console = Console()
    for run in runs:
        show(run, console)
    console.print(EXPLANATION, markup=False, highlight=False, soft_wrap=True)
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from None
    write_text(out / TABLE, all_verdicts(runs).to_csv(index=False))
    write_text(out / PAGE, page(runs))
    console.print(f"\nTable: {out / TABLE}\nPage: {out / PAGE}", soft_wrap=True)


def show(run: StudyRun, console: Console) -> None:
    """Print the verdicts of one run."""
    for task in dict.fromkeys(verdict.task for verdict in run.verdicts):
        verdicts = [verdict for verdict in run.verdicts if verdict.task == task]
        cells = verdict_cells(verdicts, compact=True)
        console.print(rich_table(cells, f"{run.name} on {task}"))
    if not run.verdicts:
        console.print(f"{run.name} puts no claim to the test.", markup=False, highlight=False)
    console.print()


def page(runs: Sequence[StudyRun]) -> str:
    """One page that needs nothing but itself."""
    parts = [f'<p class="note">{escape(EXPLANATION)}</p>']
    verdicts = [verdict for run in runs for verdict in run.verdicts]
    parts.append(f"<p><strong>{escape(verdicts_reading(verdicts))}</strong></p>")
    for run in runs:
        parts.append(f"<h2>{escape(run.ablation.question)}</h2>")
        parts.append(f"<p>{escape(f'{run.name}, after {run.ablation.study.source}.')}</p>")
        for task in run.ablation.tasks:
            parts += _task(run, task.label())
        command, *rest = making(run)
        note = escape(" ".join([run.ablation.design.note, *rest]))
        parts.append(f'<p class="note">{note} <code>{escape(command.strip("`"))}</code></p>')
    return html_page("Verdicts", "".join(parts))


def _task(run: StudyRun, task: str) -> list[str]:
    """The verdicts and the arms of one task."""
    arms = [arm for arm in run.arms if arm.task == task]
    verdicts = [verdict for verdict in run.verdicts if verdict.task == task]
    parts = [f"<h3>{escape(task)}</h3>"]
    if verdicts:
        parts.append(f'<div class="scroll">{html_table(verdict_cells(verdicts))}</div>')
    if arms:
        cells = summary_cells(arms, same_protocol=run.ablation.design.is_paper_protocol)
        parts.append(f"<p>{escape(reading(arms))}</p>")
        parts.append(f'<div class="scroll">{html_table(cells)}</div>')
    return parts


if __name__ == "__main__":
    run_command(summary, "python -m analysis.summary")
