"""The verdicts of several studies: on the console, and as one page."""

from collections.abc import Sequence
from html import escape

from rich.console import Console

from analysis.data.provenance import provenance
from analysis.data.runs import Run
from analysis.render.html import html_page
from analysis.render.tables import html_table, rich_table
from analysis.sections.arm_tables import arm_table, differences_sentence
from analysis.sections.verdict_tables import EXPLANATION, verdict_counts, verdict_table


def print_verdicts(run: Run, console: Console) -> None:
    """Print the verdicts of one run."""
    for task in dict.fromkeys(verdict.task for verdict in run.verdicts):
        verdicts = [verdict for verdict in run.verdicts if verdict.task == task]
        table = verdict_table(verdicts, compact=True)
        console.print(rich_table(table, f"{run.name} on {task}"))
    if not run.verdicts:
        console.print(f"{run.name} tests no claim.", markup=False, highlight=False)
    console.print()


def page(runs: Sequence[Run]) -> str:
    """One self-contained page on all runs."""
    parts = [f'<p class="note">{escape(EXPLANATION)}</p>']
    verdicts = [verdict for run in runs for verdict in run.verdicts]
    parts.append(f"<p><strong>{escape(verdict_counts(verdicts))}</strong></p>")
    for run in runs:
        parts.append(f"<h2>{escape(run.ablation.question)}</h2>")
        parts.append(f"<p>{escape(f'{run.name}, after {run.ablation.study.source}.')}</p>")
        for task in run.tasks:
            parts += _task(run, task.label())
        command, *rest = provenance(run)
        note = escape(" ".join([run.ablation.design.note, *rest]))
        parts.append(f'<p class="note">{note} <code>{escape(command.strip("`"))}</code></p>')
    return html_page("Verdicts", "".join(parts))


def _task(run: Run, task: str) -> list[str]:
    """The verdicts and the arms of one task."""
    arms = [arm for arm in run.arms if arm.task == task]
    verdicts = [verdict for verdict in run.verdicts if verdict.task == task]
    parts = [f"<h3>{escape(task)}</h3>"]
    if verdicts:
        parts.append(f'<div class="scroll">{html_table(verdict_table(verdicts))}</div>')
    if arms:
        table = arm_table(arms, same_protocol=run.ablation.design.is_paper_protocol)
        parts.append(f"<p>{escape(differences_sentence(arms))}</p>")
        parts.append(f'<div class="scroll">{html_table(table)}</div>')
    return parts
