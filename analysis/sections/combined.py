"""The section on all tasks of a study together."""

from dataclasses import asdict

import pandas as pd

from analysis.data.frames import VERDICT_COLUMNS, verdicts_frame
from analysis.data.runs import Run
from analysis.render.section import ReportTable, Section
from analysis.sections.verdict_tables import verdict_counts, verdict_table
from analysis.stats.combined import (
    COMBINED_COLUMNS,
    CombinedArm,
    combined_arms,
    combined_verdicts,
)

EXPLANATION = (
    "A verdict over all tasks tests the mean over tasks of each difference, seed by seed; these "
    "verdicts are a family of their own. It is about the mean of these tasks, not about others."
)
ARMS = (
    "The interquartile mean and the probability of improvement over the baseline have bootstrap "
    "intervals, stratified by task (Agarwal et al., 2021); they are too narrow for few seeds."
)


def combined_sections(run: Run) -> list[Section]:
    """Verdicts and arms over all tasks; none for a search or a study of one task."""
    if not run.is_ablation or len(run.tasks) < 2:
        return []
    verdicts = combined_verdicts(run.frame, run.ablation)
    arms = combined_arms(run.frame, run.ablation)
    if not arms:
        reason = "No table: no arm has enough paired seeds on a task yet."
        return [Section("combined", "All tasks together", reason=reason)]
    tables = [_arm_table(arms)]
    text = [ARMS]
    if verdicts:
        frame = verdicts_frame(verdicts, run.name)
        table = verdict_table(verdicts)
        tables.insert(
            0, ReportTable("combined-verdicts", "Verdicts", frame, VERDICT_COLUMNS, table)
        )
        text = [verdict_counts(verdicts, "Over all tasks"), EXPLANATION, ARMS]
    return [Section("combined", "All tasks together", tuple(text), tables=tuple(tables))]


def _arm_table(arms: list[CombinedArm]) -> ReportTable:
    frame = pd.DataFrame([asdict(arm) for arm in arms], columns=list(COMBINED_COLUMNS))
    return ReportTable("combined-arms", "Arms", frame, COMBINED_COLUMNS)
