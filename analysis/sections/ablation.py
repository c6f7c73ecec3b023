"""The sections that only an ablation has: verdicts, arms beside the baseline, and notes."""

from collections import Counter
from collections.abc import Sequence

from analysis.data.frames import ARM_COLUMNS, VERDICT_COLUMNS, arms_frame, verdicts_frame
from analysis.data.runs import Run
from analysis.render.forest_drawing import ForestRow, forest_drawings
from analysis.render.section import ReportTable, Section
from analysis.render.tables import TextTable
from analysis.sections.arm_tables import arm_table, differences_sentence
from analysis.sections.forest import arm_row, verdict_row
from analysis.sections.fronts import latency_note, published_table
from analysis.sections.verdict_tables import (
    interval_name,
    looking_sentences,
    verdict_counts,
    verdict_explanation,
    verdict_table,
)
from studies.spec.words import count


def ablation_sections(run: Run) -> list[Section]:
    """The arms on each task, and the verdicts; none for a search."""
    return [*_arm_sections(run), *_verdict_sections(run)] if run.is_ablation else []


def _counts(rows: Sequence[ForestRow]) -> str:
    """How many arms are better than the baseline, worse, or neither for all that is known."""
    words = Counter(row.word for row in rows)
    return (
        f"{count(len(rows), 'comparison')}: {words['better']} better than the baseline, "
        f"{words['worse']} worse, {len(rows) - words['better'] - words['worse']} undecided."
    )


def note_sections(run: Run) -> list[Section]:
    """How to read the tables, and the papers' accuracies; none for a search."""
    if not run.is_ablation:
        return []
    printed = (published_table(run.ablation),) if run.ablation.study.published else ()
    return [Section("notes", "How to read this", tuple(notes(run)), tables=printed)]


def _verdict_sections(run: Run) -> list[Section]:
    if not run.ablation.design.claims:
        return []
    info = verdicts_frame(run.verdicts, run.name)
    text = verdict_table(run.verdicts)
    if len(run.tasks) > 1:
        rows = zip(run.verdicts, text.rows, strict=True)
        text = TextTable(
            ("task", *text.headings),
            tuple((verdict.task, *row) for verdict, row in rows),
            text.text_columns + 1,
        )
    table = ReportTable("verdicts", "Verdicts", info, VERDICT_COLUMNS, text)
    counts = verdict_counts(run.verdicts)
    how = (verdict_explanation([run]), *looking_sentences(run))
    drawn = [verdict_row(verdict, several=len(run.tasks) > 1) for verdict in run.verdicts]
    forest = forest_drawings(drawn, "difference that decides the claim, points", _margin(run))
    title = "Verdicts on the claims"
    return [Section("verdicts", title, how, tables=(table,), lead=counts, forest=tuple(forest))]


def _margin(run: Run) -> float:
    return run.ablation.design.margin or 0.0


def _arm_sections(run: Run) -> list[Section]:
    sections = []
    for task, suffix in run.task_suffixes():
        name, title = f"arms{suffix}", f"Arms and the baseline{run.on_task(task)}"
        arms = [arm for arm in run.arms if arm.task == task.label()]
        if not arms:
            reason = "No table: no job of this task has ended yet."
            sections.append(Section(name, title, reason=reason))
            continue
        text = arm_table(arms, same_protocol=run.ablation.design.is_paper_protocol)
        frame = arms_frame(arms)
        columns = ARM_COLUMNS | {
            str(column): "the paper's top-1 accuracy, per cent"
            for column in frame.columns.difference(list(ARM_COLUMNS))
        }
        table = ReportTable(name, "Arms with their costs", frame, columns, text)
        rows = [arm_row(arm) for arm in arms if arm.difference is not None]
        axis = f"difference to {run.ablation.study.baseline}, points of test accuracy"
        forest = forest_drawings(rows, axis, _margin(run)) if rows else ()
        sections.append(
            Section(
                name,
                title,
                (differences_sentence(arms),),
                tables=(table,),
                lead=_counts(rows),
                forest=tuple(forest),
            )
        )
    return sections


def notes(run: Run) -> list[str]:
    """How to read the table of arms, in sentences."""
    design, arms = run.ablation.design, run.arms
    sentences = [
        "Test accuracy is mean ± sd over n seeds, measured once, after the last epoch. "
        f"Differences are paired by seed, with {interval_name([run])} for each "
        "alone. * significantly different from zero at 5 % (Holm, over all differences of the "
        "study). Intervals do not include the sampling error of the test images. MACs are for one "
        "image in the deployed form, kernel mixing included; parameters are all that it stores."
    ]
    sentences += latency_note(run)
    if any(arm.published for arm in arms):
        sources = "; ".join(dict.fromkeys(point.source for point in run.ablation.study.published))
        mark = "" if design.is_paper_protocol else "† Not comparable as numbers. "
        sentences.append(f"{mark}{design.note} The paper's figures are from {sources}.")
    partial = [arm for arm in arms if arm.n + arm.ended_early < design.seeds]
    if partial or len(arms) < len(design.arms) * len(run.tasks):
        sentences.append(
            f"The run is not complete: it asked for {count(design.seeds, 'seed')} of each arm."
        )
    left_out = run.frame.attrs["left_out"]
    if left_out:
        results = count(left_out, "result")
        sentences.append(f"Left out, of an earlier design of this study: {results}.")
    return sentences
