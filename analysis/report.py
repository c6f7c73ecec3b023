"""`python -m analysis.report RUN`: the table of a run, its CSV, and a page that opens anywhere."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analysis.compare import ArmSummary, arms_info, reading
from analysis.figures import plot_front
from analysis.inference import CONFIDENCE
from analysis.pages import html_page, write_text
from analysis.tables import arms_frame, html_table, rich_table, summary_cells
from searchspace import InputError
from searchspace.cli import run_command
from studies import Plan, Search, load, read_plan

PAGE = "report.html"
TABLE = "table.csv"


def report(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
) -> int:
    """Print the table of a run and write table.csv and report.html into its directory."""
    console = Console(soft_wrap=False)
    plan = read_plan(run_dir)
    if isinstance(plan, Search):
        raise InputError(f"{run_dir} holds a search; this report is of ablations")
    frame = load(run_dir)
    arms = arms_info(frame, plan)
    if not arms:
        raise InputError(f"{run_dir} has no finished job yet; run the study again to train some")
    for title, group in _by_task(plan, arms):
        cells = summary_cells(group, same_protocol=plan.design.is_paper_protocol, compact=True)
        console.print(rich_table(cells, title))
        console.print(f"{reading(group)}\n", markup=False, highlight=False, soft_wrap=True)
    for note in notes(plan, arms, frame.attrs["left_out"]):
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    write_text(run_dir / TABLE, arms_frame(arms).to_csv(index=False))
    write_text(run_dir / PAGE, page(plan, arms, frame.attrs["left_out"]))
    console.print(f"\nTable: {run_dir / TABLE}\nReport: {run_dir / PAGE}", soft_wrap=True)
    return 0


def notes(plan: Plan, arms: Sequence[ArmSummary], left_out: int) -> list[str]:
    """What a reader must know to read the table, in sentences."""
    found = [
        f"Test accuracy is mean ± sd over n seeds, measured once, after the last epoch. "
        f"Differences are paired by seed, with Student's {CONFIDENCE:.0%} t interval for each, not "
        "corrected for the number of arms, and do not contain the error of the test sample. MACs "
        "are for one image in the deployed form, kernel mixing included; parameters are all that "
        "it stores."
    ]
    if any(arm.published for arm in arms):
        cells = "; ".join(dict.fromkeys(figure.source for figure in plan.published))
        mark = "" if plan.design.is_paper_protocol else "† Not comparable as numbers. "
        found.append(f"{mark}{plan.design.note} The paper's figures are from {cells}.")
    wanted = plan.design.seeds
    partial = [arm for arm in arms if arm.n + arm.ended_early < wanted]
    if partial or len(arms) < len(plan.design.arms) * len(plan.design.tasks):
        found.append(f"The run is not complete: {wanted} seeds of each arm were asked for.")
    if left_out:
        found.append(f"{left_out} results of an earlier design of this study are left out.")
    return found


def page(plan: Plan, arms: Sequence[ArmSummary], left_out: int) -> str:
    """The report as one HTML page that needs nothing but itself."""
    parts = []
    script = True
    configs = {arm.name: _config(arm.architecture.to_json()) for arm in plan.design.arms}
    for title, group in _by_task(plan, arms):
        parts.append(f"<h2>{escape(title)}</h2>")
        cells = summary_cells(group, same_protocol=plan.design.is_paper_protocol)
        parts.append(f"<p><strong>{escape(reading(group))}</strong></p>")
        parts.append(f'<div class="scroll">{html_table(cells)}</div>')
        if any(arm.n for arm in group):
            # The first figure carries plotly's script, the others share it.
            figure = plot_front(group, configs)
            parts.append(
                figure.to_html(
                    full_html=False, include_plotlyjs=script, config={"displaylogo": False}
                )
            )
            script = False
        else:
            parts.append("<p>No figure: every run ended without an accuracy.</p>")
    parts += [f'<p class="note">{escape(note)}</p>' for note in notes(plan, arms, left_out)]
    recipe = ", ".join(f"{k} {v}" for k, v in plan.to_json()["design"]["recipe"].items())
    parts.append(f'<p class="note">Recipe: {escape(recipe)}.</p>')
    about = f"Study {plan.study}, preset {plan.preset}; after {plan.source}."
    return html_page(plan.question, f"<p>{escape(about)}</p>{''.join(parts)}")


def _config(architecture: dict[str, object]) -> str:
    """An architecture in a few lines: its backbone, and each distinct choice with its slots."""
    choices = architecture["choices"]
    assert isinstance(choices, dict)
    slots: dict[str, int] = {}
    for choice in choices.values():
        text = json.dumps(choice)
        slots[text] = slots.get(text, 0) + 1
    lines = [json.dumps(architecture["backbone"])]
    lines += [f"{text} in {count} slots" for text, count in slots.items()]
    return "<br>".join(escape(line) for line in lines)


def _by_task(plan: Plan, arms: Sequence[ArmSummary]) -> list[tuple[str, list[ArmSummary]]]:
    groups: dict[str, list[ArmSummary]] = {}
    for arm in arms:
        groups.setdefault(arm.task, []).append(arm)
    return [(f"{plan.study} on {task}", group) for task, group in groups.items()]


if __name__ == "__main__":
    run_command(report, "python -m analysis.report")
