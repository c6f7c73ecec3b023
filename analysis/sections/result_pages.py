"""Results of studies as Markdown: a page for each study, and an index with all verdicts."""

from collections.abc import Sequence

from analysis.data.provenance import provenance
from analysis.data.runs import Run
from analysis.render.tables import TextTable
from analysis.render.task_words import task_words
from analysis.sections.arm_tables import arm_table, differences_sentence
from analysis.sections.combined import combined_sections
from analysis.sections.tuning import tuning_sections
from analysis.sections.verdict_tables import (
    additional_seeds_text,
    conclusion_text,
    difference_text,
    interval_name,
    looking_sentences,
    verdict_counts,
    verdict_explanation,
    verdict_table,
)
from studies import Ablation
from studies.stats.decisions import CONCLUSIONS, Conclusion

VERDICTS = "verdicts.csv"


def file_name(run: Run) -> str:
    """The name of a study's file: presets other than quick are part of it."""
    preset = run.ablation.preset
    return f"{run.name}.md" if preset == "quick" else f"{run.name}-{preset}.md"


def study_page(run: Run) -> str:
    """Question, arms, verdicts and provenance of a study, as Markdown."""
    ablation = run.ablation
    parts = [
        f"# {run.name}\n",
        f"{ablation.question} After {ablation.study.source}.\n",
        f"{_design(ablation)}\n",
    ]
    if not run.complete:
        parts.append("**This run is not complete.**\n")
    for task in ablation.tasks:
        arms = [arm for arm in run.arms if arm.task == task.label()]
        parts.append(f"## On {task.label()}\n")
        if arms:
            table = arm_table(arms, same_protocol=ablation.design.is_paper_protocol)
            parts += [table.markdown(), f"{differences_sentence(arms)}\n"]
        else:
            parts.append("No job of this task has ended yet.\n")
        verdicts = [verdict for verdict in run.verdicts if verdict.task == task.label()]
        if verdicts:
            parts.append(verdict_table(verdicts).markdown())
    parts += [f"{sentence}\n" for sentence in looking_sentences(run)]
    for section in (*combined_sections(run), *tuning_sections(run)):
        parts += [f"## {section.title}\n", *(f"{text}\n" for text in section.text)]
        parts += [table.text_table().markdown() for table in section.tables]
    parts += ["## How to read this\n", f"{how_to_read(run)}\n", "## How it was made\n"]
    parts.append("".join(f"- {line}\n" for line in provenance(run)))
    return "\n".join(parts)


def index_page(runs: Sequence[Run]) -> str:
    """The index: all studies and all verdicts, as Markdown."""
    verdicts = [verdict for run in runs for verdict in run.verdicts]
    tasks = list(dict.fromkeys(task for run in runs for task in run.tasks))
    return "\n".join(
        [
            "# Results\n",
            f"Trained on {'; '.join(map(task_words, tasks))}. {verdict_counts(verdicts)}\n",
            _studies(runs).markdown(),
            "## All verdicts\n",
            _verdicts(runs, with_task=len(tasks) > 1).markdown(),
            "## How to read this\n",
            f"{verdict_explanation(runs)} "
            "The 5 % are for each study, not for all of them together. Minutes are the time of all "
            "trainings of a study one after another, those that tune recipes included.\n",
            f"All figures of these tables are in [{VERDICTS}]({VERDICTS}). Made by "
            "`python -m analysis.results`; each study's file says how, when and on what.\n",
        ]
    )


def how_to_read(run: Run) -> str:
    """How to read the tables of a study's page."""
    return (
        "Accuracies are on test images in per cent, mean ± sd over n seeds, measured once at the "
        "end; differences to the baseline are paired by seed, in points, with "
        f"{interval_name([run])} for each alone, and * marks those significantly different from "
        "zero (Holm). MACs are for one image, in the deployed form and in training; peak memory "
        "is, on a CPU, the most that the tensors of one training step hold; – was not measured. "
        f"{verdict_explanation([run])}"
    )


def _design(ablation: Ablation) -> str:
    mark = "" if ablation.design.is_paper_protocol or not ablation.study.published else "† "
    sources = "; ".join(dict.fromkeys(figure.source for figure in ablation.study.published))
    printed = f" The paper's figures are from {sources}." if sources else ""
    return f"Preset {ablation.preset}. {mark}{ablation.design.note}{printed}"


def _studies(runs: Sequence[Run]) -> TextTable:
    rows = tuple(
        (
            f"[{run.name}]({file_name(run)})" + ("" if run.complete else " (not complete)"),
            run.ablation.question,
            str(run.ablation.design.seeds),
            f"{sum(record.result.seconds for record in run.store.records()) / 60:.0f}",
            *(str(_count(run, conclusion)) for conclusion in CONCLUSIONS),
        )
        for run in runs
    )
    return TextTable(("study", "question", "seeds", "minutes", *CONCLUSIONS), rows, text_columns=2)


def _count(run: Run, conclusion: Conclusion) -> int:
    """The number of verdicts with this conclusion, each task on its own."""
    return sum(verdict.conclusion == conclusion for verdict in run.verdicts)


def _verdicts(runs: Sequence[Run], *, with_task: bool) -> TextTable:
    rows = tuple(
        (
            run.name,
            *([verdict.task] if with_task else []),
            verdict.claim.text,
            verdict.claim.source,
            conclusion_text(verdict),
            difference_text(verdict.weakest),
            str(verdict.pairs),
            additional_seeds_text(verdict),
        )
        for run in runs
        for verdict in run.verdicts
    )
    headings = (
        "study",
        *(["task"] if with_task else []),
        "claim",
        "source",
        "verdict",
        "difference",
        "n",
        "additional seeds",
    )
    return TextTable(headings, rows, text_columns=4 + with_task)
