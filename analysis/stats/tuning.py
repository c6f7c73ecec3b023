"""What tuning tried and chose, and the verdicts with and without it, as rows of tables."""

from collections.abc import Sequence
from math import nan
from typing import Any

from analysis.stats.verdicts import Verdict
from studies.rundir.tuning import ArmTuning, Candidate
from studies.spec.tuning import changes_text

TUNING_COLUMNS = {
    "task": "name of the task with its settings",
    "arm": "name of the arm",
    "recipe": "how the recipe differs from the arm's own",
    "outcome": "won, or why it could not; empty: another one won, or it has not ended",
    "seeds": "trainings that ended with an accuracy",
    "validation_accuracy": "mean over these, per cent",
}
UNTUNED_COLUMNS = {
    "task": "name of the task with its settings",
    "claim": "the statement",
    "verdict": "with tuning",
    "untuned_verdict": "of the arms with their own recipes",
    "difference": "with tuning: mean difference less its margin of the comparison with the largest "
    "p-value, points",
    "untuned_difference": "the same of the arms with their own recipes",
    "seeds": "pairs behind the verdict with tuning",
    "untuned_seeds": "pairs behind the other",
}


def tuning_info(tunings: Sequence[ArmTuning]) -> list[dict[str, Any]]:
    """A row for each recipe tried for an arm on a task; columns are in `TUNING_COLUMNS`."""
    return [
        {
            "task": tuning.task.label(),
            "arm": tuning.arm,
            "recipe": changes_text(candidate.changes),
            "outcome": _outcome(tuning, candidate),
            "seeds": len(candidate.accuracies),
            "validation_accuracy": nan if candidate.score is None else 100 * candidate.score,
        }
        for tuning in tunings
        for candidate in tuning.candidates
    ]


def _outcome(tuning: ArmTuning, candidate: Candidate) -> str:
    if candidate.reason:
        return candidate.reason
    return "won" if tuning.ended and candidate == tuning.winner else ""


def untuned_info(verdicts: Sequence[Verdict], untuned: Sequence[Verdict]) -> list[dict[str, Any]]:
    """A row for each claim on each task, with tuning and without; see `UNTUNED_COLUMNS`."""
    return [
        {
            "task": tuned.task,
            "claim": tuned.claim.text,
            "verdict": tuned.conclusion,
            "untuned_verdict": own.conclusion,
            "difference": round(tuned.weakest.estimate.mean, 9),
            "untuned_difference": round(own.weakest.estimate.mean, 9),
            "seeds": tuned.pairs,
            "untuned_seeds": own.pairs,
        }
        for tuned, own in zip(verdicts, untuned, strict=True)
    ]
