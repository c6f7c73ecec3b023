"""Arms and verdicts of a study as data frames, for CSV and other tools."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.data.runs import Run
from analysis.stats.arms import ArmSummary
from analysis.stats.contrasts import comparison_text
from analysis.stats.inference import CONFIDENCE
from analysis.stats.verdicts import Verdict

ARM_COLUMNS = {
    "task": "name of the task with its settings",
    "arm": "name of the arm, with its input size in pixels if it has several",
    "baseline": "whether the others are compared with it",
    "size": "input size in pixels, missing for the ensemble of all sizes",
    "params": "stored numbers of the deployed form",
    "macs": "multiply-accumulates of the deployed form for one image",
    "training_params": "parameters of the training form",
    "training_macs": "multiply-accumulates of the training form for one image, forward",
    "epoch_seconds": "wall time of one epoch's training, median over seeds",
    "peak_memory": "bytes in training, median over seeds: on a GPU the most that was allocated, "
    "on a CPU the most that the tensors of one step hold",
    "latency_ms": "measured milliseconds of a batch, missing where it was not measured",
    "n": "number of seeds with an accuracy",
    "ended_early": "number of seeds without one: diverged or out of memory",
    "test_accuracy_mean": "mean over seeds, per cent",
    "test_accuracy_sd": "standard deviation over seeds, percentage points",
    "test_top5_accuracy_mean": "mean over seeds, per cent; missing where it was not measured",
    "sampling_error": "standard error of the mean by the draw of the test images, points",
    "validation_accuracy_mean": "mean over seeds, per cent",
    "difference": "to the baseline, paired by seed, points",
    "low": f"lower end of the {CONFIDENCE:.0%} interval of this difference alone, points: "
    "Student's t, or sequential where seeds are added until claims are decided",
    "high": "upper end of that interval",
    "pairs": "number of seeds behind the difference",
    "p": "two-sided p-value of this difference alone",
    "p_holm": "p-value after Holm over all differences of the study; significant up to 0.05",
    "seconds": "wall time of a job's training, mean over seeds",
}
"""Columns of `arms_frame`; one `published_TASK` follows for each dataset of the paper, per cent."""

VERDICT_COLUMNS = {
    "study": "name of the study",
    "task": "name of the task with its settings",
    "claim": "the statement",
    "source": "section or table of the paper that makes the claim",
    "verdict": "supported, contradicted, equivalent or undecided, on this task and budget",
    "comparison": "the comparison with the largest p-value, which decides about support",
    "comparisons": "number of comparisons of the claim, which must all hold",
    "difference": "mean of the comparison's difference less its margin, points",
    "low": f"lower end of the {CONFIDENCE:.0%} interval of this difference alone, points: "
    "Student's t, or sequential where seeds are added until claims are decided",
    "high": "upper end of that interval",
    "bootstrap_low": f"lower end of the {CONFIDENCE:.0%} percentile bootstrap interval, points",
    "bootstrap_high": "upper end of that interval",
    "sd": "standard deviation of the difference over seeds, points",
    "sampling_error": "standard error of the difference by the draw of the test images, points",
    "sampling_bound": "whether that is an upper bound, as if networks erred independently, because "
    "records do not say which images are right",
    "pairs": "number of seeds behind the comparison that has fewest",
    "p_supported": "p-value of support, after Holm over the claims of the study",
    "p_contradicted": "p-value of contradiction, after Holm over the claims of the study",
    "p_equivalent": "p-value of equivalence within `margin`, at the level that Holm has reached",
    "margin": "the study's margin of equivalence, in points",
    "additional_seeds": "seeds beyond these that would decide with 80 % power if mean and sd "
    "stayed as they are; inf: more than 1000; missing: decided, too few seeds to "
    "estimate it, or a study that adds them itself",
    "reason": "why it is undecided",
}
"""Columns of `verdicts_frame`."""


def main_frame(run: Run) -> pd.DataFrame:
    """The table of a run that is kept as CSV: its arms, or the points of a search."""
    return arms_frame(run.arms) if run.is_ablation else run.points.drop(columns="network")


def arms_frame(arms: Sequence[ArmSummary]) -> pd.DataFrame:
    """A row for each arm, task and input size; columns are in `ARM_COLUMNS`."""
    rows = [_arm(arm) for arm in arms]
    papers = dict.fromkeys(f"published_{name}" for arm in arms for name in arm.published)
    frame = pd.DataFrame(rows, columns=[*ARM_COLUMNS, *papers])
    return frame.astype({"size": "Int64", "pairs": "Int64"})


def verdicts_frame(verdicts: Sequence[Verdict], study: str) -> pd.DataFrame:
    """A row for each claim and task of a study; columns are in `VERDICT_COLUMNS`."""
    rows = [{"study": study, **_verdict(verdict)} for verdict in verdicts]
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))


def all_verdicts_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """The verdicts of several runs of studies; columns are in `VERDICT_COLUMNS`."""
    frames = [verdicts_frame(run.verdicts, run.name) for run in runs]
    return pd.concat(frames, ignore_index=True)


def _arm(arm: ArmSummary) -> dict[str, Any]:
    row = {name: getattr(arm, name) for name in ARM_COLUMNS if hasattr(arm, name)}
    difference = arm.difference
    interval = {
        name: difference and getattr(difference, name)
        for name in ("low", "high", "pairs", "p", "p_holm")
    }
    return {
        **row,
        "baseline": arm.is_baseline,
        "test_accuracy_mean": arm.mean,
        "test_accuracy_sd": arm.sd,
        "test_top5_accuracy_mean": arm.top5,
        "validation_accuracy_mean": arm.validation_mean,
        "difference": difference and difference.mean,
        **interval,
        **{f"published_{name}": value for name, value in arm.published.items()},
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    weakest = verdict.weakest
    estimate = weakest.estimate
    return {
        "task": verdict.task,
        "claim": verdict.claim.text,
        "source": verdict.claim.source,
        "verdict": verdict.conclusion,
        "comparison": comparison_text(weakest.comparison),
        "comparisons": len(verdict.contrasts),
        "difference": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "bootstrap_low": estimate.boot_low,
        "bootstrap_high": estimate.boot_high,
        "sd": estimate.sd,
        "sampling_error": weakest.sampling_error,
        "sampling_bound": weakest.is_bound,
        "pairs": verdict.pairs,
        "p_supported": verdict.p_supported,
        "p_contradicted": verdict.p_contradicted,
        "p_equivalent": verdict.p_equivalent,
        "margin": verdict.margin,
        "additional_seeds": verdict.additional_seeds,
        "reason": verdict.reason,
    }
