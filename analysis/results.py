"""`python -m analysis.results RUN...`: Markdown files with what studies found, to be kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analysis.data.study_runs import ENDINGS, StudyRun, all_verdicts, making, read_study_runs
from analysis.render.html import write_text
from analysis.render.tables import Cells, markdown_table, summary_cells
from analysis.sections.verdict_text import (
    EXPLANATION,
    difference_text,
    more_seeds_text,
    verdict_cells,
)
from analysis.stats.comparisons import reading
from searchspace import InputError
from searchspace.cli import run_command
from studies import Ablation

INDEX = "README.md"
VERDICTS = "verdicts.csv"


def results(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    out: Annotated[Path, typer.Option(help="Directory to write into.")] = Path("docs/results"),
) -> None:
    """Write a Markdown file for each study, an index with all verdicts, and verdicts.csv."""
    runs = read_study_runs(run_dirs)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from None
    for run in runs:
        write_text(out / file_name(run), study_page(run))
    write_text(out / VERDICTS, all_verdicts(runs).to_csv(index=False, float_format="%.6g"))
    write_text(out / INDEX, index_page(runs))
    Console().print(f"{len(runs)} studies: {out / INDEX}", soft_wrap=True)


def file_name(run: StudyRun) -> str:
    """The name of a study's file: presets other than quick are part of it."""
    preset = run.ablation.preset
    return f"{run.name}.md" if preset == "quick" else f"{run.name}-{preset}.md"


def study_page(run: StudyRun) -> str:
    """Question, arms, verdicts, and how all of it was made."""
    ablation = run.ablation
    parts = [
        f"# {ablation.name}\n",
        f"{ablation.question} After {ablation.study.source}.\n",
        f"{_design(ablation)}\n",
    ]
    if not run.complete:
        parts.append("**This run is not complete.**\n")
    for task in ablation.tasks:
        arms = [arm for arm in run.arms if arm.task == task.label()]
        parts.append(f"## On {task.label()}\n")
        if arms:
            cells = summary_cells(arms, same_protocol=ablation.design.is_paper_protocol)
            parts += [markdown_table(cells), f"{reading(arms)}\n"]
        else:
            parts.append("No job of this task has ended yet.\n")
        verdicts = [verdict for verdict in run.verdicts if verdict.task == task.label()]
        if verdicts:
            parts.append(markdown_table(verdict_cells(verdicts)))
    parts += ["## How to read this\n", f"{HOW_TO_READ}\n", "## How it was made\n"]
    parts.append("".join(f"- {line}\n" for line in making(run)))
    return "\n".join(parts)


def index_page(runs: Sequence[StudyRun]) -> str:
    """All studies and all verdicts."""
    return "\n".join(
        [
            "# Results\n",
            f"{EXPLANATION} The 5 % are for each study, not for all of them together.\n",
            markdown_table(_studies(runs)),
            "## All verdicts\n",
            markdown_table(_verdicts(runs)),
            f"All figures of these tables are in [{VERDICTS}]({VERDICTS}). Made by "
            "`python -m analysis.results`; each study's file says how, when and on what.\n",
        ]
    )


HOW_TO_READ = (
    "Accuracies are on test images in per cent, mean ± sd over n seeds, measured once at the end; "
    "differences to the baseline are paired by seed, in points, with Student's 95 % t interval for "
    "each alone, and * marks those told from zero by Holm's method over all of them. MACs are for "
    "one image, in the deployed form and in training; peak memory is, on a CPU, the most that the "
    f"tensors of one training step hold; – was not measured. {EXPLANATION}"
)


def _design(ablation: Ablation) -> str:
    mark = "" if ablation.design.is_paper_protocol or not ablation.study.published else "† "
    cells = "; ".join(dict.fromkeys(figure.source for figure in ablation.study.published))
    printed = f" The paper's figures are from {cells}." if cells else ""
    return f"Preset {ablation.preset}. {mark}{ablation.design.note}{printed}"


def _studies(runs: Sequence[StudyRun]) -> Cells:
    rows = tuple(
        (
            f"[{run.name}]({file_name(run)})" + ("" if run.complete else " (not complete)"),
            run.ablation.question,
            str(run.ablation.design.seeds),
            *(str(run.count(ending)) for ending in ENDINGS),
        )
        for run in runs
    )
    return Cells(("study", "question", "seeds", *ENDINGS), rows, text_columns=2)


def _verdicts(runs: Sequence[StudyRun]) -> Cells:
    rows = tuple(
        (
            run.name,
            verdict.task,
            verdict.claim.text,
            verdict.claim.source,
            verdict.ending,
            difference_text(verdict.weakest),
            str(verdict.pairs),
            more_seeds_text(verdict),
        )
        for run in runs
        for verdict in run.verdicts
    )
    headings = ("study", "task", "claim", "source", "verdict", "difference", "n", "more seeds")
    return Cells(headings, rows, text_columns=5)


if __name__ == "__main__":
    run_command(results, "python -m analysis.results")
