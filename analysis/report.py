"""`python -m analysis.report RUN...`: what runs say, as a page that opens anywhere, and files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from rich.console import Console

from analysis.data.frames import arms_frame
from analysis.data.networks import networks_json
from analysis.data.runs import Run, read_run
from analysis.render.files import write_figures, write_tables
from analysis.render.html import figures_page, write_text
from analysis.render.parts import Part, Table
from analysis.render.tables import Cells, cost_cells, engineering, rich_table, summary_cells
from analysis.sections.ablation import ablation_parts, notes
from analysis.sections.endings import ending_parts, environment_parts
from analysis.sections.fronts import FRONT_COLUMNS, Series, front_info, plot_front
from analysis.sections.learning import cut_parts, learning_parts
from analysis.sections.trade_offs import front_parts
from analysis.sections.verdict_text import verdict_cells
from analysis.stats.bootstrap import main_cost, uncertainty_parts
from analysis.stats.comparisons import arms_info, reading
from analysis.stats.hypervolume import distinct_names, hypervolume_parts
from analysis.stats.importance import importance_parts
from analysis.stats.verdicts import reading as verdicts_reading
from analysis.stats.verdicts import verdicts_info
from searchspace.cli import run_command
from studies import Ablation

PAGE = "report.html"
TABLE = "table.csv"
ROWS = 15
"""Networks of a search's front that are printed."""
WIDTH = 120
"""Columns of what is printed to a file or pipe, which says nothing of its own width."""


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
    """Print what runs say, and write table.csv into each and one page on all of them."""
    # Networks are priced one image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = WIDTH
    runs = [read_run(folder) for folder in run_dirs]
    for run in runs:
        show(run, console)
        write_text(run.folder / TABLE, _main_frame(run).to_csv(index=False))
        console.print(f"Table: {run.folder / TABLE}", soft_wrap=True)
    sections = report_sections(runs)
    page = out or (runs[0].folder / PAGE if len(runs) == 1 else Path(PAGE))
    title = runs[0].question if len(runs) == 1 else f"{len(runs)} runs side by side"
    write_text(page, figures_page(title, sections, [networks_json(run) for run in runs]))
    console.print(f"Report: {page}", soft_wrap=True)
    named = [(f"{i}-" if len(sections) > 1 else "", part) for i, (_, ps) in enumerate(sections)
             for part in ps]  # fmt: skip
    if tables is not None:
        console.print(f"{write_tables(named, tables)} tables: {tables}", soft_wrap=True)
    if figures is not None:
        console.print(f"{write_figures(named, figures)} figures: {figures}", soft_wrap=True)
    return 0


def report_sections(runs: Sequence[Run]) -> list[tuple[str, list[Part]]]:
    """Headings and what is under them: the runs together if there are several, then each."""
    names = distinct_names(runs)
    sections = [
        (_heading(run, name), run_parts(run, number))
        for number, (run, name) in enumerate(zip(runs, names, strict=True))
    ]
    if len(runs) == 1:
        heading, parts = sections[0]
        place = next(i for i, part in enumerate(parts) if part.name.startswith("learning"))
        return [(heading, [*parts[:place], *hypervolume_parts(runs), *parts[place:]])]
    return [("All runs", [*side_by_side(runs, names), *hypervolume_parts(runs)]), *sections]


def run_parts(run: Run, number: int) -> list[Part]:
    """All that a report says of one run."""
    return [
        *ablation_parts(run),
        *front_parts(run, number),
        *uncertainty_parts(run, number),
        *learning_parts(run),
        *importance_parts(run, number),
        *cut_parts(run),
        *ending_parts(run),
        *environment_parts(run),
    ]


def _heading(run: Run, name: str) -> str:
    return f"{name}: {run.experiment.label()}"


def side_by_side(runs: Sequence[Run], names: Sequence[str]) -> list[Part]:
    """The fronts of all runs in one figure for each task and kind of accuracy."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for number, (run, name) in enumerate(zip(runs, names, strict=True)):
        for place, task in enumerate(run.tasks):
            points = run.points[run.points["task"] == task.label()]
            one = Series(name, number, points, place)
            groups.setdefault((task.label(), run.axis), []).append(one)
    parts = []
    for index, ((label, axis), series) in enumerate(groups.items()):
        title = f"Fronts on {label}"
        known = [
            Series(s.name, s.number, front_info(s.points, cost), s.task)
            for cost in [main_cost(runs[series[0].number])]
            for s in series
            if len(s.points)
        ]
        parts.append(_fronts_part(f"fronts-{index + 1}", title, known, axis, runs))
    return parts


def _fronts_part(
    name: str, title: str, series: Sequence[Series], axis: str, runs: Sequence[Run]
) -> Part:
    if not series:
        return Part(name, title, reason="No figure: no network has an accuracy yet.")
    cost = main_cost(runs[series[0].number])
    frames = [s.points[s.points["on_front"]].assign(run=s.name) for s in series]
    frame = pd.concat(frames, ignore_index=True)[list(FRONT_COLUMNS)].drop(columns="network")
    table = Table(
        name, "Networks on the fronts", frame, FRONT_COLUMNS, hidden=("task", "view", "sd")
    )
    return Part(name, title, figure=plot_front(series, cost, axis), tables=(table,))


def show(run: Run, console: Console) -> None:
    """Print the main table of a run and how to read it."""
    if run.frame.empty:
        console.print(f"{run.folder} has no finished job yet.", soft_wrap=True)
    elif run.ablation is not None:
        _show_ablation(run, run.ablation, console)
    else:
        _show_search(run, console)


def _show_ablation(run: Run, ablation: Ablation, console: Console) -> None:
    arms = arms_info(run.frame, ablation)
    for task in dict.fromkeys(arm.task for arm in arms):
        group = [arm for arm in arms if arm.task == task]
        cells = summary_cells(group, same_protocol=ablation.design.is_paper_protocol, compact=True)
        console.print(rich_table(cells, f"{ablation.name} on {task}"))
        console.print(rich_table(cost_cells(group), "costs"))
        console.print(f"{reading(group)}\n", markup=False, highlight=False, soft_wrap=True)
    verdicts = verdicts_info(run.frame, ablation)
    if verdicts:
        console.print(rich_table(verdict_cells(verdicts, compact=True), "the claims"))
        console.print(f"{verdicts_reading(verdicts)}\n", highlight=False, soft_wrap=True)
    for note in notes(run, ablation, arms):
        console.print(note, markup=False, highlight=False, soft_wrap=True)


def _show_search(run: Run, console: Console) -> None:
    cost = main_cost(run)
    known = front_info(run.points, cost)
    best = known[known["on_front"]].head(ROWS)
    if best.empty:
        console.print("No trial has an accuracy yet.")
        return
    rows = tuple(
        (row["name"], engineering(row["params"]), engineering(row["macs"]),
         f"{row['mean']:.2f}", f"{row['test_mean']:.2f}", str(row["n"]))
        for row in best.to_dict("records")
    )  # fmt: skip
    cells = Cells(("network", "params", "MACs", "validation, %", "test, %", "n"), rows)
    console.print(rich_table(cells, f"Front of {run.name}: {len(best)} of {len(known)} networks"))
    console.print(
        "Networks were chosen by validation accuracy, which is too high for the chosen ones; "
        "test accuracy chose nothing.",
        soft_wrap=True,
    )


def _main_frame(run: Run) -> pd.DataFrame:
    if run.ablation is not None:
        return arms_frame(arms_info(run.frame, run.ablation))
    return run.points.drop(columns="network")


if __name__ == "__main__":
    run_command(report, "python -m analysis.report")
