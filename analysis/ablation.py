"""The parts of a report that only an ablation has: verdicts, and arms beside their baseline."""

from collections.abc import Sequence
from math import isinf

import pandas as pd

from analysis.compare import ArmSummary, arms_info, reading
from analysis.fronts import published_table
from analysis.inference import CONFIDENCE
from analysis.parts import Part, Table
from analysis.runs import Run
from analysis.tables import arms_frame, summary_cells
from analysis.verdicts import Verdict, comparison_text, verdicts_info
from studies import Plan

VERDICT_COLUMNS = {
    "task": "name of the task with its settings",
    "claim": "the statement, from the paper",
    "source": "where the paper makes it",
    "verdict": "supported, contradicted or undecided, on this task and budget",
    "comparison": "the comparison that the claim stands or falls with",
    "difference": "its mean difference, paired by seed, less the margin, percentage points",
    "low": "lower end of the 95% interval of that difference",
    "high": "upper end of that interval",
    "pairs": "seeds behind the comparison that has fewest",
    "p_supported": "p-value of support, adjusted over the study (Holm)",
    "p_contradicted": "p-value of contradiction, adjusted over the study",
    "more_seeds": "further seeds that would decide it with 80% power; inf: more than 1000",
    "reason": "why it is undecided",
}

ARM_COLUMNS = {
    "task": "name of the task with its settings",
    "arm": "name of the arm, with its input size if it has several",
    "baseline": "whether others are compared with it",
    "params": "stored numbers of the deployed form",
    "macs": "multiply-accumulates of the deployed form for one image",
    "training_macs": "multiply-accumulates of the training form for one image, forward",
    "n": "number of seeds with an accuracy",
    "test_accuracy_mean": "per cent",
    "test_accuracy_sd": "standard deviation over seeds, percentage points",
    "validation_accuracy_mean": "per cent",
    "difference": "mean difference to the baseline, paired by seed, percentage points",
    "low": "lower end of its interval, not corrected for the number of arms",
    "high": "upper end of its interval",
    "pairs": "number of seeds of both",
    "ended_early": "seeds without an accuracy",
    "seconds": "mean training time of a run",
}


def ablation_parts(run: Run) -> list[Part]:
    """Verdicts, the arms on each task, and the papers' figures; none for a search."""
    plan = run.plan
    if not isinstance(plan, Plan):
        return []
    arms = arms_info(run.frame, plan)
    printed = (published_table(plan),) if plan.published else ()
    about = Part("notes", "How to read this", tuple(notes(run, plan, arms)), tables=printed)
    return [*verdict_parts(run.frame, plan), *_arm_parts(plan, arms), about]


def verdict_parts(frame: pd.DataFrame, plan: Plan) -> list[Part]:
    """How the claims of the study end."""
    if not plan.design.claims:
        return []
    found = verdicts_info(frame, plan)
    info = verdicts_frame(found)
    table = Table("verdicts", "Verdicts", info, VERDICT_COLUMNS)
    return [Part("verdicts", "What became of the paper's claims", (verdicts_text(found),),
                 tables=(table,))]  # fmt: skip


def verdicts_frame(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """A row for each claim and task; columns are documented in `VERDICT_COLUMNS`."""
    rows = [
        {
            "task": verdict.task,
            "claim": verdict.claim.text,
            "source": verdict.claim.source,
            "verdict": verdict.ending,
            "comparison": comparison_text(verdict.weakest.comparison),
            "reason": verdict.reason,
            "difference": verdict.weakest.sample.mean,
            "low": verdict.weakest.sample.low,
            "high": verdict.weakest.sample.high,
            "pairs": verdict.pairs,
            "p_supported": verdict.p_supported,
            "p_contradicted": verdict.p_contradicted,
            "more_seeds": verdict.more_seeds,
        }
        for verdict in verdicts
    ]
    return pd.DataFrame(rows).astype({"more_seeds": float})


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """The verdicts in sentences."""
    return " ".join(_verdict_text(verdict) for verdict in verdicts)


def _verdict_text(verdict: Verdict) -> str:
    claim = verdict.claim.text.rstrip(".")
    told = f"“{claim}” ({verdict.claim.source}) is {verdict.ending} on {verdict.task}"
    if verdict.more_seeds is None:
        return f"{told}."
    if isinf(verdict.more_seeds):
        return f"{told}; more than 1000 further seeds would be needed to decide it."
    return f"{told}; about {verdict.more_seeds:.0f} further seeds would decide it."


def _arm_parts(plan: Plan, arms: Sequence[ArmSummary]) -> list[Part]:
    parts = []
    for index, task in enumerate(plan.design.tasks):
        group = [arm for arm in arms if arm.task == task.label()]
        suffix = "" if len(plan.design.tasks) == 1 else f"-{task.kind}-{index + 1}"
        name, title = f"arms{suffix}", f"Arms on {task.label()}"
        if not group:
            parts.append(Part(name, title, reason="No table: no job of this task has ended yet."))
            continue
        cells = summary_cells(group, same_protocol=plan.design.is_paper_protocol)
        frame = arms_frame(group)
        papers = frame.columns.difference(list(ARM_COLUMNS))
        columns = ARM_COLUMNS | {
            str(column): "the paper's top-1 accuracy, per cent" for column in papers
        }
        table = Table(name, title, frame, columns, cells)
        parts.append(Part(name, title, (reading(group),), tables=(table,)))
    return parts


def notes(run: Run, plan: Plan, arms: Sequence[ArmSummary]) -> list[str]:
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
    left_out = run.frame.attrs["left_out"]
    if left_out:
        found.append(f"{left_out} results of an earlier design of this study are left out.")
    return found
