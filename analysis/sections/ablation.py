"""The parts of a report that only an ablation has: verdicts, and arms beside their baseline."""

from collections.abc import Sequence

import pandas as pd

from analysis.data.frames import ARM_COLUMNS, VERDICT_COLUMNS, arms_frame, verdicts_frame
from analysis.data.runs import Run
from analysis.render.parts import Part, Table
from analysis.render.tables import summary_cells
from analysis.sections.trade_offs import published_table
from analysis.stats.comparisons import ArmSummary, arms_info, reading
from analysis.stats.inference import CONFIDENCE
from analysis.stats.verdicts import reading as verdicts_reading
from analysis.stats.verdicts import verdicts_info
from studies import Ablation

HIDDEN = ("study", "comparisons", "bootstrap_low", "bootstrap_high", "sd", "sampling_error")
"""Columns of verdicts that a page leaves out."""


def ablation_parts(run: Run) -> list[Part]:
    """Verdicts, the arms on each task, and the papers' figures; none for a search."""
    ablation = run.ablation
    if ablation is None:
        return []
    arms = arms_info(run.frame, ablation)
    printed = (published_table(ablation),) if ablation.study.published else ()
    about = Part("notes", "How to read this", tuple(notes(run, ablation, arms)), tables=printed)
    return [*verdict_parts(run.frame, ablation), *_arm_parts(ablation, arms), about]


def verdict_parts(frame: pd.DataFrame, ablation: Ablation) -> list[Part]:
    """How the claims of the study end."""
    if not ablation.design.claims:
        return []
    found = verdicts_info(frame, ablation)
    info = verdicts_frame(found, ablation.name)
    hidden = HIDDEN if len(ablation.tasks) > 1 else (*HIDDEN, "task")
    table = Table("verdicts", "Verdicts", info, VERDICT_COLUMNS, hidden=hidden)
    return [Part("verdicts", "What became of the paper's claims", (verdicts_reading(found),),
                 tables=(table,))]  # fmt: skip


def _arm_parts(ablation: Ablation, arms: Sequence[ArmSummary]) -> list[Part]:
    parts = []
    for index, task in enumerate(ablation.tasks):
        group = [arm for arm in arms if arm.task == task.label()]
        suffix = "" if len(ablation.tasks) == 1 else f"-{task.kind}-{index + 1}"
        name, title = f"arms{suffix}", f"Arms on {task.label()}"
        if not group:
            parts.append(Part(name, title, reason="No table: no job of this task has ended yet."))
            continue
        cells = summary_cells(group, same_protocol=ablation.design.is_paper_protocol)
        frame = arms_frame(group)
        papers = frame.columns.difference(list(ARM_COLUMNS))
        columns = ARM_COLUMNS | {
            str(column): "the paper's top-1 accuracy, per cent" for column in papers
        }
        table = Table(name, title, frame, columns, cells)
        parts.append(Part(name, title, (reading(group),), tables=(table,)))
    return parts


def notes(run: Run, ablation: Ablation, arms: Sequence[ArmSummary]) -> list[str]:
    """What a reader must know to read the table, in sentences."""
    found = [
        "Test accuracy is mean ± sd over n seeds, measured once, after the last epoch. "
        f"Differences are paired by seed, with Student's {CONFIDENCE:.0%} t interval for each "
        "alone; * is told from zero after Holm's correction for all differences of the study, at "
        "5 %. They do not contain the error of the test sample. MACs are for one image in the "
        "deployed form, kernel mixing included; parameters are all that it stores."
    ]
    if any(arm.published for arm in arms):
        cells = "; ".join(dict.fromkeys(figure.source for figure in ablation.study.published))
        mark = "" if ablation.design.is_paper_protocol else "† Not comparable as numbers. "
        found.append(f"{mark}{ablation.design.note} The paper's figures are from {cells}.")
    wanted = ablation.design.seeds
    partial = [arm for arm in arms if arm.n + arm.ended_early < wanted]
    if partial or len(arms) < len(ablation.design.arms) * len(ablation.tasks):
        found.append(f"The run is not complete: {wanted} seeds of each arm were asked for.")
    left_out = run.frame.attrs["left_out"]
    if left_out:
        found.append(f"{left_out} results of an earlier design of this study are left out.")
    return found
