"""The main table of a run on the console, and how to read it."""

from rich.console import Console

from analysis.data.runs import Run
from analysis.render.numbers import engineering
from analysis.render.tables import TextTable, rich_table
from analysis.sections.ablation import notes
from analysis.sections.arm_tables import (
    arm_table,
    cost_table,
    differences_sentence,
    paper_table,
)
from analysis.sections.tuning import tuning_notes
from analysis.sections.verdict_tables import looking_sentences, verdict_counts, verdict_table
from analysis.stats.combined import combined_verdicts
from analysis.stats.fronts import front_info
from searchspace.console import print_text

ROWS = 15
"""Networks of a search's front that are printed."""


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
        table = arm_table(arms, same_protocol=same_protocol, compact=True, printed=False)
        console.print(rich_table(table, f"{run.name} on {task}"))
        console.print(rich_table(cost_table(arms), "costs"))
        printed = paper_table(arms, same_protocol=same_protocol)
        if printed is not None:
            console.print(rich_table(printed, "accuracy that the paper prints, %"))
        sentence = differences_sentence(arms)
        print_text(console, f"{sentence}\n")
    if run.verdicts:
        console.print(rich_table(verdict_table(run.verdicts, compact=True), "the claims"))
        told = " ".join([verdict_counts(run.verdicts), *looking_sentences(run)])
        print_text(console, f"{told}\n")
    combined = combined_verdicts(run.frame, run.ablation)
    if combined:
        console.print(rich_table(verdict_table(combined, compact=True), "over all tasks"))
        told = verdict_counts(combined, "Over all tasks")
        print_text(console, f"{told}\n")
    for note in (*notes(run), *tuning_notes(run)):
        print_text(console, note)


def _print_search(run: Run, console: Console) -> None:
    points = front_info(run.points, run.main_cost)
    front = points[points["on_front"]].head(ROWS)
    if front.empty:
        console.print("No trial has an accuracy yet.")
        return
    rows = tuple(
        (f"{row['name']}: {label}", engineering(row["params"]), engineering(row["macs"]),
         f"{row['mean']:.2f}", f"{row['test_mean']:.2f}", str(row["n"]))
        for row, label in zip(front.to_dict("records"), run.labels(front), strict=True)
    )  # fmt: skip
    table = TextTable(("network", "params", "MACs", "validation, %", "test, %", "n"), rows)
    console.print(rich_table(table, f"Front of {run.name}: {len(front)} of {len(points)} networks"))
    print_text(
        console,
        "Networks were selected by validation accuracy, which is too high for the selected ones; "
        "test accuracy selected nothing.",
    )
