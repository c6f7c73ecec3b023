"""The section about tuning: what was tried for each arm, what won, and what it changes."""

import pandas as pd

from analysis.data.runs import Run
from analysis.render.section import ReportTable, Section
from analysis.stats.tuning import (
    TUNING_COLUMNS,
    UNTUNED_COLUMNS,
    tuning_info,
    untuned_info,
)
from studies.spec.tuning import OWN


def tuning_sections(run: Run) -> list[Section]:
    """What was tried and what won, with the verdicts without tuning; none for other designs."""
    if not run.is_ablation or run.ablation.design.tune is None:
        return []
    return [Section("tuning", "Tuning of the arms", tuple(tuning_notes(run)), tables=_tables(run))]


def tuning_notes(run: Run) -> list[str]:
    """How the arms were tuned and how far, in sentences; none for designs without tuning."""
    tune = run.ablation.design.tune if run.is_ablation else None
    if tune is None:
        return []
    tried = len(tune.candidates(run.ablation.recipe))
    seeds = "1 seed" if tune.seeds == 1 else f"{tune.seeds} seeds"
    sentences = [
        f"For each arm {tried} recipes were trained with {seeds} that no other job has, and the "
        "one with the highest mean validation accuracy was used for all seeds of the arm. Test "
        "accuracy chose nothing."
    ]
    left = sum(not tuning.ended for tuning in run.tunings)
    if left:
        sentences.append(f"The tuning of {left} of {len(run.tunings)} arms is not over.")
    return [*sentences, *_without_tuning(run)]


def _without_tuning(run: Run) -> list[str]:
    """What is known of the verdicts without tuning."""
    ended = [tuning for tuning in run.tunings if tuning.ended]
    if len(ended) == len(run.tunings) and not any(t.winner.changes for t in ended):
        return [f"Every arm keeps its {OWN}, so the verdicts without tuning are the same."]
    tune = run.ablation.design.tune
    if tune is None or not tune.untuned:
        return [
            "The arms were not trained without tuning; `--also-untuned` does that and adds the "
            "verdicts without tuning."
        ]
    changed = [
        row["claim"]
        for row in untuned_info(run.verdicts, run.untuned_verdicts)
        if row["verdict"] != row["untuned_verdict"]
    ]
    if not changed:
        return ["No verdict is another without tuning."]
    return [f"Verdicts that are others without tuning: {'; '.join(changed)}."]


def _tables(run: Run) -> tuple[ReportTable, ...]:
    hidden = () if len(run.tasks) > 1 else ("task",)
    tried = pd.DataFrame(tuning_info(run.tunings), columns=list(TUNING_COLUMNS))
    tables = [ReportTable("tuning", "Recipes tried", tried, TUNING_COLUMNS, hidden=hidden)]
    tune = run.ablation.design.tune
    if tune is not None and tune.untuned and run.verdicts:
        rows = untuned_info(run.verdicts, run.untuned_verdicts)
        frame = pd.DataFrame(rows, columns=list(UNTUNED_COLUMNS))
        title = "Verdicts with and without tuning"
        tables.append(ReportTable("untuned", title, frame, UNTUNED_COLUMNS, hidden=hidden))
    return tuple(tables)
