"""The verdicts of several studies: on the console, and as one page."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from analysis.data.provenance import provenance
from analysis.data.runs import Run
from analysis.render.forest_drawing import ForestDrawing, forest_drawings
from analysis.render.html import html_page
from analysis.render.tables import rich_table
from analysis.sections.answer import ablation_answer
from analysis.sections.arm_tables import arm_table, differences_sentence
from analysis.sections.combined import EXPLANATION
from analysis.sections.forest import verdict_row
from analysis.sections.verdict_tables import verdict_counts, verdict_explanation, verdict_table
from analysis.stats.combined import ALL_TASKS, combined_verdicts
from analysis.stats.verdicts import Verdict


def print_verdicts(run: Run, console: Console) -> None:
    """Print the verdicts of one run."""
    for task in dict.fromkeys(verdict.task for verdict in run.verdicts):
        verdicts = [verdict for verdict in run.verdicts if verdict.task == task]
        table = verdict_table(verdicts, compact=True)
        console.print(rich_table(table, f"{run.name} on {task}"))
    combined = combined_verdicts(run.frame, run.ablation)
    if combined:
        table = verdict_table(combined, compact=True)
        console.print(rich_table(table, f"{run.name} over all tasks"))
    if not run.verdicts:
        console.print(f"{run.name} tests no claim.", markup=False, highlight=False)
    console.print()


def explanation(runs: Sequence[Run]) -> str:
    """How to read the verdicts of these runs, those over all tasks too where there are any."""
    several = any(len(run.tasks) > 1 and run.verdicts for run in runs)
    return " ".join([verdict_explanation(runs), *([EXPLANATION] if several else [])])


def page(runs: Sequence[Run]) -> str:
    """One self-contained page on all runs."""
    verdicts = [verdict for run in runs for verdict in run.verdicts]
    return html_page(
        "verdicts.html",
        title="Verdicts",
        explanation=explanation(runs),
        counts=verdict_counts(verdicts),
        runs=[_run(run) for run in runs],
    )


def _run(run: Run) -> dict[str, Any]:
    command, *rest = provenance(run)
    return {
        "question": run.ablation.question,
        "about": f"{run.name}, after {run.ablation.study.source}.",
        "tasks": [*(_task(run, task.label()) for task in run.tasks), *_all_tasks(run)],
        "note": " ".join([run.ablation.design.note, *rest]),
        "command": command.strip("`"),
    }


def _task(run: Run, task: str) -> dict[str, Any]:
    """The verdicts and the arms of one task, None where there are none."""
    arms = [arm for arm in run.arms if arm.task == task]
    verdicts = [verdict for verdict in run.verdicts if verdict.task == task]
    same_protocol = run.ablation.design.is_paper_protocol
    return {
        "name": task,
        "answer": ablation_answer(arms, verdicts) if arms else "",
        "forest": _forest(verdicts, run.ablation.design.margin),
        "verdicts": verdict_table(verdicts) if verdicts else None,
        "differences": differences_sentence(arms) if arms else "",
        "arms": arm_table(arms, same_protocol=same_protocol) if arms else None,
    }


def _all_tasks(run: Run) -> list[dict[str, Any]]:
    """The verdicts over all tasks; none for a study of one task."""
    combined = combined_verdicts(run.frame, run.ablation)
    if not combined:
        return []
    table = verdict_table(combined)
    return [
        {
            "name": f"Over {ALL_TASKS}",
            "answer": "",
            "forest": _forest(combined, run.ablation.design.margin),
            "verdicts": table,
            "differences": "",
            "arms": None,
        }
    ]


def _forest(verdicts: Sequence[Verdict], margin: float | None) -> list[ForestDrawing]:
    """The forest plot of verdicts; none without any."""
    rows = [verdict_row(verdict, several=False) for verdict in verdicts]
    axis = "difference that decides the claim, points"
    return forest_drawings(rows, axis, margin or 0.0) if rows else []
