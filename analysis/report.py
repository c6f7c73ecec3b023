"""`python -m analysis.report RUN...`: the results of runs as a self-contained page, and files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from rich.console import Console

from analysis.data.frames import arms_frame
from analysis.data.networks import networks_json
from analysis.data.runs import Run, distinct_names, read_run
from analysis.render.files import write_figures, write_tables
from analysis.render.html import figures_page
from analysis.render.numbers import engineering
from analysis.render.outputs import write_output
from analysis.render.section import Section
from analysis.render.tables import TextTable, rich_table
from analysis.sections.ablation import ablation_sections, notes
from analysis.sections.arm_tables import arm_table, cost_table, differences_sentence
from analysis.sections.failures import environment_sections, failure_sections
from analysis.sections.fronts import front_sections, joint_front_sections
from analysis.sections.hypervolume import hypervolume_sections
from analysis.sections.importance import importance_sections
from analysis.sections.learning import early_stopping_sections, learning_sections
from analysis.sections.uncertainty import uncertainty_sections
from analysis.sections.verdict_tables import verdict_counts, verdict_table
from analysis.stats.fronts import front_info
from searchspace.cli import run_command

PAGE = "report.html"
TABLE = "table.csv"
ROWS = 15
"""Networks of a search's front that are printed."""
WIDTH = 120
"""Columns of the output to a file or pipe, which has no width of its own."""


def report(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
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
) -> int:
    """Print the results of runs, write table.csv into each and one page on all of them."""
    # Networks are priced one image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = WIDTH
    runs = [read_run(folder) for folder in run_dirs]
    for run in runs:
        print_run(run, console)
        write_output(run.folder / TABLE, _main_frame(run).to_csv(index=False))
        console.print(f"Table: {run.folder / TABLE}", soft_wrap=True)
    groups = report_groups(runs)
    page = out or (runs[0].folder / PAGE if len(runs) == 1 else Path(PAGE))
    title = runs[0].experiment.question if len(runs) == 1 else f"{len(runs)} runs side by side"
    write_output(page, figures_page(title, groups, [networks_json(run) for run in runs]))
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


def report_groups(runs: Sequence[Run]) -> list[tuple[str, list[Section]]]:
    """Headings and their sections: the runs together if there are several, then each."""
    names = distinct_names(runs)
    groups = [
        (_heading(run, name), run_sections(run, number))
        for number, (run, name) in enumerate(zip(runs, names, strict=True))
    ]
    hypervolume = hypervolume_sections(runs)
    if len(runs) == 1:
        heading, sections = groups[0]
        place = next(i for i, s in enumerate(sections) if s.name.startswith("learning"))
        return [(heading, [*sections[:place], *hypervolume, *sections[place:]])]
    return [("All runs", [*joint_front_sections(runs, names), *hypervolume]), *groups]


def run_sections(run: Run, number: int) -> list[Section]:
    """All sections about one run, which is the report's run with this number."""
    return [
        *ablation_sections(run),
        *front_sections(run, number),
        *uncertainty_sections(run, number),
        *learning_sections(run),
        *importance_sections(run, number),
        *early_stopping_sections(run),
        *failure_sections(run),
        *environment_sections(run),
    ]


def _heading(run: Run, name: str) -> str:
    return f"{name}: {run.experiment.label()}"


def print_run(run: Run, console: Console) -> None:
    """Print the main table of a run and how to read it."""
    if run.frame.empty:
        console.print(f"{run.folder} has no finished job yet.", soft_wrap=True)
    elif run.is_ablation:
        _print_ablation(run, console)
    else:
        _print_search(run, console)


def _print_ablation(run: Run, console: Console) -> None:
    same_protocol = run.ablation.design.is_paper_protocol
    for task in dict.fromkeys(arm.task for arm in run.arms):
        arms = [arm for arm in run.arms if arm.task == task]
        table = arm_table(arms, same_protocol=same_protocol, compact=True)
        console.print(rich_table(table, f"{run.name} on {task}"))
        console.print(rich_table(cost_table(arms), "costs"))
        sentence = differences_sentence(arms)
        console.print(f"{sentence}\n", markup=False, highlight=False, soft_wrap=True)
    if run.verdicts:
        console.print(rich_table(verdict_table(run.verdicts, compact=True), "the claims"))
        console.print(f"{verdict_counts(run.verdicts)}\n", highlight=False, soft_wrap=True)
    for note in notes(run):
        console.print(note, markup=False, highlight=False, soft_wrap=True)


def _print_search(run: Run, console: Console) -> None:
    points = front_info(run.points, run.main_cost)
    front = points[points["on_front"]].head(ROWS)
    if front.empty:
        console.print("No trial has an accuracy yet.")
        return
    rows = tuple(
        (row["name"], engineering(row["params"]), engineering(row["macs"]),
         f"{row['mean']:.2f}", f"{row['test_mean']:.2f}", str(row["n"]))
        for row in front.to_dict("records")
    )  # fmt: skip
    table = TextTable(("network", "params", "MACs", "validation, %", "test, %", "n"), rows)
    console.print(rich_table(table, f"Front of {run.name}: {len(front)} of {len(points)} networks"))
    console.print(
        "Networks were selected by validation accuracy, which is too high for the selected ones; "
        "test accuracy selected nothing.",
        soft_wrap=True,
    )


def _main_frame(run: Run) -> pd.DataFrame:
    if run.is_ablation:
        return arms_frame(run.arms)
    return run.points.drop(columns="network")


if __name__ == "__main__":
    run_command(report, "python -m analysis.report")
